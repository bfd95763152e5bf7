/// The factor on the optimizer's `learningRate` at every step of a run: a linear warm-up, then the shape of
/// ``ScheduleOptions`` over the steps that remain.
///
/// With W warm-up steps, the factor at step s (from 0) is `(s + 1)/(W + 1)` times the shape's first value while
/// `s < W`, and the shape at `s − W` afterwards. The files of `Schedules` give each shape's value at step u of N, and what it
/// is in `torch.optim.lr_scheduler` stepped per batch.
///
/// Where one-cycle cycles momentum too (``momentum(step:)``), it goes along the same half cosines, against the rate;
/// during a warm-up it stays at its upper bound. After the last step both stay what they were there.
package struct LearningRateSchedule: Hashable, Sendable {
    package let options: ScheduleOptions
    /// W: warm-up epochs times steps per epoch, to the nearest step, at most all steps.
    package let warmupSteps: Int
    /// All steps of the run, warm-up included.
    package let totalSteps: Int
    package let stepsPerEpoch: Int

    /// - Parameters:
    ///   - warmupEpochs: ≥ 0, fractions allowed.
    ///   - stepsPerEpoch: ≥ 1.
    ///   - epochs: ≥ 1.
    package init(options: ScheduleOptions, warmupEpochs: Double, stepsPerEpoch: Int, epochs: Int) {
        precondition(
            warmupEpochs >= 0 && stepsPerEpoch >= 1 && epochs >= 1,
            "LearningRateSchedule: warmupEpochs must be at least 0, stepsPerEpoch and epochs at least 1")
        self.options = options
        self.stepsPerEpoch = stepsPerEpoch
        totalSteps = stepsPerEpoch * epochs
        warmupSteps = Int(min((warmupEpochs * Double(stepsPerEpoch)).rounded(), Double(totalSteps)))
    }

    /// The factor at step `step`, from 0 over all epochs.
    package func factor(step: Int) -> Double {
        precondition(step >= 0, "LearningRateSchedule: steps count from 0, received \(step)")
        let step = min(step, totalSteps - 1)
        let shape = options.shape
        if step < warmupSteps { return Double(step + 1) / Double(warmupSteps + 1) * shape.firstValue }
        return shape.factor(step - warmupSteps, steps: totalSteps - warmupSteps, stepsPerEpoch: stepsPerEpoch)
    }

    /// The momentum (β₁ of Adam) at step `step`, from 0 over all epochs. Nil where the schedule leaves it alone.
    package func momentum(step: Int) -> Double? {
        guard let bounds = options.cycledMomentum else { return nil }
        let u = min(step, totalSteps - 1) - warmupSteps
        return u >= 0 ? options.shape.momentum(u, steps: totalSteps - warmupSteps) : bounds.upperBound
    }
}
