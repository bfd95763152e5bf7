import Formats
import Tensors

/// Everything that the section `augmentation` of a configuration says. Zero everywhere: no augmentation.
///
/// One affine warp per image about its centre (bilinear, zero outside), then elastic distortion, then erasing;
/// drawn afresh each epoch at the address (seed, augmentation, epoch, sample).
public struct AugmentationOptions: Hashable, Sendable {
    /// Largest rotation either way, degrees, 0...180.
    public var rotation: Float = 0
    /// Scale factors, drawn uniformly from low...high, 0.1...10.
    public var scale: ClosedRange<Float> = 1...1
    /// Largest shear either way: `x += s·y`, |s| ≤ 2.
    public var shear: Float = 0
    /// Largest shift either way, pixels, each axis.
    public var translation: Float = 0
    /// How often an image is mirrored, left for right, 0...1: for things that look alike so, not for digits and letters.
    public var horizontalFlip: Float = 0
    /// With a `horizontalFlip` of 0.5: by turns, every other epoch, beginning by chance, rather than by chance in each. An image is
    /// then seen both ways in any two epochs (K. Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU",
    /// arXiv:2404.00498).
    public var alternatingFlip = false
    /// Elastic distortion; nil: none.
    public var elastic: Elastic? = nil
    /// Changes of the values, in this order.
    public var adjustments: [Adjustment] = []
    /// Random erasing; nil: none.
    public var erasing: Erasing? = nil
    /// Blending with another image and its label (Zhang et al. 2017, arXiv:1710.09412).
    public var mixup: Mixing? = nil
    /// A rectangle of another image, and its share of the label (Yun et al. 2019, arXiv:1905.04899).
    public var cutmix: Mixing? = nil

    /// No augmentation.
    public init() {}

    /// Whether any of it changes an image.
    public var isIdentity: Bool { self == AugmentationOptions() }
}

extension AugmentationOptions {
    /// - Throws: `InputError` naming the first option that is out of its range.
    package func check() throws(InputError) {
        try Self.check(rotation, in: 0...180, "rotation")
        try Self.check(scale, in: 0.1...10, "scale")
        try Self.check(shear, in: 0...2, "shear")
        try Self.check(translation, in: 0...4_096, "translation")
        try Self.check(horizontalFlip, in: 0...1, "horizontalFlip")
        guard !alternatingFlip || horizontalFlip == 0.5 else {
            throw InputError(
                "augmentation.alternatingFlip", expected: "a horizontalFlip of 0.5, half of all epochs",
                received: "\(horizontalFlip)")
        }
        try elastic?.check()
        for (index, adjustment) in adjustments.enumerated() {
            try Self.check(adjustment.probability, in: 0...1, "adjustments[\(index)].probability")
        }
        try erasing?.check()
        try mixup?.check("mixup")
        try cutmix?.check("cutmix")
        let mixed = (mixup?.probability ?? 0) + (cutmix?.probability ?? 0)
        guard mixed <= 1 else {
            throw InputError(
                "augmentation.cutmix.probability", expected: "at most 1 together with mixup.probability",
                received: "\(mixed)")
        }
    }

    static func check(_ value: Float, in range: ClosedRange<Float>, _ name: String) throws(InputError) {
        guard range.contains(value) else {
            throw InputError(
                "augmentation.\(name)", expected: "\(range.lowerBound)...\(range.upperBound)", received: "\(value)")
        }
    }

    static func check(
        _ value: ClosedRange<Float>, in range: ClosedRange<Float>, _ name: String
    ) throws(InputError) {
        try check(value.lowerBound, in: range, name)
        try check(value.upperBound, in: range, name)
    }
}

extension Section where Root == AugmentationOptions {
    package static var augmentation: Section {
        Section(
            initial: AugmentationOptions(),
            fields: [
                .key("rotation", \.rotation, .number(.closed(0, 180)), "Largest rotation either way, degrees."),
                .key(
                    "scale", \.scale, .factors(.closed(0.1, 10), spread: .closed(0, 0.9)),
                    "Scale factors, [low, high], or one number s for [1 − s, 1 + s]."),
                .key("shear", \.shear, .number(.closed(0, 2)), "Largest shear either way, pixels per pixel."),
                .key("translation", \.translation, .number(.closed(0, 1024)), "Largest shift of each axis, pixels."),
                .key(
                    "horizontalFlip", \.horizontalFlip, .number(.closed(0, 1)),
                    "How often an image is mirrored, left for right."),
                .key(
                    "alternatingFlip", \.alternatingFlip, .boolean,
                    "Of a horizontalFlip of 0.5: by turns from epoch to epoch, rather than by chance in each."),
                .optional(
                    "elastic", \.elastic, Section<AugmentationOptions.Elastic>.elastic.codec,
                    "Elastic distortion; null: none."),
                .key(
                    "adjustments", \.adjustments, .adjustments,
                    "Changes of the values, in this order: brightness, noise, …"),
                .optional(
                    "erasing", \.erasing, Section<AugmentationOptions.Erasing>.erasing.codec,
                    "Random erasing; null: none."),
                .optional(
                    "mixup", \.mixup, Section<AugmentationOptions.Mixing>.mixing.codec,
                    "Blending with another image and its label; null: none."),
                .optional(
                    "cutmix", \.cutmix, Section<AugmentationOptions.Mixing>.mixing.codec,
                    "A rectangle of another image and its share of the label; null: none."),
            ])
    }
}
