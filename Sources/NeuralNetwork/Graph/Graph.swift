import Tensors

/// A layer with its name and inputs in a graph.
public struct LayerNode: Hashable, Sendable {
    /// The name, unique in the graph. `input` is reserved for the network's input.
    public var name: String
    /// The names of the layers it reads; in a plain list, the preceding one.
    public var inputs: [String]
    /// The layer.
    public var layer: Layer

    package init(name: String, inputs: [String], layer: Layer) {
        self.name = name
        self.inputs = inputs
        self.layer = layer
    }
}

/// A network as the user describes it: an input shape and layers, each of which follows its inputs. The last layer is
/// the output.
public struct Graph: Hashable, Sendable {
    /// The name under which layers read the network's input.
    public static let inputName = "input"
    /// A number of units that stands for the number of classes in the data, for the last dense layer.
    public static let unitsOfClasses = 0
    /// The heights, widths and numbers of channels that an image may have: their product stays below the limit of
    /// ``Shape``, 2³¹.
    package static let imageExtents = 1...1024

    /// The shape of an input image, `[H, W, C]`: height, width, channels.
    public var inputShape: Shape
    /// Whether ``inputShape`` is still to be taken from the data.
    package var takesShapeOfData = false
    /// The initializer of layers that specify none.
    public var initializer: Initializer
    /// The lowering of convolutions that specify none; `nil` to choose by timing. Convolutions that do not support it
    /// are also chosen by timing.
    public var lowering: Lowering.Kind?
    /// The layers, each after its inputs.
    public var nodes: [LayerNode]

    package init(
        inputShape: Shape, initializer: Initializer = .heNormal, lowering: Lowering.Kind? = nil, nodes: [LayerNode]
    ) {
        self.inputShape = inputShape
        self.initializer = initializer
        self.lowering = lowering
        self.nodes = nodes
    }

    /// Creates a chain in which layers are named automatically (`conv2d_1`, `relu_1`, `conv2d_2`, …) and each reads the
    /// preceding one.
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
    /// Whether shapes depend on the data.
    package var needsData: Bool { takesShapeOfData || nodes.contains { $0.layer.unitsFollowClasses } }

    /// A copy whose last dense layer has as many units as there are classes, if there is a dense layer.
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

    /// Returns the graph completed for images of this shape in `classes` classes, where it leaves either to the data.
    /// - Throws: An ``InputError`` if it leaves the shape to the data and they are too large.
    package func completed(inputShape: Shape, classes: Int) throws(InputError) -> Graph {
        var result = self
        if takesShapeOfData {
            // A model of another shape could not be read again.
            guard inputShape.dimensions.allSatisfy({ Self.imageExtents.contains($0) }) else {
                throw InputError(
                    "model.inputShape", expected: "images of at most \(Self.imageExtents.upperBound) pixels a side",
                    received: "\(inputShape)",
                    remedy: "[height, width, channels] instead of \"auto\" has pictures scaled to that size")
            }
            (result.inputShape, result.takesShapeOfData) = (inputShape, false)
        }
        for index in nodes.indices where nodes[index].layer.unitsFollowClasses {
            guard var dense = nodes[index].layer.as(Dense.self) else { continue }
            dense.units = classes
            result.nodes[index].layer = Layer(dense)
        }
        return result
    }
}

extension Layer {
    /// Whether this is a dense layer with as many units as there are classes.
    package var unitsFollowClasses: Bool { self.as(Dense.self)?.units == Graph.unitsOfClasses }
}
