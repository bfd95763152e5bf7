/// Training that cannot go on. The command line ends with exit code 1 on it.
public enum TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The loss or a parameter became NaN or infinite at step `step` (from 1, counted over all epochs) of epoch
    /// `epoch` (from 1). `loss` is the mean loss of that step's batch.
    case diverged(step: Int, epoch: Int, loss: Double)

    public var description: String {
        switch self {
        case .diverged(let step, let epoch, let loss):
            "training: step \(step) (epoch \(epoch)) diverged: the loss is \(loss) · lower "
                + "training.optimizer.learningRate, or bound the gradient with training.gradientClipping"
        }
    }
}
