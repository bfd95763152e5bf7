import Formats
import Tensors

/// The loss that training minimises: the mean over a batch of a function of each image's logits and target. Names and
/// options are those of a configuration's `type`.
///
/// In the formulas, z are the logits of K classes, `p = softmax(z)`, and t is the target: 1 at the label's class, or
/// the shares of two classes after mixup and cutmix; with label smoothing s it is `(1 − s)·t + s/K`.
public struct Loss: Hashable, Sendable, CustomStringConvertible {
    /// The loss with its options.
    public let kind: any LossKind

    /// Creates a loss of a custom kind.
    public init(_ kind: some LossKind) { self.kind = kind }

    /// The name of its type in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options, as in a configuration: `focal {"gamma": 2}`.
    public var description: String { kind.text }

    /// Returns the loss's kind as the given type, or `nil` if it is another.
    public func `as`<Kind: LossKind>(_ type: Kind.Type) -> Kind? { kind as? Kind }

    /// Whether it takes every class for itself, so that an image may have several.
    package var takesSeveralLabels: Bool { Swift.type(of: kind).takesSeveralLabels }

    /// Whether it is a loss for lines of text, for networks whose output has columns.
    package var readsLines: Bool { kind is any SequenceLossKind }

    /// Whether both losses have the same type and options.
    public static func == (a: Loss, b: Loss) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension Loss {
    private static let builtIn: [any LossKind.Type] = [
        CrossEntropy.self, FocalLoss.self, MeanSquaredError.self, BinaryCrossEntropy.self, CTC.self,
    ]
    private static let registry = KindRegistry<any LossKind.Type>("loss", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the built-in ones, then those that were registered.
    public static var kinds: [any LossKind.Type] { registry.kinds }

    /// Registers a custom loss, so that configurations and saved models can name its `type`: see
    /// ``Layer/register(_:)``.
    ///
    /// - Throws: An ``InputError`` if another loss has that name, or if it is not made of letters and digits.
    public static func register(_ kind: any LossKind.Type) throws(InputError) { try registry.add(kind.type, kind) }
}

/// A kind of loss: its options and their configuration keys, its value and its gradient. Each file of `Losses` holds
/// one; ``Loss/register(_:)`` adds others.
public protocol LossKind: ConfigurationKind {
    /// Whether it takes every class for itself, so that an image may have several labels, or none; false by default.
    static var takesSeveralLabels: Bool { get }
    /// Returns the loss of one row of logits `z[K]`.
    /// - Parameters:
    ///   - classes: K.
    ///   - weight: The factor on the gradient; the returned value is not multiplied by it.
    ///   - dz: The destination of the gradient with respect to the logits, `[K]`, or `nil` if it is not needed.
    func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double
}

extension LossKind {
    /// False: an image has one label, or two that are mixed.
    public static var takesSeveralLabels: Bool { false }
    /// This kind as a case of the configuration's union of losses.
    package static var variant: Variant<Nothing, Loss> { Variant(type, options, { Loss($0) }, { $0.as(Self.self) }) }
}

/// The target of one image.
public struct LossTarget: Sendable {
    /// The class of the image.
    public var label: Int
    /// The class mixed in; equal to the label if there is none.
    public var other: Int
    /// The label's share, in [0, 1].
    public var share: Float = 1
    /// Label smoothing, in [0, 1).
    public var smoothing: Float = 0
    /// For images with several labels, the classes as bits; nil for one class, or two that are mixed.
    public var labels: UInt64? = nil

    /// Creates a target of one class, or of two mixed classes.
    public init(label: Int, other: Int? = nil, share: Float = 1, smoothing: Float = 0) {
        self.label = label
        self.other = other ?? label
        self.share = share
        self.smoothing = smoothing
    }

    /// Creates a target of several classes, class k as bit k.
    public init(labels: UInt64, smoothing: Float = 0) {
        self.init(label: labels == 0 ? 0 : labels.trailingZeroBitCount, smoothing: smoothing)
        self.labels = labels
    }

    /// Returns `t[k]` for K classes; for several labels `(1 − s)·t + s/2` with the label smoothing s.
    public func share(of k: Int, classes: Int) -> Double {
        if let labels {
            let isSet = k < UInt64.bitWidth && labels >> UInt64(k) & 1 == 1
            return Double(smoothing) / 2 + (isSet ? 1 - Double(smoothing) : 0)
        }
        let even = Double(smoothing) / Double(classes), rest = 1 - Double(smoothing)
        return even + rest * ((k == label ? Double(share) : 0) + (k == other ? 1 - Double(share) : 0))
    }
}
