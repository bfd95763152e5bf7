#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The factor on the optimizer's `learningRate` at every step of a run: a linear warm-up, then the shape of
/// ``ScheduleOptions`` over the steps that remain.
///
/// With W warm-up steps, the factor at step s (from 0) is `(s + 1)/(W + 1)` times the shape's first value while
/// `s < W`, and the shape at `s − W` afterwards. Of the N steps of the shape, with E steps an epoch:
///
/// | shape | value at u in 0..<N | `torch.optim.lr_scheduler` stepped per batch |
/// |---|---|---|
/// | constant | 1 | |
/// | step | `factor^⌊u / (every·E)⌋` | `StepLR(every·E, factor)` |
/// | exponential | `decay^(u/E)` | `ExponentialLR(decay^(1/E))` |
/// | cosine | `f + (1 − f)(1 + cos(πu/N))/2`, f = finalFactor | `CosineAnnealingLR(N, f)` |
/// | cosine, M cycles | the same with `u mod L` and `L = ⌈N/M⌉` instead of u and N | `CosineAnnealingWarmRestarts(L)` |
/// | oneCycle | two half cosines, the last step at the minimum | `OneCycleLR`, `anneal_strategy="cos"` |
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
        if case .step(let every, _) = options {
            precondition(every >= 1, "LearningRateSchedule: step needs every ≥ 1, received \(every)")
        }
        self.options = options
        self.stepsPerEpoch = stepsPerEpoch
        totalSteps = stepsPerEpoch * epochs
        warmupSteps = Int(min((warmupEpochs * Double(stepsPerEpoch)).rounded(), Double(totalSteps)))
    }

    /// The factor at step `step`, from 0 over all epochs.
    package func factor(step: Int) -> Double {
        precondition(step >= 0, "LearningRateSchedule: steps count from 0, received \(step)")
        let step = min(step, totalSteps - 1)
        if step < warmupSteps { return Double(step + 1) / Double(warmupSteps + 1) * firstValue }
        return shape(step - warmupSteps)
    }

    /// What the warm-up rises to.
    private var firstValue: Double {
        if case .oneCycle(_, let initialDivisor, _, _) = options { return 1 / initialDivisor }
        return 1
    }

    private func shape(_ u: Int) -> Double {
        let steps = totalSteps - warmupSteps
        switch options {
        case .constant: return 1
        case .step(let every, let factor): return pow(factor, Double(u / stepsPerEpoch / every))
        case .exponential(let decay): return pow(decay, Double(u) / Double(stepsPerEpoch))
        case .cosine(let finalFactor, let cycles):
            let length = (steps + cycles - 1) / cycles
            return halfCosine(1, finalFactor, Double(u % length) / Double(length))
        case .oneCycle(let warmupFraction, let initialDivisor, let finalDivisor, _):
            let first = 1 / initialDivisor
            return cycle(u, warmupFraction, from: first, over: 1, to: first / finalDivisor)
        }
    }

    /// The momentum (β₁ of Adam) at step `step`, from 0 over all epochs: PyTorch's `OneCycleLR` with `cycle_momentum`.
    /// Nil where the schedule leaves it alone.
    package func momentum(step: Int) -> Double? {
        guard case .oneCycle(let warmupFraction, _, _, let momentum?) = options else { return nil }
        let u = min(step, totalSteps - 1) - warmupSteps
        guard u >= 0 else { return momentum.upperBound }
        return cycle(
            u, warmupFraction, from: momentum.upperBound, over: momentum.lowerBound, to: momentum.upperBound)
    }

    /// Two half cosines over the steps of the shape.
    private func cycle(
        _ u: Int, _ warmupFraction: Double, from first: Double, over turn: Double, to last: Double
    ) -> Double {
        let steps = totalSteps - warmupSteps
        let peak = warmupFraction * Double(steps) - 1
        if Double(u) <= peak { return halfCosine(first, turn, peak > 0 ? Double(u) / peak : 1) }
        return halfCosine(turn, last, (Double(u) - peak) / (Double(steps - 1) - peak))
    }

    /// From `start` at `progress` 0 to `end` at 1.
    private func halfCosine(_ start: Double, _ end: Double, _ progress: Double) -> Double {
        end + (start - end) * (1 + cos(.pi * progress)) / 2
    }
}
