import NeuralNetwork
import Tensors

/// A named small network for tests that run over many.
package struct SampleGraph: Sendable, CustomStringConvertible {
    package let description: String
    package let graph: Graph

    package init(_ description: String, _ graph: Graph) {
        self.description = description
        self.graph = graph
    }

    package init(_ description: String, _ shape: [Int], _ layers: [Layer]) {
        self.init(description, Graph(inputShape: Shape(shape), layers: layers))
    }

    package func resolved() throws -> ResolvedGraph { try ResolvedGraph(graph) }
}

extension LayerNode {
    package init(_ name: String, _ inputs: String..., layer: Layer) {
        self.init(name: name, inputs: inputs, layer: layer)
    }
}

extension SampleGraph {
    /// One network or more for each layer type and for each way layers meet. Few parameters: central differences go
    /// through all of them.
    package static let small: [SampleGraph] = chains + joints

    private static let chains: [SampleGraph] = [
        SampleGraph("dense", [7], [.dense(units: 3)]),
        SampleGraph("dense without bias, twice", [5], [.dense(units: 4, useBias: false), .dense(units: 3)]),
        SampleGraph(
            "conv valid", [6, 5, 2], [.conv2d(filters: 3, kernelSize: Size2D(3, 2)), .flatten, .dense(units: 3)]),
        SampleGraph(
            "conv after conv, same, stride and dilation", [7, 6, 1],
            [
                .conv2d(filters: 3, kernelSize: Size2D(3), padding: .same),
                .conv2d(
                    filters: 2, kernelSize: Size2D(4, 3), strides: Size2D(2, 3), padding: .same, useBias: false),
                .conv2d(filters: 4, kernelSize: Size2D(2), padding: .same, dilation: Size2D(2, 1)),
                .flatten, .dense(units: 2),
            ]),
        SampleGraph(
            "conv with explicit asymmetric and cropping padding", [6, 7, 2],
            [
                .conv2d(
                    filters: 3, kernelSize: Size2D(2, 3),
                    padding: .explicit(top: 2, bottom: 0, left: 0, right: 3)),
                .conv2d(
                    filters: 2, kernelSize: Size2D(3, 2),
                    padding: .explicit(top: -1, bottom: 1, left: 1, right: -2)),
                .flatten, .dense(units: 2),
            ]),
        SampleGraph(
            "pointwise conv", [4, 3, 3],
            [
                .conv2d(filters: 5, kernelSize: Size2D(1)),
                .conv2d(filters: 2, kernelSize: Size2D(1), strides: Size2D(2)), .flatten, .dense(units: 3),
            ]),
        SampleGraph(
            "conv, batch-norm, relu", [6, 6, 1],
            [
                .conv2d(filters: 3, kernelSize: Size2D(3), useBias: false),
                .batchNormalization(momentum: 0.3, epsilon: 1e-3), .relu,
                .conv2d(filters: 2, kernelSize: Size2D(3), padding: .same), .batchNormalization(), .gelu, .flatten,
                .dense(units: 3),
            ]),
        SampleGraph(
            "batch-norm of the input, of a vector, and last", [4, 3, 2],
            [
                .batchNormalization(), .flatten, .dense(units: 5), .batchNormalization(momentum: 0.9), .relu,
                .dense(units: 3, useBias: false), .batchNormalization(),
            ]),
        SampleGraph(
            "nonlinearities", [9],
            [
                .dense(units: 6), .leakyRelu(negativeSlope: 0.2), .dense(units: 5), .gelu, .dense(units: 5), .tanhGelu,
                .dense(units: 6), .tanh,
                .dense(units: 5), .sigmoid, .dense(units: 4), .relu, .dense(units: 3),
            ]),
        SampleGraph(
            "swish and hard swish", [9],
            [.dense(units: 8), .swish, .dense(units: 8), .hardSwish, .dense(units: 3)]),
        SampleGraph(
            "group and layer normalisation", [5, 4, 2],
            [
                .conv2d(filters: 6, kernelSize: Size2D(2)), .groupNormalization(groups: 3, epsilon: 1e-3), .relu,
                .conv2d(filters: 4, kernelSize: Size2D(1)), .layerNormalization(), .swish,
                .groupNormalization(groups: 1),
                .flatten, .layerNormalization(epsilon: 1e-2), .dense(units: 3),
            ]),
        SampleGraph(
            "kernels of one row", [4, 13, 2],
            [
                .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same), .relu,
                .conv2d(filters: 17, kernelSize: Size2D(1, 5), padding: .same, useBias: false), .batchNormalization(),
                .relu, .maxPooling2d(poolSize: Size2D(2, 1)), .conv2d(filters: 16, kernelSize: Size2D(1, 3)), .relu,
                .flatten, .dense(units: 3),
            ]),
        SampleGraph(
            "depthwise convolutions", [7, 6, 3],
            [
                .depthwiseConv2d(kernelSize: Size2D(3, 2), padding: .same, useBias: false), .batchNormalization(),
                .relu,
                .conv2d(filters: 4, kernelSize: Size2D(1)), .relu,
                .depthwiseConv2d(kernelSize: Size2D(3), strides: Size2D(2, 1), padding: .same, dilation: Size2D(2, 1)),
                .depthwiseConv2d(
                    kernelSize: Size2D(2), padding: .explicit(top: 1, bottom: 0, left: -1, right: 2)), .flatten,
                .dense(units: 3),
            ]),
        SampleGraph(
            "grouped convolutions", [7, 6, 4],
            [
                .groupedConv2d(filters: 6, kernelSize: Size2D(3, 2), groups: 2, padding: .same, useBias: false),
                .batchNormalization(), .relu,
                .groupedConv2d(
                    filters: 3, kernelSize: Size2D(2), groups: 3, strides: Size2D(2, 1), dilation: Size2D(1, 2)), .relu,
                .groupedConv2d(
                    filters: 4, kernelSize: Size2D(2), groups: 1,
                    padding: .explicit(top: 1, bottom: 0, left: -1, right: 2)),
                .prelu, .flatten, .dense(units: 5), .prelu, .dense(units: 3),
            ]),
        SampleGraph(
            "transposed convolutions", [3, 4, 2],
            [
                .conv2dTranspose(filters: 3, kernelSize: Size2D(3, 2), strides: 2, padding: .same), .prelu,
                .conv2dTranspose(filters: 2, kernelSize: Size2D(2, 3), dilation: Size2D(2, 1), useBias: false),
                .batchNormalization(), .relu,
                .conv2dTranspose(
                    filters: 2, kernelSize: 2, strides: Size2D(3, 1),
                    padding: .explicit(top: 1, bottom: 0, left: 1, right: 2)),
                .conv2dTranspose(filters: 1, kernelSize: 1, strides: 2, padding: .same), .flatten, .dense(units: 3),
            ]),
        SampleGraph(
            "enlarged, and the largest of each channel", [3, 4, 2],
            [
                .conv2d(filters: 3, kernelSize: Size2D(2)), .upSampling2d(size: Size2D(2, 3)),
                .conv2d(filters: 4, kernelSize: Size2D(3)), .globalMaxPooling2d, .dense(units: 3),
            ]),
        SampleGraph(
            "softmax inside and last", [3, 3, 2],
            [
                .conv2d(filters: 3, kernelSize: Size2D(2)), .softmax, .flatten, .dense(units: 4), .softmax,
                .dense(units: 3), .softmax,
            ]),
        SampleGraph(
            "max pooling", [7, 8, 1],
            [
                .conv2d(filters: 2, kernelSize: Size2D(3), padding: .same), .maxPooling2d(poolSize: Size2D(2)),
                .maxPooling2d(poolSize: Size2D(3, 2), strides: Size2D(1, 2), padding: .same), .flatten,
                .dense(units: 3),
            ]),
        SampleGraph(
            "dilated pooling", [11, 12, 1],
            [
                .conv2d(filters: 18, kernelSize: Size2D(3), padding: .same),
                .maxPooling2d(poolSize: Size2D(2, 3), strides: Size2D(1), dilation: Size2D(3, 2)),
                .conv2d(filters: 2, kernelSize: Size2D(2)),
                .maxPooling2d(
                    poolSize: Size2D(2), strides: Size2D(4, 3),
                    padding: .explicit(top: 1, bottom: 1, left: 0, right: 1),
                    dilation: Size2D(3, 2)),
                .flatten, .dense(units: 3),
            ]),
        SampleGraph(
            "average pooling", [7, 8, 1],
            [
                .conv2d(filters: 2, kernelSize: Size2D(3), padding: .same),
                .averagePooling2d(poolSize: Size2D(3), strides: Size2D(2), padding: .same),
                .averagePooling2d(poolSize: Size2D(2), strides: Size2D(1)), .conv2d(filters: 3, kernelSize: Size2D(1)),
                .globalAveragePooling2d, .dense(units: 3),
            ]),
        SampleGraph(
            "dropout", [5, 5, 1],
            [
                .conv2d(filters: 3, kernelSize: Size2D(2)), .dropout(rate: 0.25), .batchNormalization(), .relu,
                .dropout(rate: 0.5), .flatten, .dense(units: 6), .dropout(rate: 0), .dense(units: 3),
            ]),
        SampleGraph(
            "dropout last, flatten last", [2, 2, 1], [.flatten, .dense(units: 4), .dropout(rate: 0.4), .flatten]),
    ]

    private static let joints: [SampleGraph] = [
        SampleGraph(
            "squeeze and excitation, and a gate",
            Graph(
                inputShape: Shape([5, 4, 2]),
                nodes: [
                    LayerNode("stem", "input", layer: .conv2d(filters: 4, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("squeeze", "stem", layer: .globalAveragePooling2d),
                    LayerNode("reduce", "squeeze", layer: .dense(units: 2)),
                    LayerNode("swish", "reduce", layer: .swish),
                    LayerNode("excite", "swish", layer: .dense(units: 4)),
                    LayerNode("share", "excite", layer: .sigmoid),
                    LayerNode("scaled", "stem", "share", layer: .multiply),
                    LayerNode("gate", "scaled", layer: .conv2d(filters: 4, kernelSize: Size2D(1))),
                    LayerNode("gated", "gate", "scaled", layer: .multiply),
                    LayerNode("flat", "gated", layer: .flatten),
                    LayerNode("out", "flat", layer: .dense(units: 3)),
                ])),
        SampleGraph(
            "residual with add",
            Graph(
                inputShape: Shape([5, 5, 2]),
                nodes: [
                    LayerNode("stem", "input", layer: .conv2d(filters: 3, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("norm", "stem", layer: .batchNormalization()),
                    LayerNode("relu", "norm", layer: .relu),
                    LayerNode("a", "relu", layer: .conv2d(filters: 3, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("a/norm", "a", layer: .batchNormalization()),
                    LayerNode("sum", "a/norm", "relu", layer: .add),
                    LayerNode("sum/relu", "sum", layer: .relu),
                    LayerNode("pool", "sum/relu", layer: .globalAveragePooling2d),
                    LayerNode("out", "pool", layer: .dense(units: 3)),
                ])),
        SampleGraph(
            "concatenate with the input, fan-out of three",
            Graph(
                inputShape: Shape([4, 4, 2]),
                nodes: [
                    LayerNode("stem", "input", layer: .conv2d(filters: 2, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("tanh", "stem", layer: .tanh),
                    LayerNode("a", "tanh", layer: .conv2d(filters: 1, kernelSize: Size2D(1))),
                    LayerNode("b", "tanh", layer: .conv2d(filters: 3, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("joined", "a", "input", "b", "tanh", layer: .concatenate),
                    LayerNode("pool", "joined", layer: .averagePooling2d(poolSize: Size2D(2))),
                    LayerNode("flat", "pool", layer: .flatten),
                    LayerNode("out", "flat", layer: .dense(units: 3)),
                ])),
        SampleGraph(
            "a flatten shared with an image reader",
            Graph(
                inputShape: Shape([4, 4, 1]),
                nodes: [
                    LayerNode("conv", "input", layer: .conv2d(filters: 2, kernelSize: Size2D(2), strides: Size2D(2))),
                    LayerNode("flat", "conv", layer: .flatten),
                    LayerNode("pool", "conv", layer: .maxPooling2d(poolSize: Size2D(2))),
                    LayerNode("flat2", "pool", layer: .flatten),
                    LayerNode("long", "flat", layer: .dense(units: 3)),
                    LayerNode("short", "flat", layer: .dense(units: 2)),
                    LayerNode("joined", "long", "short", "flat2", "flat", layer: .concatenate),
                    LayerNode("out", "joined", layer: .dense(units: 2)),
                ])),
        SampleGraph(
            "one layer added to itself, sums of sums",
            Graph(
                inputShape: Shape([6]),
                nodes: [
                    LayerNode("a", "input", layer: .dense(units: 4)),
                    LayerNode("twice", "a", "a", layer: .add),
                    LayerNode("b", "twice", layer: .sigmoid),
                    LayerNode("sum", "twice", "b", "a", layer: .add),
                    LayerNode("both", "sum", "sum", layer: .concatenate),
                    LayerNode("sum2", "sum", "b", layer: .add),
                    LayerNode("all", "both", "sum2", layer: .concatenate),
                    LayerNode("out", "all", layer: .dense(units: 3)),
                ])),
        SampleGraph(
            "batch-norm read by a relu and by another, relu read twice",
            Graph(
                inputShape: Shape([4, 4, 1]),
                nodes: [
                    LayerNode("conv", "input", layer: .conv2d(filters: 3, kernelSize: Size2D(2))),
                    LayerNode("norm", "conv", layer: .batchNormalization()),
                    LayerNode("relu", "norm", layer: .relu),
                    LayerNode("relu2", "norm", layer: .relu),
                    LayerNode("norm2", "relu", layer: .batchNormalization()),
                    LayerNode("relu3", "norm2", layer: .relu),
                    LayerNode("drop", "relu3", layer: .dropout(rate: 0.3)),
                    LayerNode("sum", "relu3", "drop", "relu2", layer: .add),
                    LayerNode("flat", "sum", layer: .flatten),
                    LayerNode("out", "flat", layer: .dense(units: 3)),
                ])),
        SampleGraph(
            "two norms on one conv, convs before their norms",
            Graph(
                inputShape: Shape([4, 3, 1]),
                nodes: [
                    LayerNode("c1", "input", layer: .conv2d(filters: 2, kernelSize: Size2D(2))),
                    LayerNode("c2", "input", layer: .conv2d(filters: 2, kernelSize: Size2D(2))),
                    LayerNode("n1", "c1", layer: .batchNormalization()),
                    LayerNode("n2", "c2", layer: .batchNormalization()),
                    LayerNode("n3", "c2", layer: .batchNormalization(epsilon: 0.1)),
                    LayerNode("r1", "n1", layer: .relu),
                    LayerNode("r3", "n3", layer: .leakyRelu(negativeSlope: 0.1)),
                    LayerNode("sum", "r1", "n2", "r3", layer: .add),
                    LayerNode("flat", "sum", layer: .flatten),
                    LayerNode("out", "flat", layer: .dense(units: 2)),
                ])),
        SampleGraph(
            "an untrained branch",
            Graph(
                inputShape: Shape([4, 4, 2]),
                nodes: [
                    LayerNode("pool", "input", layer: .maxPooling2d(poolSize: Size2D(2))),
                    LayerNode("drop", "pool", layer: .dropout(rate: 0.2)),
                    LayerNode("conv", "input", layer: .conv2d(filters: 2, kernelSize: Size2D(2), strides: Size2D(2))),
                    LayerNode("sum", "conv", "drop", layer: .add),
                    LayerNode("both", "drop", "sum", layer: .concatenate),
                    LayerNode("flat", "both", layer: .flatten),
                    LayerNode("out", "flat", layer: .dense(units: 3)),
                ])),
    ]

    /// Networks large enough to be cut into chunks, segments and blocks; too large for central differences.
    package static let large: [SampleGraph] = [
        // Chunks of one size between whole shards: what the first layer leaves is read by every chunk of the next.
        SampleGraph(
            "a small layer, large ones, a small one", [12, 12, 1],
            [
                .conv2d(filters: 8, kernelSize: Size2D(3), padding: .same),
                .conv2d(filters: 160, kernelSize: Size2D(1)), .conv2d(filters: 16, kernelSize: Size2D(1)), .flatten,
                .dense(units: 3),
            ]),
        SampleGraph(
            "chunks: images of thousands of floats", [20, 20, 1],
            [
                .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(),
                .relu, .conv2d(filters: 17, kernelSize: Size2D(3), padding: .same), .batchNormalization(), .relu,
                .maxPooling2d(poolSize: Size2D(2)), .dropout(rate: 0.25),
                .conv2d(filters: 24, kernelSize: Size2D(3), strides: Size2D(2)), .gelu, .flatten, .dense(units: 33),
                .batchNormalization(), .relu, .dense(units: 10),
            ]),
        SampleGraph(
            "a dense layer in blocks", [12, 11, 4],
            [.flatten, .dense(units: 131), .batchNormalization(), .relu, .dense(units: 509), .tanh, .dense(units: 10)]),
        SampleGraph(
            "large images joined",
            Graph(
                inputShape: Shape([24, 24, 2]),
                nodes: [
                    LayerNode("stem", "input", layer: .conv2d(filters: 8, kernelSize: Size2D(5), padding: .same)),
                    LayerNode("relu", "stem", layer: .relu),
                    LayerNode("a", "relu", layer: .conv2d(filters: 8, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("n", "a", layer: .batchNormalization()),
                    LayerNode("sum", "n", "relu", layer: .add),
                    LayerNode("joined", "sum", "relu", "input", layer: .concatenate),
                    LayerNode("pool", "joined", layer: .averagePooling2d(poolSize: Size2D(3), padding: .same)),
                    LayerNode("b", "pool", layer: .conv2d(filters: 20, kernelSize: Size2D(3))),
                    LayerNode("nb", "b", layer: .batchNormalization()),
                    LayerNode("rb", "nb", layer: .relu),
                    LayerNode("gap", "rb", layer: .globalAveragePooling2d),
                    LayerNode("out", "gap", layer: .dense(units: 10)),
                ])),
    ]

    package static let all: [SampleGraph] = small + large
}
