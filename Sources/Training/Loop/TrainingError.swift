import Foundation

/// An error that ends training. The command-line tool then exits with code 1.
///
/// NaN is never hidden: every layer propagates it (ReLU and max-pooling too), so that one in a pixel, a weight or a sum
/// reaches the loss of its step, or the weights after it; at inference it spoils only the image that contains it.
/// Infinities follow IEEE arithmetic: they turn into NaN in the loss unless tanh or sigmoid bound them. Training checks
/// for both and stops: in each step's loss, at the end of an epoch in the weights, the batch-norm statistics and the
/// validation loss, and before a checkpoint is written in everything it would contain. Neither a checkpoint nor the
/// returned weights therefore ever contain one.
public enum TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The quantity that was NaN or infinite.
    public enum Finding: String, Hashable, Sendable {
        /// The mean loss of a step's batch.
        case loss
        /// A weight, a moment of the optimizer or a batch-norm statistic.
        case weights
        /// The mean loss of the validation images.
        case validationLoss
    }

    /// `finding` became NaN or infinite at step `step` (from 1, counted over all epochs) of epoch `epoch` (from 1).
    /// `loss` is the mean loss of that step's batch, the mean loss of the epoch if the weights show it, or the
    /// validation loss.
    case diverged(step: Int, epoch: Int, loss: Double, finding: Finding, remedy: String)

    /// A description in one line: the step, the finding, and the most likely remedy.
    public var description: String {
        switch self {
        case .diverged(let step, let epoch, let loss, let finding, let remedy):
            let what =
                switch finding {
                case .loss: "the loss is \(loss)"
                case .weights: "a weight or a batch-norm statistic is not finite any more (mean loss \(loss))"
                case .validationLoss: "the validation loss is \(loss)"
                }
            return "training: step \(step) (epoch \(epoch)) diverged: \(what) · \(remedy)"
        }
    }

    /// Returns the most likely remedy.
    /// - Parameters:
    ///   - isFirstStep: Whether no step was taken yet, so that the learning rate is not to blame.
    ///   - learningRate: The learning rate of the step.
    static func remedy(isFirstStep: Bool, learningRate: Double, options: TrainingOptions) -> String {
        if isFirstStep {
            return "the first loss already: check the gains of the layers' initializers, and data.normalization"
        }
        var ways = [
            "lower training.optimizer.learningRate (\(options.optimizer.learningRate); at this step the schedule made it "
                + String(format: "%.3g)", learningRate)
        ]
        if options.warmupEpochs == 0, options.schedule == .constant {
            ways.append("let it rise slowly with training.warmupEpochs")
        }
        if options.gradientClipping == nil { ways.append("bound the gradient with training.gradientClipping") }
        return ways.joined(separator: ", or ")
    }
}
