import Formats
import Tensors

/// A random change of an image's values, made after the warp and before erasing. Adjustments are made in the order of
/// `augmentation.adjustments`; their names and options are those of a configuration's `type`.
public struct Adjustment: Hashable, Sendable {
    /// The kind of adjustment, with its options.
    public let kind: any AdjustmentKind
    /// The probability of adjusting an image, in [0, 1].
    public var probability: Float

    /// Creates an adjustment of a built-in or custom kind.
    public init(_ kind: some AdjustmentKind, probability: Float = 1) {
        self.kind = kind
        self.probability = probability
    }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// Returns whether both have the same type, options and probability.
    public static func == (a: Adjustment, b: Adjustment) -> Bool {
        AnyHashable(a.kind) == AnyHashable(b.kind) && a.probability == b.probability
    }

    /// Hashes the type, the options and the probability.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(AnyHashable(kind))
        hasher.combine(probability)
    }
}

extension Adjustment {
    private static let builtIn: [any AdjustmentKind.Type] = [
        Brightness.self, Contrast.self, Saturation.self, Hue.self, Noise.self, Blur.self, StrokeWidth.self,
    ]
    private static let registry = KindRegistry<any AdjustmentKind.Type>("adjustment", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the built-in ones, then the registered ones.
    public static var kinds: [any AdjustmentKind.Type] { registry.kinds }

    /// Registers a custom adjustment as a `type` that configurations can name in `augmentation.adjustments`; its keys
    /// are read as strictly as all others. Call this before reading the first configuration that names it. Repeated
    /// registration has no effect.
    ///
    /// - Throws: an ``InputError`` if another kind has that name, or the name is not made of letters and digits.
    public static func register(_ kind: any AdjustmentKind.Type) throws(InputError) {
        try registry.add(kind.type, kind)
    }
}

/// An adjustment of an image's values: its options, their keys in a configuration, and its effect. Each file of
/// `Adjustments` holds one; ``Adjustment/register(_:)`` adds others.
public protocol AdjustmentKind: ConfigurationKind {
    /// Returns the requirement that images of `shape`, `[H, W, C]`, do not meet; nil if there is none.
    func obstacle(_ shape: Shape) -> String?
    /// Changes `image`, `[H, W, C]` in [0, 1], in place; values that leave that range are clamped afterwards. All
    /// randomness comes from `random`, whose numbers depend only on seed, epoch and image: they are the same for any
    /// number of threads.
    func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream)
}

extension AdjustmentKind {
    /// Returns nil: images of any shape can be adjusted.
    public func obstacle(_ shape: Shape) -> String? { nil }

    /// This kind as a case of the configuration's union.
    static var variant: Variant<Frequency, Adjustment> {
        Variant(type, common: Frequency.keys, options, { Adjustment($0) }, { $0.kind as? Self })
    }
}

/// The key shared by all adjustments.
struct Frequency: Hashable, Sendable {
    var probability: Float = 1

    static let keys: [Field<Frequency>] = [
        .key("probability", \.probability, .number(.closed(0, 1)), "How often an image is changed so.")
    ]
}

extension Codec where Value == [Adjustment] {
    static var adjustments: Codec {
        let one = Codec<Tagged<Frequency, Adjustment>>.union(Adjustment.kinds.map { $0.variant }, common: Frequency())
            .converted(
                { tagged, _, _ in
                    var adjustment = tagged.value
                    adjustment.probability = tagged.common.probability
                    return adjustment
                }, { Tagged(common: Frequency(probability: $0.probability), value: $0) })
        return .array(one, count: 0...100, expected: "a list of at most 100 adjustments")
    }
}

extension Augmenter {
    /// Applies ``AugmentationOptions/adjustments``. Number i draws from stream i + 1 at the image's address, first
    /// whether to adjust at all.
    func adjust(_ image: inout MutableSpan<Float>, epoch: Int, sampleIndex: Int) {
        let shape = Shape([height, width, channels])
        for (index, adjustment) in options.adjustments.enumerated() {
            var random = RandomStream(
                RandomAddress(
                    seed: seed, purpose: .augmentation, major: UInt32(epoch), minor: UInt32(sampleIndex),
                    stream: UInt32(index + 1)))
            guard random.uniform() < adjustment.probability else { continue }
            adjustment.kind.apply(to: &image, shape, &random)
            for i in 0..<image.count {
                // NaN fails both comparisons.
                if !(image[i] >= 0) { image[i] = 0 }
                if image[i] > 1 { image[i] = 1 }
            }
        }
    }
}
