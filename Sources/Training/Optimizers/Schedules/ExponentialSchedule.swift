import Formats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ScheduleOptions {
    /// Multiplies the rate by `decay` every epoch, continuously.
    public static func exponential(decay: Double) -> ScheduleOptions {
        ScheduleOptions(ExponentialSchedule(decay: decay))
    }
}

/// The shape of ``ScheduleOptions/exponential(decay:)``: `decay^(u/E)` with E steps per epoch; PyTorch's
/// `ExponentialLR(decay^(1/E))`.
package struct ExponentialSchedule: ScheduleShape {
    package var decay = 1.0

    package static let type = "exponential"
    package static var options: Section<ExponentialSchedule> {
        Section(
            initial: ExponentialSchedule(),
            fields: [
                .key(
                    "decay", \.decay, .number(.above(0, 1)), isRequired: true,
                    "Factor an epoch, applied continuously.")
            ])
    }

    package func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double {
        pow(decay, Double(u) / Double(stepsPerEpoch))
    }
}
