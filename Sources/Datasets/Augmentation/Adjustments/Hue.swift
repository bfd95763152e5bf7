import Formats
import Foundation
import Tensors

/// Rotates colours about the grey axis by an angle uniform in ±`degrees`, preserving luma (Rec. 601) and the distance
/// from grey. For images of three channels.
///
/// The rotation is that of `(I, Q)` in YIQ, whose I and Q span the colours of one luma; P. Haeberli 1993, "Matrix
/// operations for image processing".
public struct Hue: AdjustmentKind {
    /// The largest rotation in degrees, in [0, 180].
    public var degrees: Float = 18

    /// Creates a rotation of up to `degrees` either way.
    public init(degrees: Float = 18) { self.degrees = degrees }

    /// `hue`.
    public static let type = "hue"
    /// The keys of its options.
    public static var options: Section<Hue> {
        Section(
            initial: Hue(),
            fields: [.key("degrees", \.degrees, .number(.closed(0, 180)), "Largest turn of the colours either way.")])
    }

    /// Requires images of three channels.
    public func obstacle(_ shape: Shape) -> String? { Saturation().obstacle(shape) }

    /// Rotates all colours by one random angle.
    public func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream) {
        let angle = Double(random.uniform(in: -degrees...degrees)) * .pi / 180
        let cosine = Float(cos(angle)), sine = Float(sin(angle))
        for pixel in stride(from: 0, to: image.count, by: 3) {
            let r = image[pixel], g = image[pixel + 1], b = image[pixel + 2]
            let y = 0.299 * r + 0.587 * g + 0.114 * b
            let i = 0.595_901 * r - 0.274_557 * g - 0.321_344 * b
            let q = 0.211_537 * r - 0.522_736 * g + 0.311_199 * b
            let u = cosine * i - sine * q, v = sine * i + cosine * q
            image[pixel] = y + 0.956_086 * u + 0.620_888 * v
            image[pixel + 1] = y - 0.272_041 * u - 0.647_207 * v
            image[pixel + 2] = y - 1.105_655 * u + 1.701_892 * v
        }
    }
}
