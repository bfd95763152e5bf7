import Formats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ScheduleOptions {
    /// Multiplies the rate by `factor` every `every` epochs.
    public static func step(every: Int, factor: Double) -> ScheduleOptions {
        ScheduleOptions(StepSchedule(every: every, factor: factor))
    }
}

/// The shape of ``ScheduleOptions/step(every:factor:)``: `factor^⌊u / (every·E)⌋` with E steps per epoch; PyTorch's
/// `StepLR(every·E, factor)`.
package struct StepSchedule: ScheduleShape {
    package var every = 0
    package var factor = 0.0

    package static let type = "step"
    package static var options: Section<StepSchedule> {
        Section(
            initial: StepSchedule(),
            fields: [
                .key("every", \.every, .integer(1...100_000), isRequired: true, "Epochs between two changes."),
                .key("factor", \.factor, .number(.above(0, 10)), isRequired: true, "Factor of each change."),
            ])
    }

    package func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double {
        precondition(every >= 1, "LearningRateSchedule: step needs every ≥ 1, received \(every)")
        return pow(factor, Double(u / stepsPerEpoch / every))
    }
}
