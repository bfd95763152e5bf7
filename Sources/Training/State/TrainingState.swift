import Formats
import Tensors

/// The progress of training, in numbers. Together with the tensors of ``TrainingState`` it is the complete state.
package struct TrainingProgress: Hashable, Sendable, Codable {
    /// The current epoch, from 1; one more than the number of epochs after the last has ended.
    package var epoch = 1
    /// The number of steps completed in that epoch.
    package var step = 0
    /// The number of steps taken since the first epoch.
    package var optimizerSteps = 0
    /// The sums over the steps of the current epoch, from which its metrics are computed.
    package var lossSum = 0.0
    package var correct = 0
    package var images = 0
    /// The wall time of these steps, in seconds.
    package var seconds = 0.0
    /// The learning rate of the last step.
    package var learningRate = 0.0
    /// The state of early stopping; `nil` without it.
    package var earlyStopping: EarlyStopping.State?
    /// The history of the finished epochs.
    package var history = TrainingHistory()

    package init() {}

    /// Advances to the first step of the next epoch.
    mutating func beginNextEpoch() {
        epoch += 1
        (step, correct, images) = (0, 0, 0)
        (lossSum, seconds, learningRate) = (0, 0, 0)
    }
}

/// Everything that training needs to resume with the same bits, for any number of threads.
///
/// Random numbers are addressed instead of drawn from a sequence, so no generator state is stored. The tensors are flat
/// buffers: `parameters`, `state` (batch-norm's statistics), those of `optimizer/m`, `optimizer/v`, `lookahead/slow`,
/// `average/parameters` and `average/state` that exist, and from the end of the first epoch on `best/parameters` and
/// `best/state`, the weights that would be returned.
package struct TrainingState: Hashable, Sendable {
    package var progress: TrainingProgress
    package var tensors: [TensorRecord]

    package init(progress: TrainingProgress, tensors: [TensorRecord]) {
        self.progress = progress
        self.tensors = tensors
    }

    /// Whether no number in the tensors is NaN or infinite.
    var isFinite: Bool {
        for tensor in tensors {
            // A loop over values instead of `allSatisfy`, since training waits for this.
            for value in tensor.values where !value.isFinite { return false }
        }
        return true
    }
}

extension AlignedBuffer<Float> {
    /// Whether no element is NaN or infinite.
    var isFinite: Bool {
        for index in 0..<count where !pointer[index].isFinite { return false }
        return true
    }
}
