import Formats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The schedule of the learning rate, as a factor on the optimizer's `learningRate`.
public struct ScheduleOptions: Hashable, Sendable {
    /// The shape and its constants.
    package let shape: any ScheduleShape

    package init(_ shape: some ScheduleShape) { self.shape = shape }

    /// The number of cycles, each of which restarts the rate; 1 for a schedule without cycles.
    public var cycles: Int { shape.cycles }

    /// The bounds between which momentum is cycled; `nil` if it is not.
    public var cycledMomentum: ClosedRange<Double>? { shape.cycledMomentum }

    /// Returns whether both have the same shape with the same constants.
    public static func == (a: ScheduleOptions, b: ScheduleOptions) -> Bool {
        AnyHashable(a.shape) == AnyHashable(b.shape)
    }

    /// Hashes the shape and its constants.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(shape)) }
}

extension ScheduleOptions {
    /// Every shape, in the order of documents.
    package static let shapes: [any ScheduleShape.Type] = [
        ConstantSchedule.self, StepSchedule.self, ExponentialSchedule.self, CosineSchedule.self, OneCycleSchedule.self,
    ]
}

/// A shape of the learning rate over a run. Each file in `Schedules` contains one; ``ScheduleOptions/shapes`` lists
/// them.
package protocol ScheduleShape: ConfigurationKind {
    /// The factor at the end of a warm-up.
    var firstValue: Double { get }
    /// The number of cycles, each of which restarts the rate.
    var cycles: Int { get }
    /// The bounds between which momentum is cycled; `nil` if it is not.
    var cycledMomentum: ClosedRange<Double>? { get }

    /// Returns the factor at step `u` in 0..<`steps`.
    func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double
    /// Returns the momentum at step `u`, or `nil` if it is not cycled.
    func momentum(_ u: Int, steps: Int) -> Double?
}

extension ScheduleShape {
    package var firstValue: Double { 1 }
    package var cycles: Int { 1 }
    package var cycledMomentum: ClosedRange<Double>? { nil }
    package func momentum(_ u: Int, steps: Int) -> Double? { nil }

    /// This shape as a case of the configuration's union of schedules.
    package static var variant: Variant<Nothing, ScheduleOptions> {
        Variant(type, options, { ScheduleOptions($0) }, { $0.shape as? Self })
    }

    /// Returns the value of a half cosine from `start` at `progress` 0 to `end` at 1.
    static func halfCosine(_ start: Double, _ end: Double, _ progress: Double) -> Double {
        end + (start - end) * (1 + cos(.pi * progress)) / 2
    }
}
