/// Decides when the next checkpoint is due, by ``CheckpointOptions``.
struct CheckpointTimer {
    /// The options; `nil` writes no checkpoints.
    let options: CheckpointOptions?
    /// The time at which the last checkpoint was written, or training began, and the cost of the last one, both in
    /// seconds.
    private var last: Double
    private var cost = 0.0

    init(options: CheckpointOptions?, now: Double) {
        self.options = options
        last = now
    }

    /// Returns whether a checkpoint is due.
    /// - Parameters:
    ///   - steps: The number of steps taken so far, over all epochs.
    ///   - endsEpoch: Whether the call follows an epoch's validation; if not, it follows a step that is not the last of
    ///     its epoch.
    func isDue(steps: Int, endsEpoch: Bool, now: Double) -> Bool {
        guard let options else { return false }
        if let every = options.everySteps, steps % every == 0 { return true }
        if let minutes = options.everyMinutes, now - last >= 60 * minutes { return true }
        return options.everyEpoch && endsEpoch && cost <= CheckpointOptions.largestShare * (now - last)
    }

    /// Records that a checkpoint was written, from `start` to `end`.
    mutating func wrote(from start: Double, to end: Double) {
        cost = end - start
        last = end
    }
}

/// Writes checkpoints when they are due.
struct CheckpointWriting {
    private var timer: CheckpointTimer
    private let write: (TrainingState) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    init(options: CheckpointOptions?, write: @escaping (TrainingState) -> Void) {
        start = clock.now
        timer = CheckpointTimer(options: options, now: 0)
        self.write = write
    }

    private var now: Double { (clock.now - start) / .seconds(1) }

    func isDue(steps: Int, endsEpoch: Bool) -> Bool { timer.isDue(steps: steps, endsEpoch: endsEpoch, now: now) }

    /// Writes a checkpoint now, unless checkpoints are off.
    mutating func take(_ snapshot: () throws(TrainingError) -> TrainingState) throws(TrainingError) {
        guard timer.options != nil else { return }
        let began = now
        write(try snapshot())
        timer.wrote(from: began, to: now)
    }
}
