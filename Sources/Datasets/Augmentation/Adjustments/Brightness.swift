import Formats
import Tensors

/// `x + b`, b uniform in ±`largest`.
public struct Brightness: AdjustmentKind {
    /// In [0, 1].
    public var largest: Float = 0.2

    /// Up to `largest` either way.
    public init(largest: Float = 0.2) { self.largest = largest }

    /// `brightness`.
    public static let type = "brightness"
    /// Its keys.
    public static var options: Section<Brightness> {
        Section(
            initial: Brightness(),
            fields: [.key("largest", \.largest, .number(.closed(0, 1)), "Added or taken off, at most.")])
    }

    /// Adds one number to all values.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        let change = random.uniform(in: -largest...largest)
        for i in 0..<image.count { image[i] += change }
    }
}
