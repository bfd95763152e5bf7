/// Watches a validation figure and says when it has stopped improving. A value: the loop keeps the best weights
/// whenever the verdict is ``Verdict/improved``.
public struct EarlyStopping: Hashable, Sendable {
    /// What an epoch's figure means.
    public enum Verdict: Hashable, Sendable {
        /// Better than the best so far by more than the minimum change: keep these weights.
        case improved
        /// Not better; patience is left.
        case waiting
        /// Not better for `patience` epochs: stop and give the best weights back.
        case stop
    }

    /// All that must survive a resume.
    public struct State: Hashable, Sendable, Codable {
        /// The best figure so far; nil before the first.
        public var bestValue: Double?
        /// The epoch (from 1) that had it; 0 before the first.
        public var bestEpoch = 0
        /// Epochs observed since then.
        public var epochsWithoutImprovement = 0

        public init() {}
    }

    public let options: EarlyStoppingOptions
    /// Set it when resuming.
    public var state: State

    public init(options: EarlyStoppingOptions, state: State = State()) {
        precondition(options.patience >= 0, "EarlyStopping: patience must be at least 0")
        precondition(options.minimumChange >= 0, "EarlyStopping: minimumChange must be at least 0")
        self.options = options
        self.state = state
    }

    /// Takes in the figure of epoch `epoch` (from 1). A loss improves by falling below `best − minimumChange`, an
    /// accuracy by rising above `best + minimumChange`; equal is not better, NaN and infinities never are. After
    /// `patience` epochs in a row without improvement the verdict is `stop`; patience 0 stops at the first.
    public mutating func observe(epoch: Int, value: Double) -> Verdict {
        if improves(value) {
            state.bestValue = value
            state.bestEpoch = epoch
            state.epochsWithoutImprovement = 0
            return .improved
        }
        state.epochsWithoutImprovement += 1
        return state.epochsWithoutImprovement >= options.patience ? .stop : .waiting
    }

    private func improves(_ value: Double) -> Bool {
        guard value.isFinite else { return false }
        guard let best = state.bestValue else { return true }
        return switch options.monitor {
        case .validationLoss: value < best - options.minimumChange
        case .validationAccuracy: value > best + options.minimumChange
        }
    }
}
