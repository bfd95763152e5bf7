/// Watches a validation figure and says when it has stopped improving. A value: the loop keeps the best weights
/// whenever the verdict is ``Verdict/improved``.
package struct EarlyStopping: Hashable, Sendable {
    /// What an epoch's figure means.
    package enum Verdict: Hashable, Sendable {
        /// Better than the best so far by more than the minimum change: keep these weights.
        case improved
        /// Not better; patience is left.
        case waiting
        /// Not better for `patience` epochs: stop and give the best weights back.
        case stop
    }

    /// All that must survive a resume.
    package struct State: Hashable, Sendable, Codable {
        /// The best figure so far; nil before the first.
        package var bestValue: Double?
        /// The epoch (from 1) that had it; 0 before the first.
        package var bestEpoch = 0
        /// Epochs observed since then.
        package var epochsWithoutImprovement = 0

        package init() {}
    }

    package let options: EarlyStoppingOptions
    /// Set it when resuming.
    package var state: State

    package init(options: EarlyStoppingOptions, state: State = State()) {
        precondition(options.patience >= 0, "EarlyStopping: patience must be at least 0")
        precondition(options.minimumChange >= 0, "EarlyStopping: minimumChange must be at least 0")
        self.options = options
        self.state = state
    }

    /// Takes in the figure of epoch `epoch` (from 1). A loss improves by falling below `best − minimumChange`, an
    /// accuracy by rising above `best + minimumChange`; equal is not better, NaN and infinities never are. After
    /// `patience` epochs in a row without improvement the verdict is `stop`; patience 0 stops at the first.
    package mutating func observe(epoch: Int, value: Double) -> Verdict {
        if improves(value) {
            state.bestValue = value
            state.bestEpoch = epoch
            state.epochsWithoutImprovement = 0
            return .improved
        }
        state.epochsWithoutImprovement += 1
        return state.epochsWithoutImprovement >= options.patience ? .stop : .waiting
    }

    /// The epoch whose weights are kept after these: the last that improved, or the last one where nothing is watched;
    /// 0 before the first.
    package static func keptEpoch(of records: some Sequence<EpochRecord>, options: EarlyStoppingOptions?) -> Int {
        var stopping = options.map { EarlyStopping(options: $0) }
        var kept = 0
        for record in records {
            let value =
                options?.monitor == .validationAccuracy ? record.validationAccuracy : record.validationLoss
            if stopping?.observe(epoch: record.epoch, value: value ?? .nan) ?? .improved == .improved {
                kept = record.epoch
            }
        }
        return kept
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
