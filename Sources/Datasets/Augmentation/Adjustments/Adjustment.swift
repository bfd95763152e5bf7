import Formats
import Tensors

/// A random change of an image's values, after the warp and before erasing: `augmentation.adjustments` lists them, and they are
/// done in that order. The names and options are those of a configuration's `type`.
public struct Adjustment: Hashable, Sendable {
    /// The change with its options.
    public let kind: any AdjustmentKind
    /// How often it is done, in [0, 1].
    public var probability: Float

    /// Of a kind of one's own, or the package's.
    public init(_ kind: some AdjustmentKind, probability: Float = 1) {
        self.kind = kind
        self.probability = probability
    }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// Whether both are of one type, with the same options and as often.
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

    /// Every kind that a configuration can name: the package's own, then those that were registered.
    public static var kinds: [any AdjustmentKind.Type] { registry.kinds }

    /// Makes an augmentation of one's own a `type` that configurations can name in `augmentation.adjustments`, with its keys read
    /// as strictly as all others. To be called before the first of them is read; twice is the same as once.
    ///
    /// - Throws: an ``InputError`` where another one has that name, or it is not of letters and digits.
    public static func register(_ kind: any AdjustmentKind.Type) throws(InputError) {
        try registry.add(kind.type, kind)
    }
}

/// All there is to an augmentation of an image's values: its options and their keys in a configuration, and what it does. One
/// file of `Adjustments` holds one; ``Adjustment/register(_:)`` adds others.
public protocol AdjustmentKind: ConfigurationKind {
    /// What keeps it from images of `shape`, `[H, W, C]`; nil: nothing.
    func obstacle(_ shape: Shape) -> String?
    /// Changes `image`, `[H, W, C]` in [0, 1]; what leaves that range is brought back afterwards. All randomness comes from
    /// `random`, whose numbers depend on seed, epoch and image alone: the same for any number of threads.
    func apply(to image: inout MutableSpan<Float>, _ shape: Shape, _ random: inout RandomStream)
}

extension AdjustmentKind {
    /// None.
    public func obstacle(_ shape: Shape) -> String? { nil }

    /// This kind as a case of the configuration's union.
    static var variant: Variant<Frequency, Adjustment> {
        Variant(type, common: Frequency.keys, options, { Adjustment($0) }, { $0.kind as? Self })
    }
}

/// The key that every adjustment has.
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
    /// Does what ``AugmentationOptions/adjustments`` lists; number i draws at the address of the image in stream i + 1, first
    /// whether.
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
