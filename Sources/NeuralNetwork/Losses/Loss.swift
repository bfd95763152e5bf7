import Formats
import Tensors

/// What training makes small: the mean over a batch of a function of each image's logits and of what it should be read as.
/// The names and options are those of a configuration's `type`.
///
/// In the formulas z are the logits of K classes, `p = softmax(z)`, and t is the target: 1 at the class of the label, or after
/// mixup and cutmix the two classes' shares; with label smoothing s it is `(1 − s)·t + s/K`.
public struct Loss: Hashable, Sendable, CustomStringConvertible {
    /// The loss with its options.
    public let kind: any LossKind

    /// Of a kind of one's own.
    public init(_ kind: some LossKind) { self.kind = kind }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options, as in a configuration: `focal {"gamma": 2}`.
    public var description: String { kind.text }

    /// The same as `kind`, if that is what it is.
    public func `as`<Kind: LossKind>(_ type: Kind.Type) -> Kind? { kind as? Kind }

    /// Whether it is of lines of text, for networks whose output has columns.
    package var readsLines: Bool { kind is any SequenceLossKind }

    /// Whether both are of one type and have the same options.
    public static func == (a: Loss, b: Loss) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension Loss {
    private static let builtIn: [any LossKind.Type] = [
        CrossEntropy.self, FocalLoss.self, MeanSquaredError.self, CTC.self,
    ]
    private static let registry = KindRegistry<any LossKind.Type>("loss", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the package's own, then those that were registered.
    public static var kinds: [any LossKind.Type] { registry.kinds }

    /// Makes a loss of one's own a `type` that configurations and saved models can name: see ``Layer/register(_:)``.
    ///
    /// - Throws: an ``InputError`` where another loss has that name, or it is not of letters and digits.
    public static func register(_ kind: any LossKind.Type) throws(InputError) { try registry.add(kind.type, kind) }
}

/// All there is to a loss: its options and their keys in a configuration, its value and its gradient. One file of `Losses`
/// holds one; ``Loss/register(_:)`` adds others.
public protocol LossKind: ConfigurationKind {
    /// The loss of one row of logits `z[K]`.
    /// - Parameters:
    ///   - classes: K.
    ///   - weight: what the gradient is multiplied with; the value returned is not.
    ///   - dz: where the gradient by the logits goes, `[K]`; nil: it is not asked for.
    func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double
}

extension LossKind {
    /// This kind as a case of the configuration's union of losses.
    package static var variant: Variant<Nothing, Loss> { Variant(type, options, { Loss($0) }, { $0.as(Self.self) }) }
}

/// What one image should be read as.
public struct LossTarget: Sendable {
    /// The class it is.
    public var label: Int
    /// The class mixed in; the label again where none is.
    public var other: Int
    /// The label's share, in [0, 1].
    public var share: Float = 1
    /// Label smoothing, in [0, 1).
    public var smoothing: Float = 0

    /// One class, or two mixed.
    public init(label: Int, other: Int? = nil, share: Float = 1, smoothing: Float = 0) {
        self.label = label
        self.other = other ?? label
        self.share = share
        self.smoothing = smoothing
    }

    /// `t[k]` of K classes.
    public func share(of k: Int, classes: Int) -> Double {
        let even = Double(smoothing) / Double(classes), rest = 1 - Double(smoothing)
        return even + rest * ((k == label ? Double(share) : 0) + (k == other ? 1 - Double(share) : 0))
    }
}
