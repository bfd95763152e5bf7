import Formats
import Tensors

/// A layer. Names and options are those of a configuration's `type`, and Keras's.
///
/// Shapes are those of one image or vector, without the batch: height H, width W, channels C; k is the kernel or window
/// size, s the strides, d the dilation.
public struct Layer: Hashable, Sendable, CustomStringConvertible {
    /// The layer with its options.
    public let kind: any LayerKind

    /// Creates a layer of a custom kind: `Layer(Scaled(factor: 2))`.
    public init(_ kind: some LayerKind) { self.kind = kind }

    /// The name of its type in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options, as in a configuration: `dropout {"rate": 0.25}`.
    public var description: String { kind.text }

    /// Returns the layer's kind as the given type, or `nil` if it is another.
    public func `as`<Kind: LayerKind>(_ type: Kind.Type) -> Kind? { kind as? Kind }

    /// The properties by which the compiler fuses and simplifies it.
    package var traits: LayerTraits { kind.traits }

    /// Whether both layers have the same type and options.
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

    /// Every kind that a configuration can name: the built-in ones, then those that were registered.
    public static var kinds: [any LayerKind.Type] { registry.kinds }

    /// Registers a custom layer, so that configurations and saved models can name its `type`. Its keys are then checked
    /// as strictly as all others, and appear in the schema and in suggestions. Call it before reading the first of
    /// these files; calling it twice has no further effect.
    ///
    /// - Throws: An ``InputError`` if another layer has that name, or if it is not made of letters and digits.
    public static func register(_ kind: any LayerKind.Type) throws(InputError) { try registry.add(kind.type, kind) }
}
