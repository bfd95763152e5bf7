import Tensors

/// Where training stands, in numbers. With the tensors of ``TrainingState`` it says everything.
public struct TrainingProgress: Hashable, Sendable, Codable {
    /// The epoch under way, from 1; one more than all epochs where the last has ended.
    public var epoch = 1
    /// Steps of that epoch that are done.
    public var step = 0
    /// Steps taken since the first epoch.
    public var optimizerSteps = 0
    /// Sums over the steps of the epoch under way, from which its figures are made.
    public var lossSum = 0.0
    public var correct = 0
    public var images = 0
    /// Wall time of them.
    public var seconds = 0.0
    /// Of the last step.
    public var learningRate = 0.0
    /// Nil where nothing is watched.
    public var earlyStopping: EarlyStopping.State?
    /// The epochs that have ended.
    public var history = TrainingHistory()

    public init() {}

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
/// (DESIGN §1.5): `parameters`, `state` (batch-norm's statistics), `optimizer/m`, `optimizer/v`, `average/parameters` and
/// `average/state` as far as they exist, and from the first epoch's end `best/parameters` and `best/state`, the weights
/// that would be given back.
public struct TrainingState: Hashable, Sendable {
    public var progress: TrainingProgress
    public var tensors: [TensorRecord]

    public init(progress: TrainingProgress, tensors: [TensorRecord]) {
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
