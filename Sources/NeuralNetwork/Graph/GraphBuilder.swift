import Tensors

/// A layer with what else a graph may say of it: a name, and the layers it reads.
public struct PlacedLayer: Hashable, Sendable {
    /// What it computes.
    public var layer: Layer
    /// Unique in the graph; nil: `conv2d_1`, `conv2d_2`, `relu_1` and so on.
    public var name: String?
    /// Names of earlier layers, or ``Graph/inputName``; nil: the layer before.
    public var inputs: [String]?

    package init(_ layer: Layer, name: String? = nil, inputs: [String]? = nil) {
        self.layer = layer
        self.name = name
        self.inputs = inputs
    }

    /// The same under a name that later layers can read.
    public func named(_ name: String) -> PlacedLayer { PlacedLayer(layer, name: name, inputs: inputs) }

    /// The same reading these layers instead of the one before.
    public func reading(_ inputs: String...) -> PlacedLayer { PlacedLayer(layer, name: name, inputs: inputs) }
}

extension Layer {
    /// This layer under a name that later layers can read; in JSON, the key `name`.
    public func named(_ name: String) -> PlacedLayer { PlacedLayer(self, name: name) }

    /// This layer reading `inputs`, the names of earlier layers, instead of the one before; in JSON, the key `inputs`.
    public func reading(_ inputs: String...) -> PlacedLayer { PlacedLayer(self, inputs: inputs) }
}

/// What the braces of a ``Graph`` hold: layers, one a line, with `if`, `switch` and `for`.
@resultBuilder
public enum GraphBuilder {
    /// A layer that reads the one before.
    public static func buildExpression(_ layer: Layer) -> [PlacedLayer] { [PlacedLayer(layer)] }
    /// A layer with a name or inputs.
    public static func buildExpression(_ layer: PlacedLayer) -> [PlacedLayer] { [layer] }
    /// Layers made elsewhere, such as a block that comes several times.
    public static func buildExpression(_ layers: [PlacedLayer]) -> [PlacedLayer] { layers }
    /// One line after the other.
    public static func buildBlock(_ parts: [PlacedLayer]...) -> [PlacedLayer] { parts.flatMap { $0 } }
    /// `for`.
    public static func buildArray(_ parts: [[PlacedLayer]]) -> [PlacedLayer] { parts.flatMap { $0 } }
    /// `if` without `else`.
    public static func buildOptional(_ part: [PlacedLayer]?) -> [PlacedLayer] { part ?? [] }
    /// The first branch of `if` or `switch`.
    public static func buildEither(first part: [PlacedLayer]) -> [PlacedLayer] { part }
    /// The other branches.
    public static func buildEither(second part: [PlacedLayer]) -> [PlacedLayer] { part }
}

extension Graph {
    /// A graph of layers in order, each reading the one before unless it says otherwise:
    ///
    /// ```swift
    /// let graph = try Graph(inputShape: [28, 28, 1]) {
    ///     Layer.conv2d(filters: 16, kernelSize: 3, padding: .same)
    ///     Layer.relu.named("stem")
    ///     Layer.conv2d(filters: 16, kernelSize: 3, padding: .same).named("branch")
    ///     Layer.add.reading("branch", "stem")
    ///     Layer.globalAveragePooling2d
    ///     Layer.dense(units: 10)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - inputShape: `[H, W, C]` of an image: height, width and channels, each in 1…1024.
    ///   - initializer: how the weights of layers begin that name no other.
    /// - Throws: an ``InputError`` at `model.inputShape` or at the layer (`model.layers[3] (dense_1)`) whose input it
    ///   cannot take; where a name comes twice, an input is no earlier layer, or an output is not used.
    public init(
        inputShape: [Int], initializer: Initializer = .heNormal, @GraphBuilder layers: () -> [PlacedLayer]
    ) throws(InputError) {
        try self.init(inputShape: inputShape, initializer: initializer, placed: layers())
    }

    /// A chain, each layer reading the one before:
    ///
    /// ```swift
    /// let graph = try Graph(inputShape: [28, 28, 1], layers: [.flatten, .dense(units: 64), .relu, .dense(units: 10)])
    /// ```
    ///
    /// - Parameters:
    ///   - inputShape: `[H, W, C]` of an image: height, width and channels, each in 1…1024.
    ///   - initializer: how the weights of layers begin that name no other.
    /// - Throws: an ``InputError`` at `model.inputShape`, or at the layer whose input it cannot take.
    public init(
        inputShape: [Int], initializer: Initializer = .heNormal, layers: [Layer]
    ) throws(InputError) {
        try self.init(inputShape: inputShape, initializer: initializer, placed: layers.map { PlacedLayer($0) })
    }

    private init(inputShape: [Int], initializer: Initializer, placed: [PlacedLayer]) throws(InputError) {
        guard inputShape.count == 3, inputShape.allSatisfy({ (1...1024).contains($0) }) else {
            throw InputError(
                "model.inputShape", expected: "[height, width, channels], each an integer in 1…1024",
                received: "\(inputShape)")
        }
        let names = Graph.names(of: placed.map(\.layer), given: placed.map(\.name))
        let before = [Graph.inputName] + names
        self.init(
            inputShape: Shape(inputShape), initializer: initializer,
            nodes: placed.indices.map {
                LayerNode(name: names[$0], inputs: placed[$0].inputs ?? [before[$0]], layer: placed[$0].layer)
            })
        _ = try ResolvedGraph(self)
    }

    /// A name for each layer: the one given, else its type and the first number that makes a name nobody has.
    package static func names(of layers: [Layer], given: [String?]) -> [String] {
        let taken = Set(given.compactMap { $0 })
        var counts: [String: Int] = [:]
        return zip(layers, given).map { layer, name in
            var name = name
            while name == nil {
                counts[layer.type, default: 0] += 1
                let candidate = "\(layer.type)_\(counts[layer.type, default: 0])"
                if !taken.contains(candidate) { name = candidate }
            }
            return name ?? layer.type
        }
    }
}
