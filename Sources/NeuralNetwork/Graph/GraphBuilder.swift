import Tensors

/// A layer with the optional name and inputs that a graph may give it.
public struct PlacedLayer: Hashable, Sendable {
    /// The layer.
    public var layer: Layer
    /// The name, unique in the graph; `nil` to assign `conv2d_1`, `conv2d_2`, `relu_1` and so on.
    public var name: String?
    /// The names of earlier layers, or ``Graph/inputName``; `nil` for the preceding layer.
    public var inputs: [String]?

    package init(_ layer: Layer, name: String? = nil, inputs: [String]? = nil) {
        self.layer = layer
        self.name = name
        self.inputs = inputs
    }

    /// Returns a copy with a name that later layers can read.
    public func named(_ name: String) -> PlacedLayer { PlacedLayer(layer, name: name, inputs: inputs) }

    /// Returns a copy that reads these layers instead of the preceding one.
    public func reading(_ inputs: String...) -> PlacedLayer { PlacedLayer(layer, name: name, inputs: inputs) }
}

extension Layer {
    /// Returns this layer with a name that later layers can read; in JSON, the key `name`.
    public func named(_ name: String) -> PlacedLayer { PlacedLayer(self, name: name) }

    /// Returns this layer reading `inputs`, the names of earlier layers, instead of the preceding one; in JSON, the key
    /// `inputs`.
    public func reading(_ inputs: String...) -> PlacedLayer { PlacedLayer(self, inputs: inputs) }
}

/// A result builder for the layers of a ``Graph``: one layer per line, with `if`, `switch` and `for`.
@resultBuilder
public enum GraphBuilder {
    /// A layer that reads the preceding one.
    public static func buildExpression(_ layer: Layer) -> [PlacedLayer] { [PlacedLayer(layer)] }
    /// A layer with a name or inputs.
    public static func buildExpression(_ layer: PlacedLayer) -> [PlacedLayer] { [layer] }
    /// Layers built elsewhere, such as a repeated block.
    public static func buildExpression(_ layers: [PlacedLayer]) -> [PlacedLayer] { layers }
    /// Concatenates the lines.
    public static func buildBlock(_ parts: [PlacedLayer]...) -> [PlacedLayer] { parts.flatMap { $0 } }
    /// A `for` loop.
    public static func buildArray(_ parts: [[PlacedLayer]]) -> [PlacedLayer] { parts.flatMap { $0 } }
    /// An `if` without `else`.
    public static func buildOptional(_ part: [PlacedLayer]?) -> [PlacedLayer] { part ?? [] }
    /// The first branch of `if` or `switch`.
    public static func buildEither(first part: [PlacedLayer]) -> [PlacedLayer] { part }
    /// The other branches.
    public static func buildEither(second part: [PlacedLayer]) -> [PlacedLayer] { part }
}

extension Graph {
    /// Creates a graph of layers in order, each reading the preceding one unless it specifies otherwise:
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
    ///   - inputShape: The shape of an image, `[H, W, C]`: height, width and channels, each in 1…1024.
    ///   - initializer: The initializer of layers that specify none.
    /// - Throws: An ``InputError`` at `model.inputShape`, or at a layer (`model.layers[3] (dense_1)`) that cannot take
    ///   its input, that repeats a name, that reads anything but earlier layers, or whose output is not used.
    public init(
        inputShape: [Int], initializer: Initializer = .heNormal, @GraphBuilder layers: () -> [PlacedLayer]
    ) throws(InputError) {
        try self.init(inputShape: inputShape, initializer: initializer, placed: layers())
    }

    /// Creates a chain, each layer reading the preceding one:
    ///
    /// ```swift
    /// let graph = try Graph(inputShape: [28, 28, 1], layers: [.flatten, .dense(units: 64), .relu, .dense(units: 10)])
    /// ```
    ///
    /// - Parameters:
    ///   - inputShape: The shape of an image, `[H, W, C]`: height, width and channels, each in 1…1024.
    ///   - initializer: The initializer of layers that specify none.
    /// - Throws: An ``InputError`` at `model.inputShape`, or at a layer that cannot take its input.
    public init(
        inputShape: [Int], initializer: Initializer = .heNormal, layers: [Layer]
    ) throws(InputError) {
        try self.init(inputShape: inputShape, initializer: initializer, placed: layers.map { PlacedLayer($0) })
    }

    private init(inputShape: [Int], initializer: Initializer, placed: [PlacedLayer]) throws(InputError) {
        let extents = Graph.imageExtents
        guard inputShape.count == 3, inputShape.allSatisfy({ extents.contains($0) }) else {
            throw InputError(
                "model.inputShape",
                expected: "[height, width, channels], each an integer in \(extents.lowerBound)…\(extents.upperBound)",
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

    /// Returns a name for each layer: the given one, or its type and the first number that makes the name unique.
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
