/// Says when the next checkpoint is due, by ``CheckpointOptions``.
struct CheckpointTimer {
    /// Nil: never.
    let options: CheckpointOptions?
    /// When the last one was done, or training began; and what it cost. Seconds.
    private var last: Double
    private var cost = 0.0

    init(options: CheckpointOptions?, now: Double) {
        self.options = options
        last = now
    }

    /// - Parameters:
    ///   - steps: taken so far, over all epochs.
    ///   - endsEpoch: asked after an epoch's validation; else after a step that is not its epoch's last.
    func isDue(steps: Int, endsEpoch: Bool, now: Double) -> Bool {
        guard let options else { return false }
        if let every = options.everySteps, steps % every == 0 { return true }
        if let minutes = options.everyMinutes, now - last >= 60 * minutes { return true }
        return options.everyEpoch && endsEpoch && cost <= CheckpointOptions.largestShare * (now - last)
    }

    /// Takes in that one was written, from `start` to `end`.
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

    /// Writes one now, unless there are to be none.
    mutating func take(_ snapshot: () throws(TrainingError) -> TrainingState) throws(TrainingError) {
        guard timer.options != nil else { return }
        let began = now
        write(try snapshot())
        timer.wrote(from: began, to: now)
    }
}
