import Tensors

/// A layer with its place in the graph.
public struct LayerNode: Hashable, Sendable {
    /// Unique in the graph. `input` is taken by the network's input.
    public var name: String
    /// The layers it reads; in a plain list, the one before.
    public var inputs: [String]
    /// What it computes.
    public var layer: Layer

    package init(name: String, inputs: [String], layer: Layer) {
        self.name = name
        self.inputs = inputs
        self.layer = layer
    }
}

/// What the user said: an input shape and layers, in an order in which every layer follows its inputs.
/// The last layer is the output.
public struct Graph: Hashable, Sendable {
    /// The name under which layers read the network's input.
    public static let inputName = "input"
    /// Units of the last dense layer that are as many as the data have classes.
    public static let unitsOfClasses = 0

    /// `[H, W, C]` of an image: height, width, channels.
    public var inputShape: Shape
    /// Whether ``inputShape`` is yet to be the data's.
    package var takesShapeOfData = false
    /// For layers that name none.
    public var initializer: Initializer
    /// Of convolutions that name none; nil: chosen by timing. Those that cannot be lowered so choose too.
    public var lowering: Lowering.Kind?
    /// The layers, each after those it reads.
    public var nodes: [LayerNode]

    package init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, nodes: [LayerNode]
    ) {
        self.inputShape = inputShape
        self.initializer = initializer
        self.lowering = lowering
        self.nodes = nodes
    }

    /// A chain: names are given (`conv2d_1`, `relu_1`, `conv2d_2`, …) and each layer reads the one before.
    package init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, layers: [Layer]
    ) {
        let names = Graph.names(of: layers, given: layers.map { _ in nil })
        let nodes = layers.indices.map {
            LayerNode(name: names[$0], inputs: [$0 == 0 ? Graph.inputName : names[$0 - 1]], layer: layers[$0])
        }
        self.init(inputShape: inputShape, initializer: initializer, lowering: lowering, nodes: nodes)
    }
}

extension Graph {
    /// Whether the data must be known before shapes are.
    package var needsData: Bool { takesShapeOfData || nodes.contains { $0.layer.unitsFollowClasses } }

    /// The same with as many units as classes in its last dense layer, if a dense layer gives its output.
    package var followingClasses: Graph {
        var result = self
        if let last = nodes.lastIndex(where: { $0.layer.as(Dense.self) != nil }),
            var dense = nodes[last].layer.as(Dense.self)
        {
            dense.units = Graph.unitsOfClasses
            result.nodes[last].layer = Layer(dense)
        }
        return result
    }

    /// The graph for images of this shape in so many classes, where it leaves either to the data.
    package func completed(inputShape: Shape, classes: Int) -> Graph {
        var result = self
        if takesShapeOfData { (result.inputShape, result.takesShapeOfData) = (inputShape, false) }
        for index in nodes.indices where nodes[index].layer.unitsFollowClasses {
            guard var dense = nodes[index].layer.as(Dense.self) else { continue }
            dense.units = classes
            result.nodes[index].layer = Layer(dense)
        }
        return result
    }
}

extension Layer {
    /// Whether it is a dense layer of as many units as classes.
    package var unitsFollowClasses: Bool { self.as(Dense.self)?.units == Graph.unitsOfClasses }
}
