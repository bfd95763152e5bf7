import Formats
import Tensors

/// Where training stands, in numbers. With the tensors of ``TrainingState`` it says everything.
package struct TrainingProgress: Hashable, Sendable, Codable {
    /// The epoch under way, from 1; one more than all epochs where the last has ended.
    package var epoch = 1
    /// Steps of that epoch that are done.
    package var step = 0
    /// Steps taken since the first epoch.
    package var optimizerSteps = 0
    /// Sums over the steps of the epoch under way, from which its figures are made.
    package var lossSum = 0.0
    package var correct = 0
    package var images = 0
    /// Wall time of them.
    package var seconds = 0.0
    /// Of the last step.
    package var learningRate = 0.0
    /// Nil where nothing is watched.
    package var earlyStopping: EarlyStopping.State?
    /// The epochs that have ended.
    package var history = TrainingHistory()

    package init() {}

    /// Moves to the first step of the next epoch.
    mutating func beginNextEpoch() {
        epoch += 1
        (step, correct, images) = (0, 0, 0)
        (lossSum, seconds, learningRate) = (0, 0, 0)
    }
}

/// Everything that training needs to go on with the same bits, for any number of threads.
///
/// Random numbers have addresses, not histories, so that there is no generator's state in it. Tensors are flat buffers
///: `parameters`, `state` (batch-norm's statistics), `optimizer/m`, `optimizer/v`, `average/parameters` and
/// `average/state` as far as they exist, and from the first epoch's end `best/parameters` and `best/state`, the weights
/// that would be given back.
package struct TrainingState: Hashable, Sendable {
    package var progress: TrainingProgress
    package var tensors: [TensorRecord]

    package init(progress: TrainingProgress, tensors: [TensorRecord]) {
        self.progress = progress
        self.tensors = tensors
    }

    /// Whether no number in it is NaN or infinite.
    var isFinite: Bool {
        for tensor in tensors {
            // A loop over values, not `allSatisfy`: this is on the way of training.
            for value in tensor.values where !value.isFinite { return false }
        }
        return true
    }
}
