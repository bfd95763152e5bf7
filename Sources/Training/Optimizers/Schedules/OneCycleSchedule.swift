import Formats

extension ScheduleOptions {
    /// Rises from `1 / initialDivisor` to 1 in the first `warmupFraction` of the steps, then falls to
    /// `1 / (initialDivisor · finalDivisor)`, both along half cosines (Smith 2018, arXiv:1803.09820, as in PyTorch). If
    /// `momentum` is given, momentum (β₁ for Adam) moves in the opposite direction: from its upper bound down to the
    /// lower one while the rate rises, and back up. `nil` keeps the optimizer's own.
    public static func oneCycle(
        warmupFraction: Double = 0.3, initialDivisor: Double = 25, finalDivisor: Double = 1e4,
        momentum: ClosedRange<Double>? = nil
    ) -> ScheduleOptions {
        ScheduleOptions(
            OneCycleSchedule(
                warmupFraction: warmupFraction, initialDivisor: initialDivisor, finalDivisor: finalDivisor,
                cycledMomentum: momentum))
    }
}

/// The shape of ``ScheduleOptions/oneCycle(warmupFraction:initialDivisor:finalDivisor:momentum:)``: two half cosines
/// with the minimum at the last step; PyTorch's `OneCycleLR` with `anneal_strategy="cos"`, and `cycle_momentum` if
/// momentum is given.
package struct OneCycleSchedule: ScheduleShape {
    package var warmupFraction = 0.3
    package var initialDivisor = 25.0
    package var finalDivisor = 1e4
    package var cycledMomentum: ClosedRange<Double>?

    package static let type = "oneCycle"
    package static var options: Section<OneCycleSchedule> {
        Section(
            initial: OneCycleSchedule(),
            fields: [
                .key(
                    "warmupFraction", \.warmupFraction, .number(.below(0, 1)),
                    "Part of the steps in which the rate rises."),
                .key("initialDivisor", \.initialDivisor, .number(.closed(1, 1e9)), "Peak over the first rate."),
                .key("finalDivisor", \.finalDivisor, .number(.closed(1, 1e9)), "First rate over the last."),
                .optional(
                    "momentum", \.cycledMomentum, .interval(.below(0, 1)),
                    "Bounds between which momentum (beta1) goes against the rate, [low, high]; null: it stays."),
            ])
    }

    package var firstValue: Double { 1 / initialDivisor }

    package func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double {
        cycle(u, steps, from: firstValue, over: 1, to: firstValue / finalDivisor)
    }

    package func momentum(_ u: Int, steps: Int) -> Double? {
        guard let momentum = cycledMomentum else { return nil }
        return cycle(u, steps, from: momentum.upperBound, over: momentum.lowerBound, to: momentum.upperBound)
    }

    private func cycle(
        _ u: Int, _ steps: Int, from first: Double, over turn: Double, to last: Double
    ) -> Double {
        let peak = warmupFraction * Double(steps) - 1
        if Double(u) <= peak { return Self.halfCosine(first, turn, peak > 0 ? Double(u) / peak : 1) }
        return Self.halfCosine(turn, last, (Double(u) - peak) / (Double(steps - 1) - peak))
    }
}
