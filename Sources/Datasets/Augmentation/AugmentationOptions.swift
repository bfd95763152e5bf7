import Formats
import Tensors

/// The options of the configuration section `augmentation`. The defaults mean no augmentation.
///
/// One affine warp per image about its centre, with elastic distortion (bilinear, zero outside), then adjustments, then
/// erasing; drawn anew each epoch at the address (seed, augmentation, epoch, sample).
public struct AugmentationOptions: Hashable, Sendable {
    /// The largest rotation either way, in degrees, 0...180.
    public var rotation: Float = 0
    /// The scale factors, drawn uniformly from low...high, 0.1...10.
    public var scale: ClosedRange<Float> = 1...1
    /// The largest shear either way: `x += s·y`, |s| ≤ 2.
    public var shear: Float = 0
    /// The largest shift either way along each axis, in pixels.
    public var translation: Float = 0
    /// The probability of mirroring an image left to right, 0...1; for subjects that mirroring leaves recognisable, not
    /// for digits and letters.
    public var horizontalFlip: Float = 0
    /// Whether a `horizontalFlip` of 0.5 alternates: every other epoch, from a random start, instead of at random in
    /// each. An image is then seen both ways in any two consecutive epochs (K. Jordan 2024, "94% on CIFAR-10 in 3.29
    /// seconds on a single GPU", arXiv:2404.00498).
    public var alternatingFlip = false
    /// Elastic distortion; nil: none.
    public var elastic: Elastic? = nil
    /// The adjustments of the values, in this order.
    public var adjustments: [Adjustment] = []
    /// Random erasing; nil: none.
    public var erasing: Erasing? = nil
    /// Mixup: blending with another image and its label (Zhang et al. 2017, arXiv:1710.09412); nil: none.
    public var mixup: Mixing? = nil
    /// CutMix: a rectangle of another image, and its share of the label (Yun et al. 2019, arXiv:1905.04899); nil: none.
    public var cutmix: Mixing? = nil

    /// Creates options without augmentation.
    public init() {}

    /// Whether no augmentation is set, so that images stay unchanged.
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
