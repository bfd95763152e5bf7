import NeuralNetwork
import Tensors
import TestSupport
import Testing

@Suite("Shape inference")
struct ResolvedGraphTests {
    private func output(_ shape: [Int], _ layer: Layer) throws -> [Int] {
        let nodes = [
            LayerNode("tried", "input", layer: layer), LayerNode("flat", "tried", layer: .flatten),
            LayerNode("out", "flat", layer: .dense(units: 2)),
        ]
        return try ResolvedGraph(Graph(inputShape: Shape(shape), nodes: nodes)).nodes[0].outputShape.dimensions
    }

    /// (extent, kernel, stride, dilation, padding) → out, by TensorFlow's and PyTorch's formulas, worked out by hand.
    static let axes: [(Int, Int, Int, Int, Padding, Int)] = [
        (28, 3, 1, 1, .valid, 26), (28, 5, 2, 1, .valid, 12), (28, 3, 1, 2, .valid, 24), (7, 7, 3, 1, .valid, 1),
        (28, 3, 1, 1, .same, 28), (28, 3, 2, 1, .same, 14), (27, 3, 2, 1, .same, 14), (5, 2, 3, 1, .same, 2),
        (5, 9, 1, 1, .same, 5), (1, 3, 2, 1, .same, 1), (28, 3, 1, 4, .same, 28),
        (28, 3, 2, 1, .explicit(top: 1, bottom: 1, left: 1, right: 1), 14),
        (6, 4, 2, 1, .explicit(top: 0, bottom: 3, left: 0, right: 3), 3),
        (6, 3, 1, 1, .explicit(top: -1, bottom: 0, left: -1, right: 0), 3),
    ]

    @Test("extents of a convolution along both axes", arguments: 0..<axes.count)
    func convolution(_ index: Int) throws {
        let (extent, kernel, stride, dilation, padding, out) = Self.axes[index]
        let layer = Layer.conv2d(
            filters: 4, kernelSize: Size2D(kernel), strides: Size2D(stride), padding: padding,
            dilation: Size2D(dilation))
        #expect(try output([extent, extent, 3], layer) == [out, out, 4])
    }

    @Test("height and width are told apart")
    func axesApart() throws {
        let layer = Layer.conv2d(
            filters: 4, kernelSize: Size2D(3, 5), strides: Size2D(1, 2),
            padding: .explicit(top: 1, bottom: 0, left: 0, right: 3), dilation: Size2D(2, 1))
        #expect(try output([10, 12, 3], layer) == [7, 6, 4])
        #expect(try output([9, 10, 5], .maxPooling2d(poolSize: Size2D(2, 3))) == [4, 3, 5])
        #expect(try output([9, 10, 5], .averagePooling2d(poolSize: Size2D(3, 2), strides: Size2D(2, 1))) == [4, 9, 5])
        #expect(try output([9, 10, 5], .maxPooling2d(poolSize: Size2D(2), padding: .same)) == [5, 5, 5])
        #expect(try output([9, 10, 5], .globalAveragePooling2d) == [5])
        #expect(try output([9, 10, 5], .flatten) == [450])
        #expect(try output([9, 10, 5], .batchNormalization()) == [9, 10, 5])
    }

    @Test("parameters, state and multiply-adds by name, shape and place")
    func parameters() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([8, 8, 3]),
                layers: [
                    .conv2d(filters: 4, kernelSize: Size2D(3, 2)), .batchNormalization(), .flatten, .dense(units: 5),
                    .dense(units: 2, useBias: false),
                ]))
        let expected: [(String, [Int], Int, ParameterTensor.Role)] = [
            ("conv2d_1/kernel", [3, 2, 3, 4], 0, .weight), ("conv2d_1/bias", [4], 72, .bias),
            ("batchNormalization_1/gamma", [4], 76, .scale), ("batchNormalization_1/beta", [4], 80, .shift),
            ("dense_1/kernel", [168, 5], 84, .weight), ("dense_1/bias", [5], 924, .bias),
            ("dense_2/kernel", [5, 2], 929, .weight),
        ]
        #expect(graph.parameters == expected.map { ParameterTensor(name: $0, shape: $1, offset: $2, role: $3) })
        #expect(graph.parameterCount == 939)
        #expect(
            graph.state.map(\.name) == ["batchNormalization_1/moving_mean", "batchNormalization_1/moving_variance"])
        #expect(graph.state.map(\.offset) == [0, 4] && graph.stateCount == 8)
        #expect(graph.multiplyAdds == 6 * 7 * 18 * 4 + 168 * 5 + 10)
        #expect(graph.classCount == 2 && !graph.endsInSoftmax)
    }

    @Test("the reference network of the design has 19,094,528 multiply-adds")
    func referenceNetwork() throws {
        func block(_ filters: Int) -> [Layer] {
            [
                .conv2d(filters: filters, kernelSize: Size2D(3), padding: .same, useBias: false),
                .batchNormalization(), .relu,
            ]
        }
        let half: [Layer] = [.maxPooling2d(poolSize: Size2D(2)), .dropout(rate: 0.25)]
        let layers: [Layer] =
            block(32) + block(32) + half + block(64) + block(64) + half
            + [
                .flatten, .dense(units: 256, useBias: false), .batchNormalization(), .relu, .dropout(rate: 0.5),
                .dense(units: 10),
            ]
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: layers))
        let convolutions = 784 * 9 * 32 + 784 * 288 * 32 + 196 * 288 * 64 + 196 * 576 * 64
        #expect(graph.multiplyAdds == convolutions + 3136 * 256 + 256 * 10)
        #expect(graph.multiplyAdds == 19_094_528)
    }

    /// Faulty graphs and the whole message each must give.
    static let faults: [(String, Graph, String)] = {
        func chain(_ shape: [Int], _ layers: [Layer]) -> Graph { Graph(inputShape: Shape(shape), layers: layers) }
        func graph(_ shape: [Int], _ nodes: LayerNode...) -> Graph { Graph(inputShape: Shape(shape), nodes: nodes) }
        let tail: [Layer] = [.flatten, .dense(units: 2)]
        return [
            ("no layers", chain([4], []), "model.layers: expected at least one layer · received an empty list"),
            (
                "dense on an image", chain([4, 4, 1], [.relu, .dense(units: 2)]),
                "model.layers[1] (dense_1): expected a vector · received an image of 4×4×1 · put a flatten or "
                    + "globalAveragePooling2d layer before it"
            ),
            (
                "conv on a vector", chain([4, 4, 1], [.flatten, .conv2d(filters: 2, kernelSize: Size2D(3))] + tail),
                "model.layers[1] (conv2d_1): expected an image H×W×C · received a vector of 16"
            ),
            (
                "pooling on a vector", chain([16], [.globalAveragePooling2d, .dense(units: 2)]),
                "model.layers[0] (globalAveragePooling2d_1): expected an image H×W×C · received a vector of 16"
            ),
            (
                "a window that does not fit", chain([4, 9, 1], [.maxPooling2d(poolSize: Size2D(5))] + tail),
                "model.layers[0] (maxPooling2d_1): expected a window that fits into the image's height, 4 with padding "
                    + "· received a window of 5 · use padding \"same\", a smaller window or fewer poolings"
            ),
            (
                "a dilated window that does not fit",
                chain(
                    [9, 4, 1],
                    [
                        .conv2d(
                            filters: 1, kernelSize: Size2D(3), padding: .explicit(top: 0, bottom: 0, left: 1, right: 0),
                            dilation: Size2D(1, 3))
                    ] + tail),
                "model.layers[0] (conv2d_1): expected a window that fits into the image's width, 5 with padding "
                    + "· received a window of 7 · use padding \"same\", a smaller window or fewer poolings"
            ),
            (
                "a stride of zero",
                chain([9, 9, 1], [.conv2d(filters: 1, kernelSize: Size2D(3), strides: Size2D(1, 0))] + tail),
                "model.layers[0] (conv2d_1): expected sizes, strides and dilations of at least 1 and below 32768 "
                    + "· received size 3, stride 0, dilation 1 along the width"
            ),
            (
                "no filters", chain([9, 9, 1], [.conv2d(filters: 0, kernelSize: Size2D(3))] + tail),
                "model.layers[0] (conv2d_1): expected positive extents with a product below 2^31 · received 7×7×0"
            ),
            (
                "negative units", chain([9], [.dense(units: -3)]),
                "model.layers[0] (dense_1): expected positive extents with a product below 2^31 · received -3"
            ),
            (
                "too many weights", chain([1 << 20], [.dense(units: 1 << 12)]),
                "model.layers[0] (dense_1): expected positive extents with a product below 2^31 · received 1048576×4096"
            ),
            (
                "padding as large as the window",
                chain(
                    [4, 4, 1],
                    [.maxPooling2d(poolSize: Size2D(2), padding: .explicit(top: 2, bottom: 0, left: 0, right: 0))]
                        + tail),
                "model.layers[0] (maxPooling2d_1): expected padding below poolSize, 2×2 · received 2 above, 0 below, 0 left, 0 right"
                    + " · pad by less than poolSize"
            ),
            (
                "padding of a dilated window",
                chain([9, 9, 1], [.maxPooling2d(poolSize: 3, strides: 1, padding: .same, dilation: 3)] + tail),
                "model.layers[0] (maxPooling2d_1): expected padding below poolSize, 3×3 · received 3 above, 3 below, 3 left, 3 right"
                    + " · a smaller dilation needs less"
            ),
            (
                "padding beyond all numbers",
                chain(
                    [4, 4, 1],
                    [
                        .conv2dTranspose(
                            filters: 2, kernelSize: 3, padding: .explicit(top: .min, bottom: 0, left: 0, right: 0))
                    ] + tail),
                "model.layers[0] (conv2dTranspose_1): expected padding above -32768 and below 32768 · received "
                    + "top -9223372036854775808, bottom 0, left 0, right 0"
            ),
            (
                "an unknown input", graph([4], LayerNode("a", "b", layer: .dense(units: 2))),
                "model.layers[0].inputs: expected names of earlier layers (input) · received \"b\""
            ),
            (
                "a name twice",
                graph([4], LayerNode("a", "input", layer: .relu), LayerNode("a", "a", layer: .dense(units: 2))),
                "model.layers[1].name: expected a name of its own · received \"a\" again"
            ),
            (
                "the name of the input", graph([4], LayerNode("input", "input", layer: .dense(units: 2))),
                "model.layers[0].name: expected a name of its own · received \"input\" again"
            ),
            (
                "two inputs for one", graph([4], LayerNode("a", "input", "input", layer: .dense(units: 2))),
                "model.layers[0] (a): expected one input · received 2"
            ),
            (
                "no input", graph([4], LayerNode("a", layer: .dense(units: 2))),
                "model.layers[0] (a): expected one input · received 0"
            ),
            (
                "one input for several", graph([4], LayerNode("a", "input", layer: .add)),
                "model.layers[0] (a): expected at least two inputs · received 1"
            ),
            (
                "adding unlike shapes",
                graph(
                    [4], LayerNode("a", "input", layer: .dense(units: 3)), LayerNode("b", "a", "input", layer: .add)),
                "model.layers[1] (b): expected inputs of one shape (3) · received 4 · bring them together with a 1×1 "
                    + "conv2d or strides"
            ),
            (
                "joining unlike images",
                graph(
                    [4, 4, 1], LayerNode("a", "input", layer: .maxPooling2d(poolSize: Size2D(2))),
                    LayerNode("b", "a", "input", layer: .concatenate)),
                "model.layers[1] (b): expected inputs that differ in channels only (like 2×2×1) · received 4×4×1"
            ),
            (
                "an image at the end", chain([4, 4, 1], [.relu]),
                "model.layers[0] (relu_1): expected a last layer that gives a vector of at least 2 classes, or of lines a row of columns, 1×T×K · received "
                    + "4×4×1 · end with flatten or globalAveragePooling2d and a dense layer"
            ),
            (
                "one class", chain([4], [.dense(units: 1)]),
                "model.layers[0] (dense_1): expected a last layer that gives a vector of at least 2 classes, or of lines a row of columns, 1×T×K · received "
                    + "1 · end with flatten or globalAveragePooling2d and a dense layer"
            ),
            (
                "a layer nobody reads",
                graph(
                    [4], LayerNode("a", "input", layer: .dense(units: 2)),
                    LayerNode("b", "input", layer: .dense(units: 2))),
                "model.layers[0] (a): expected a layer whose output is used · received one that no later layer reads "
                    + "· name it in another layer's inputs or remove it"
            ),
            (
                "a dropout of everything", chain([4], [.dropout(rate: 1), .dense(units: 2)]),
                "model.layers[0] (dropout_1): expected a rate from 0 to below 1 · received 1.0"
            ),
            (
                "a negative dropout", chain([4], [.dropout(rate: -0.1), .dense(units: 2)]),
                "model.layers[0] (dropout_1): expected a rate from 0 to below 1 · received -0.1"
            ),
            (
                "a negative slope", chain([4], [.leakyRelu(negativeSlope: -1), .dense(units: 2)]),
                "model.layers[0] (leakyRelu_1): expected a finite negativeSlope of at least 0 · received -1.0"
            ),
            (
                "a batch-norm with ε 0", chain([4], [.batchNormalization(epsilon: 0), .dense(units: 2)]),
                "model.layers[0] (batchNormalization_1): expected a momentum from 0 to 1 and a finite epsilon above 0 "
                    + "· received momentum 0.1, epsilon 0.0"
            ),
            (
                "a momentum past 1", chain([4], [.batchNormalization(momentum: 1.5, epsilon: 1), .dense(units: 2)]),
                "model.layers[0] (batchNormalization_1): expected a momentum from 0 to 1 and a finite epsilon above 0 "
                    + "· received momentum 1.5, epsilon 1.0"
            ),
        ]
    }()

    @Test("every fault names its layer, what it needs and what it got", arguments: 0..<faults.count)
    func fault(_ index: Int) {
        let (name, graph, message) = Self.faults[index]
        do {
            _ = try ResolvedGraph(graph)
            Issue.record("\(name) was accepted")
        } catch {
            #expect(error.description == message, "\(name)")
        }
    }

    @Test("extents near the end of Int are refused, not computed with")
    func hugeNumbers() {
        let big = Int.max
        let layers: [Layer] = [
            .conv2d(filters: 1, kernelSize: Size2D(big)), .conv2d(filters: big, kernelSize: Size2D(1)),
            .conv2d(filters: 1, kernelSize: Size2D(1), strides: Size2D(big), padding: .same),
            .conv2d(filters: 1, kernelSize: Size2D(3), padding: .same, dilation: Size2D(big)),
            .conv2d(filters: 1, kernelSize: Size2D(1), padding: .explicit(top: big, bottom: 1, left: 0, right: 0)),
            .conv2d(filters: 1, kernelSize: Size2D(1), padding: .explicit(top: 0, bottom: 0, left: .min, right: -1)),
            .maxPooling2d(poolSize: Size2D(2), strides: Size2D(big), padding: .same),
            .averagePooling2d(poolSize: Size2D(big)), .averagePooling2d(poolSize: Size2D(.min)),
        ]
        for layer in layers {
            #expect(throws: InputError.self, "\(layer)") { try output([8, 8, 1], layer) }
        }
    }

    @Test("a chain names its layers by type and number")
    func names() {
        let graph = Graph(inputShape: Shape([4]), layers: [.relu, .dense(units: 3), .relu, .dense(units: 2)])
        #expect(graph.nodes.map(\.name) == ["relu_1", "dense_1", "relu_2", "dense_2"])
        #expect(graph.nodes.map(\.inputs) == [["input"], ["relu_1"], ["dense_1"], ["relu_2"]])
    }

    @Test("An image of very many rows is no crash") func veryTall() throws {
        let graph = Graph(
            inputShape: Shape([401_000, 4, 16]),
            layers: [.conv2d(filters: 16, kernelSize: 3, padding: .same), .globalAveragePooling2d, .dense(units: 2)])
        #expect(try ResolvedGraph(graph).nodes.count == 3)
    }

    @Test("A 1×1 convolution padded by the height of its image is computed in one strip") func paddedPointwise() throws
    {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([28, 28, 1]),
                layers: [
                    .conv2d(filters: 16, kernelSize: 1, padding: .explicit(top: 28, bottom: 0, left: 0, right: 0)),
                    .globalAveragePooling2d, .dense(units: 2),
                ]))
        let weights = TestWeights(graph, seed: 1), batch = TestBatch(graph, count: 3, seed: 2)
        let run = InferenceRun(graph, weights, batchSize: 3), together = run.predict(batch).probabilities
        for image in 0..<3 {
            #expect(
                run.predict(batch.part(image..<image + 1)).probabilities == Array(together[2 * image..<2 * image + 2]))
        }
    }
}
