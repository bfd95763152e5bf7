import Formats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How the learning rate changes with time, as a factor on the optimizer's `learningRate`.
public struct ScheduleOptions: Hashable, Sendable {
    /// The shape with its constants.
    package let shape: any ScheduleShape

    package init(_ shape: some ScheduleShape) { self.shape = shape }

    /// How often the rate begins anew; 1 for a schedule without cycles.
    public var cycles: Int { shape.cycles }

    /// The bounds between which momentum is cycled; nil where it is not.
    public var cycledMomentum: ClosedRange<Double>? { shape.cycledMomentum }

    /// Whether both are one shape with the same constants.
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

/// A shape of the learning rate over a run. One file of `Schedules` holds one; ``ScheduleOptions/shapes`` lists them.
package protocol ScheduleShape: ConfigurationKind {
    /// What a warm-up rises to.
    var firstValue: Double { get }
    /// How often the rate begins anew.
    var cycles: Int { get }
    /// The bounds between which momentum is cycled.
    var cycledMomentum: ClosedRange<Double>? { get }

    /// The factor at step `u` in 0..<`steps`.
    func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double
    /// The momentum there; nil where it is not cycled.
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

    /// Half a cosine from `start` at `progress` 0 to `end` at 1.
    static func halfCosine(_ start: Double, _ end: Double, _ progress: Double) -> Double {
        end + (start - end) * (1 + cos(.pi * progress)) / 2
    }
}
