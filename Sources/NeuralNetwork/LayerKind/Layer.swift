import Formats
import Tensors

/// What one layer computes. The names and options are those of a configuration's `type`, and Keras's.
///
/// Shapes are of one image or vector, without the batch: height H, width W, channels C; k is the kernel or window, s the
/// strides, d the dilation.
public struct Layer: Hashable, Sendable, CustomStringConvertible {
    /// The layer with its options.
    public let kind: any LayerKind

    /// Of a kind of one's own: `Layer(Scaled(factor: 2))`.
    public init(_ kind: some LayerKind) { self.kind = kind }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options, as in a configuration: `dropout {"rate": 0.25}`.
    public var description: String { kind.text }

    /// The same as `kind`, if that is what it is.
    public func `as`<Kind: LayerKind>(_ type: Kind.Type) -> Kind? { kind as? Kind }

    /// What the compiler may do with it.
    package var traits: LayerTraits { kind.traits }

    /// Whether both are of one type and have the same options.
    public static func == (a: Layer, b: Layer) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension Layer {
    private static let builtIn: [any LayerKind.Type] = [
        Conv2D.self, DepthwiseConv2D.self, GroupedConv2D.self, Conv2DTranspose.self, Dense.self,
        BatchNormalization.self, GroupNormalization.self,
        LayerNormalization.self, ReLU.self, LeakyReLU.self, PReLU.self, GELU.self, Swish.self, HardSwish.self,
        Tanh.self,
        Sigmoid.self, Softmax.self, MaxPooling2D.self, AveragePooling2D.self,
        GlobalMaxPooling2D.self, GlobalAveragePooling2D.self, UpSampling2D.self, Dropout.self, Flatten.self, Add.self,
        Multiply.self, Concatenate.self,
    ]
    private static let registry = KindRegistry<any LayerKind.Type>("layer", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the package's own, then those that were registered.
    public static var kinds: [any LayerKind.Type] { registry.kinds }

    /// Makes a layer of one's own a `type` that configurations and saved models can name, with its keys read as strictly as
    /// all others, in the schema and in suggestions. To be called before the first of them is read; twice is the same as once.
    ///
    /// - Throws: an ``InputError`` where another layer has that name, or it is not of letters and digits.
    public static func register(_ kind: any LayerKind.Type) throws(InputError) { try registry.add(kind.type, kind) }
}
