import Formats

/// What one layer computes. The names and options are those of a configuration's `type`, and Keras's.
///
/// Shapes are of one image or vector, without the batch: height H, width W, channels C; k is the kernel or window, s the
/// strides, d the dilation.
public struct Layer: Hashable, Sendable, CustomStringConvertible {
    /// The layer with its options.
    package let kind: any LayerKind

    package init(_ kind: some LayerKind) { self.kind = kind }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options, as in a configuration: `dropout {"rate": 0.25}`.
    public var description: String {
        func options<Kind: LayerKind>(_ kind: Kind) -> JSONObject { Kind.options.encode(kind) }
        let options = options(kind)
        return options.members.isEmpty ? type : "\(type) \(JSONValue.object(options).text)"
    }

    /// The same as `kind`, if that is what it is.
    package func `as`<Kind: LayerKind>(_ type: Kind.Type) -> Kind? { kind as? Kind }

    /// What the compiler may do with it.
    package var traits: LayerTraits { kind.traits }

    /// Whether both are of one type and have the same options.
    public static func == (a: Layer, b: Layer) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension Layer {
    /// Every kind, in the order of documents.
    package static let kinds: [any LayerKind.Type] = [
        Conv2D.self, DepthwiseConv2D.self, Dense.self, BatchNormalization.self, GroupNormalization.self,
        LayerNormalization.self, ReLU.self, LeakyReLU.self, GELU.self, Swish.self, HardSwish.self, Tanh.self,
        Sigmoid.self, Softmax.self, MaxPooling2D.self, AveragePooling2D.self,
        GlobalMaxPooling2D.self, GlobalAveragePooling2D.self, UpSampling2D.self, Dropout.self, Flatten.self, Add.self,
        Multiply.self, Concatenate.self,
    ]
}
