import Foundation
import Testing
import Training

@testable import Reports
@testable import Runs

@Suite struct SweepRecordTests {
    private func record(_ epoch: Int, _ accuracy: Double, _ loss: Double) -> EpochRecord {
        EpochRecord(
            epoch: epoch, learningRate: 0.1, trainingLoss: loss, trainingAccuracy: accuracy, validationLoss: loss,
            validationAccuracy: accuracy, seconds: 1.5, imagesPerSecond: 100)
    }

    private func training(
        _ trial: Int, seed: UInt64 = 0, _ figures: [(Double, Double)], failure: String? = nil
    ) -> SweepTraining {
        SweepTraining(
            trial: trial, seed: seed, epochs: figures.enumerated().map { record($0 + 1, $1.0, $1.1) }, isFinished: true,
            failure: failure)
    }

    private func row(
        _ trial: Int, _ values: [String], _ trainings: [SweepTraining], epochs: Int,
        monitor: EarlyStoppingOptions.Monitor = .validationAccuracy, stopping: EarlyStoppingOptions? = nil
    ) -> SweepRow {
        SweepRow(
            trial: trial, values: values, trainings: trainings, epochs: epochs, stopping: stopping, monitor: monitor)
    }

    /// The weights that would be given back after so many epochs: the last, or the best that early stopping saw.
    @Test func aTrainingIsJudgedByTheEpochItKeeps() {
        let figures = [(0.8, 0.5), (0.9, 0.3), (0.85, 0.2), (0.95, 0.4)]
        let training = training(1, figures)
        let stopping = EarlyStoppingOptions(monitor: .validationLoss, patience: 9)
        #expect((1...4).map { training.kept(after: $0, nil)?.epoch } == [1, 2, 3, 4])
        #expect((1...4).map { training.kept(after: $0, stopping)?.epoch } == [1, 2, 3, 3])
        let accuracy = EarlyStoppingOptions(monitor: .validationAccuracy, patience: 9)
        #expect((1...4).map { training.kept(after: $0, accuracy)?.epoch } == [1, 2, 2, 4])
        #expect(self.training(1, figures, failure: "x").kept(after: 4, nil) == nil)
    }

    @Test func seedsAreAveraged() throws {
        let row = row(
            1, ["3"], [training(1, [(0.5, 2), (0.9, 0.5)]), training(1, seed: 7, [(0.7, 1), (0.8, 0.3)])], epochs: 2)
        #expect(abs(try #require(row.accuracy).mean - 0.85) < 1e-12)
        #expect(abs(try #require(row.accuracy?.standardDeviation) - 0.05 * 2.0.squareRoot()) < 1e-12)
        #expect(abs(try #require(row.loss).mean - 0.4) < 1e-12)
        #expect(row.seconds == 6 && row.curve.map { ($0 * 1e9).rounded() } == [0.6e9, 0.85e9])
        let one = self.row(1, ["3"], [training(1, [(0.5, 2)])], epochs: 1)
        #expect(one.accuracy?.standardDeviation == nil)
    }

    private func sample(_ monitor: EarlyStoppingOptions.Monitor = .validationAccuracy) -> SweepRecord {
        SweepRecord(
            name: "rates <&>", parameters: ["training.optimizer.learningRate", "model.layers[0].filters"],
            monitor: monitor, seeds: [0],
            rows: [
                row(1, ["0.001", "8"], [training(1, [(0.97, 0.1)])], epochs: 1, monitor: monitor),
                row(2, ["0.1", "8"], [training(2, [(0.1, 9)], failure: "diverged, at once")], epochs: 3),
                row(3, ["0.01", "8"], [training(3, [(0.95, 0.2), (0.96, 0.1), (0.98, 0.08)])], epochs: 3),
                row(4, ["0.003", "16"], [training(4, [(0.9, 0.3), (0.9, 0.2), (0.98, 0.07)])], epochs: 3),
                row(5, ["0.5", "16"], [training(5, [(0.99, 0.9), (0.99, 0.9), (0.99, 0.9)])], epochs: 3),
            ])
    }

    /// Those that came further first, then the better, ties by the other figure; failures last.
    @Test func trialsAreRanked() {
        #expect(sample().rows.map(\.trial) == [5, 4, 3, 1, 2])
        #expect(sample(.validationLoss).rows.map(\.trial) == [4, 3, 5, 1, 2])
    }

    @Test func tableAndFileSayTheSame() {
        let lines = sample().csv.split(separator: "\n").map(String.init)
        #expect(
            lines[0]
                == "rank,trial,epochs,validation_accuracy,validation_accuracy_sd,validation_loss,validation_loss_sd,"
                + "seconds,failure,training.optimizer.learningRate,model.layers[0].filters")
        #expect(lines[1] == "1,5,3,0.99,,0.9,,4.5,,0.5,16")
        #expect(lines[5] == "5,2,3,,,,,1.5,\"diverged, at once\",0.1,8")
        let table = sample().table(limit: 4).split(separator: "\n").map(String.init)
        #expect(table[0].split(separator: " ").first == "trial" && table[0].contains("learningRate  filters  epochs"))
        #expect(table[1].contains("99.00") && table[2].contains("0.0700") && table.count == 6)
        #expect(table[5] == "… and 1 more, in sweep.csv")
        #expect(sample().table().contains("failed"))
    }

    @Test func picturesAreWhole() throws {
        let content = try wellFormed(Data(SweepFigure.svg(sample()).utf8))
        // Four trials trained, on two parameters; words instead of numbers, and a sweep of one trial.
        #expect(content.elements["circle"] == 8)
        let words = SweepRecord(
            name: "w", parameters: ["training.optimizer.type"], monitor: .validationLoss, seeds: [1, 2],
            rows: [row(1, ["\"a\""], [training(1, [(0.5, 1)])], epochs: 1, monitor: .validationLoss)])
        #expect(try wellFormed(Data(SweepFigure.svg(words).utf8)).elements["circle"] == 1)
        let none = SweepRecord(
            name: "n", parameters: ["a"], monitor: .validationLoss, seeds: [1],
            rows: [row(1, ["1"], [training(1, [], failure: "x")], epochs: 1)])
        _ = try wellFormed(Data(SweepFigure.svg(none).utf8))
        // A loss of any size in the curve of a trial beside good ones.
        let wild = SweepRecord(
            name: "d", parameters: ["a"], monitor: .validationLoss, seeds: [1],
            rows: [
                row(1, ["1"], [training(1, [(0.5, 1e14), (0.9, 0.1)])], epochs: 2, monitor: .validationLoss),
                row(2, ["2"], [training(2, [(0.5, 0.2), (0.9, 0.12)])], epochs: 2, monitor: .validationLoss),
            ])
        _ = try wellFormed(Data(SweepFigure.svg(wild).utf8))
    }

    @Test func aRangeTestIsDrawnAndTold() throws {
        let points = (0..<120).map { step -> LearningRateTest.Point in
            let x = Double(step) / 119
            let loss = 2.3 - 1.8 / (1 + exp(-20 * (x - 0.5))) + (x > 0.9 ? 40 * (x - 0.9) : 0)
            return .init(learningRate: 1e-6 * pow(10, 7 * x), loss: loss * 1.01, smoothedLoss: loss)
        }
        let test = LearningRateTest(points: points, diverged: true)
        _ = try wellFormed(Data(LearningRateFigure.svg(test, name: "a & b").utf8))
        let text = LearningRateText.summary(test)
        #expect(text.contains("█") && text.contains("▁") && text.contains("1.00e-6"))
        let csv = LearningRateText.csv(test).split(separator: "\n")
        #expect(csv.count == 121 && csv[0] == "step,learning_rate,loss,smoothed_loss")
        #expect(LearningRateText.rate(0.00316) == "3.16e-3" && LearningRateText.rate(12) == "1.20e1")
        _ = LearningRateText.summary(LearningRateTest(points: [], diverged: true))
        let last = LearningRateTest.Point(learningRate: 20, loss: 1e25, smoothedLoss: 1e25)
        let wild = LearningRateTest(points: points + [last], diverged: true)
        _ = try wellFormed(Data(LearningRateFigure.svg(wild, name: "wild").utf8))
        #expect(LearningRateText.summary(wild, columns: 200).contains("█"))
    }
}
