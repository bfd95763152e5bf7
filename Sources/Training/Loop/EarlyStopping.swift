/// Monitors a validation metric and reports when it has stopped improving. A value type: the training loop keeps the
/// best weights whenever the verdict is ``Verdict/improved``.
package struct EarlyStopping: Hashable, Sendable {
    /// The verdict on an epoch's metric.
    package enum Verdict: Hashable, Sendable {
        /// Better than the best so far by more than the minimum change: keep these weights.
        case improved
        /// Not better, but the patience is not exhausted.
        case waiting
        /// Not better for `patience` epochs: stop and return the best weights.
        case stop
    }

    /// The state that must survive a resume.
    package struct State: Hashable, Sendable, Codable {
        /// The best value so far; `nil` before the first.
        package var bestValue: Double?
        /// The epoch (from 1) with the best value; 0 before the first.
        package var bestEpoch = 0
        /// The number of epochs observed since then.
        package var epochsWithoutImprovement = 0

        package init() {}
    }

    package let options: EarlyStoppingOptions
    /// The current state; to be set when resuming.
    package var state: State

    package init(options: EarlyStoppingOptions, state: State = State()) {
        precondition(options.patience >= 0, "EarlyStopping: patience must be at least 0")
        precondition(options.minimumChange >= 0, "EarlyStopping: minimumChange must be at least 0")
        self.options = options
        self.state = state
    }

    /// Records the metric of epoch `epoch` (from 1) and returns the verdict. A loss improves by falling below
    /// `best − minimumChange`, an accuracy by rising above `best + minimumChange`; an equal value is not better, and
    /// NaN or infinity never is. After `patience` consecutive epochs without improvement the verdict is `stop`; with
    /// patience 0, the first such epoch stops the run.
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

    /// Returns the epoch whose weights are kept after `records`: the last one that improved, or the last one of all
    /// without early stopping; 0 if there is none.
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
