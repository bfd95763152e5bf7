import Foundation
import Testing

@testable import Training

@Suite("Early stopping and divergence")
struct EarlyStoppingTests {
    private func verdicts(_ options: EarlyStoppingOptions, _ values: [Double]) -> [EarlyStopping.Verdict] {
        var stopping = EarlyStopping(options: options)
        return values.enumerated().map { stopping.observe(epoch: $0 + 1, value: $1) }
    }

    @Test("a loss improves by falling, an accuracy by rising")
    func direction() {
        let values = [0.5, 0.4, 0.6, 0.4, 0.7, 0.3]
        #expect(
            verdicts(.init(monitor: .validationLoss, patience: 9), values)
                == [.improved, .improved, .waiting, .waiting, .waiting, .improved])
        #expect(
            verdicts(.init(monitor: .validationAccuracy, patience: 9), values)
                == [.improved, .waiting, .improved, .waiting, .improved, .waiting])
    }

    @Test("stops after `patience` epochs in a row without improvement")
    func patience() {
        #expect(
            verdicts(.init(patience: 2), [1, 2, 0.5, 0.5, 0.6])
                == [.improved, .waiting, .improved, .waiting, .stop])
        #expect(verdicts(.init(patience: 0), [1, 1]) == [.improved, .stop])
        #expect(verdicts(.init(patience: 1), [1, 1]) == [.improved, .stop])
    }

    @Test("a change up to the minimum is none")
    func minimumChange() {
        #expect(
            verdicts(.init(patience: 9, minimumChange: 0.25), [2, 1.75, 1.5, 1.25])
                == [.improved, .waiting, .improved, .waiting])
        #expect(
            verdicts(.init(monitor: .validationAccuracy, patience: 9, minimumChange: 0.25), [0.25, 0.5, 0.625])
                == [.improved, .waiting, .improved])
    }

    @Test("NaN and infinities never improve, and never become the best")
    func notFinite() {
        #expect(
            verdicts(.init(patience: 9), [.nan, .infinity, -.infinity, 3, .nan, 2])
                == [.waiting, .waiting, .waiting, .improved, .waiting, .improved])
        #expect(verdicts(.init(patience: 2), [.nan, .nan]) == [.waiting, .stop])
    }

    @Test("its state survives JSON and continues")
    func state() throws {
        let options = EarlyStoppingOptions(patience: 2)
        var stopping = EarlyStopping(options: options)
        _ = stopping.observe(epoch: 1, value: 0.1)
        _ = stopping.observe(epoch: 2, value: 0.2)
        let json = try JSONEncoder().encode(stopping.state)
        var resumed = EarlyStopping(
            options: options, state: try JSONDecoder().decode(EarlyStopping.State.self, from: json))
        #expect(resumed == stopping)
        #expect(resumed.state.bestEpoch == 1 && resumed.state.bestValue == 0.1)
        #expect(resumed.observe(epoch: 3, value: 0.15) == .stop)
        #expect(resumed.observe(epoch: 4, value: 0.05) == .improved)
        #expect(resumed.state.bestEpoch == 4)
    }

    @Test("divergence names the step and the remedy on one line")
    func divergence() {
        var options = TrainingOptions()
        options.optimizer = .sgd(learningRate: 0.5)
        options.schedule = .cosine()
        func text(_ finding: TrainingError.Finding, _ loss: Double, isFirstStep: Bool = false) -> String {
            let remedy = TrainingError.remedy(isFirstStep: isFirstStep, learningRate: 0.123456, options: options)
            return "\(TrainingError.diverged(step: 120, epoch: 3, loss: loss, finding: finding, remedy: remedy))"
        }
        let lower = "lower training.optimizer.learningRate (0.5; at this step the schedule made it 0.123)"
        #expect(
            text(.loss, .nan) == "training: step 120 (epoch 3) diverged: the loss is nan · " + lower
                + ", or bound the gradient with training.gradientClipping")
        options.gradientClipping = .norm(1)
        #expect(text(.validationLoss, .infinity).hasSuffix("the validation loss is inf · " + lower))
        options.schedule = .constant
        #expect(text(.weights, 2).hasSuffix(lower + ", or let it rise slowly with training.warmupEpochs"))
        #expect(text(.weights, 2).contains("a weight or a batch-norm statistic is not finite any more (mean loss 2.0)"))
        #expect(text(.loss, .nan, isFirstStep: true).contains("initializers"))
    }
}
