import Formats

extension ScheduleOptions {
    /// A constant factor of 1.
    public static var constant: ScheduleOptions { ScheduleOptions(ConstantSchedule()) }
}

/// The shape of ``ScheduleOptions/constant``.
package struct ConstantSchedule: ScheduleShape {
    package static let type = "constant"
    package static var options: Section<ConstantSchedule> { Section(initial: ConstantSchedule(), fields: []) }

    package func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double { 1 }
}
