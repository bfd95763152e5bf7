/// The factor on the optimizer's `learningRate` at every step of a run: a linear warm-up, then the shape of
/// ``ScheduleOptions`` over the remaining steps.
///
/// With W warm-up steps, the factor at step s (from 0) is `(s + 1)/(W + 1)` times the shape's first value while
/// `s < W`, and the shape at `s − W` afterwards. The files in `Schedules` give each shape's value at step u of N, and
/// its equivalent in `torch.optim.lr_scheduler` stepped per batch.
///
/// If one-cycle cycles momentum too (``momentum(step:)``), momentum follows the same half cosines, opposite to the
/// rate; during a warm-up it stays at its upper bound. After the last step both keep their last values.
package struct LearningRateSchedule: Hashable, Sendable {
    package let options: ScheduleOptions
    /// The number W of warm-up steps: warm-up epochs times steps per epoch, to the nearest step, at most all steps.
    package let warmupSteps: Int
    /// The number of steps in the run, warm-up included.
    package let totalSteps: Int
    package let stepsPerEpoch: Int

    /// - Parameters:
    ///   - warmupEpochs: The number of warm-up epochs, ≥ 0; fractions are allowed.
    ///   - stepsPerEpoch: The number of steps per epoch, ≥ 1.
    ///   - epochs: The number of epochs, ≥ 1.
    package init(options: ScheduleOptions, warmupEpochs: Double, stepsPerEpoch: Int, epochs: Int) {
        precondition(
            warmupEpochs >= 0 && stepsPerEpoch >= 1 && epochs >= 1,
            "LearningRateSchedule: warmupEpochs must be at least 0, stepsPerEpoch and epochs at least 1")
        self.options = options
        self.stepsPerEpoch = stepsPerEpoch
        totalSteps = stepsPerEpoch * epochs
        warmupSteps = Int(min((warmupEpochs * Double(stepsPerEpoch)).rounded(), Double(totalSteps)))
    }

    /// Returns the factor at step `step`, from 0 over all epochs.
    package func factor(step: Int) -> Double {
        precondition(step >= 0, "LearningRateSchedule: steps count from 0, received \(step)")
        let step = min(step, totalSteps - 1)
        let shape = options.shape
        if step < warmupSteps { return Double(step + 1) / Double(warmupSteps + 1) * shape.firstValue }
        return shape.factor(step - warmupSteps, steps: totalSteps - warmupSteps, stepsPerEpoch: stepsPerEpoch)
    }

    /// Returns the momentum (β₁ for Adam) at step `step`, from 0 over all epochs, or `nil` if the schedule does not
    /// cycle it.
    package func momentum(step: Int) -> Double? {
        guard let bounds = options.cycledMomentum else { return nil }
        let u = min(step, totalSteps - 1) - warmupSteps
        return u >= 0 ? options.shape.momentum(u, steps: totalSteps - warmupSteps) : bounds.upperBound
    }
}
