import Formats
import Tensors

/// Adds b to all values: `x + b`, b drawn uniformly from ±`largest`.
public struct Brightness: AdjustmentKind {
    /// The largest change, in [0, 1].
    public var largest: Float = 0.2

    /// Creates a change of up to `largest` either way.
    public init(largest: Float = 0.2) { self.largest = largest }

    /// `brightness`.
    public static let type = "brightness"
    /// The keys of its options.
    public static var options: Section<Brightness> {
        Section(
            initial: Brightness(),
            fields: [.key("largest", \.largest, .number(.closed(0, 1)), "Added or taken off, at most.")])
    }

    /// Adds one random number to all values.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        let change = random.uniform(in: -largest...largest)
        for i in 0..<image.count { image[i] += change }
    }
}
