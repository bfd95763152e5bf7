import Foundation

/// Training that cannot go on. The command line ends with exit code 1 on it.
///
/// NaN is never hidden: every layer passes it on (ReLU and max-pooling too), so that one in a pixel, a weight or a sum
/// reaches the loss of its step, or the weights after it; in inference it spoils the image that has it and no other.
/// Infinities follow IEEE arithmetic: they grow to NaN in the loss unless tanh or sigmoid bound them. Training stops where one is seen: at a step's
/// loss, at an epoch's end in the weights and in the validation loss, and before a checkpoint is written in all that it
/// would hold. So a checkpoint, and the weights that are given back, never hold one.
public enum TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was NaN or infinite.
    public enum Finding: String, Hashable, Sendable {
        /// The mean loss of a step's batch.
        case loss
        /// A weight, a moment of the optimizer or a statistic of batch-norm.
        case weights
        /// The mean loss of the validation images.
        case validationLoss
    }

    /// `finding` became NaN or infinite at step `step` (from 1, counted over all epochs) of epoch `epoch` (from 1). `loss`
    /// is the mean loss of that step's batch; the epoch's, where the weights show it; or the validation loss.
    case diverged(step: Int, epoch: Int, loss: Double, finding: Finding, remedy: String)

    /// One line: the step, what was found, and what most likely helps.
    public var description: String {
        switch self {
        case .diverged(let step, let epoch, let loss, let finding, let remedy):
            let what =
                switch finding {
                case .loss: "the loss is \(loss)"
                case .weights: "a weight is not finite any more (mean loss \(loss))"
                case .validationLoss: "the validation loss is \(loss)"
                }
            return "training: step \(step) (epoch \(epoch)) diverged: \(what) · \(remedy)"
        }
    }

    /// What most likely helps.
    /// - Parameters:
    ///   - isFirstStep: whether no step was taken yet, so that the rate is not to blame.
    ///   - learningRate: of the step.
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
