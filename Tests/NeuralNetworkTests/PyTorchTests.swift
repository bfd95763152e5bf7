import Foundation
import Kernels
@testable import NeuralNetwork
import Tensors
import TestSupport
import Testing

/// PyTorch's numbers, made by Tests/Oracles/make_network.py. The Double reference must agree to the 12 digits they are
/// written with, the Float kernels within the rounding of their sums.
@Suite("PyTorch")
struct PyTorchTests {
    private struct Network: Decodable {
        var provenance: Provenance
        var learningRate: Float
        var images: [[Float]]
        var labels: [[Int32]]
        var parameters: [Float]
        var losses: [Double]
        var finalParameters, finalState, probabilities: [Double]
    }

    private struct Convolution: Decodable {
        var name: String
        var shape, size, stride, dilation, padding: [Int]
        var filters: Int
        var x, w, b, y, dy, dx, dw, db: [Double]
    }

    private struct Pooling: Decodable {
        var name: String
        var shape, size, stride, padding: [Int]
        var average: Bool
        var x, y, dy, dx: [Double]
    }

    private struct BatchNorm: Decodable {
        var momentum, epsilon: Double
        var x, gamma, beta, state, inference, y, newState, dy, dx, dgamma, dbeta: [Double]
    }

    private struct Nonlinear: Decodable {
        var name: String
        var x, y, dy, dx: [Double]
    }

    private struct CrossEntropy: Decodable {
        var smoothing, loss: Double
        var z, dz: [Double]
        var labels: [Int]
    }

    private struct Layers: Decodable {
        var provenance: Provenance
        var convolutions: [Convolution]
        var poolings: [Pooling]
        var batchNorm: BatchNorm
        var nonlinearities: [Nonlinear]
        var crossEntropies: [CrossEntropy]
    }

    private let layers: Layers
    private let digits = 1e-10

    init() throws { layers = try fixture("layers", in: .module, as: Layers.self) }

    private func graph() throws -> ResolvedGraph {
        let side = Size2D(3)
        return try ResolvedGraph(
            Graph(
                inputShape: Shape([12, 12, 2]),
                nodes: [
                    LayerNode("conv1", "input", layer: .conv2d(filters: 6, kernelSize: Size2D(5), padding: .same)),
                    LayerNode("norm", "conv1", layer: .batchNormalization(momentum: 0.1, epsilon: 1e-5)),
                    LayerNode("relu", "norm", layer: .relu),
                    LayerNode("pool", "relu", layer: .maxPooling2d(poolSize: Size2D(2))),
                    LayerNode(
                        "conv2", "pool",
                        layer: .conv2d(
                            filters: 8, kernelSize: side, strides: Size2D(2),
                            padding: .explicit(top: 1, bottom: 1, left: 1, right: 1))),
                    LayerNode("gelu", "conv2", layer: .gelu),
                    LayerNode("conv3", "gelu", layer: .conv2d(filters: 8, kernelSize: side, padding: .same)),
                    LayerNode("sum", "conv3", "gelu", layer: .add),
                    LayerNode("average", "sum", layer: .globalAveragePooling2d),
                    LayerNode("out", "average", layer: .dense(units: 5)),
                ]))
    }

    /// Bound: 10^-5 of the loss at each of ten steps, 10^-5 of the largest parameter and statistic after them.
    @Test("ten steps of gradient descent: losses, parameters, running statistics, probabilities")
    func tenSteps() throws {
        let expected = try fixture("network", in: .module, as: Network.self)
        let graph = try graph()
        let weights = TestWeights(parameters: expected.parameters, state: graph.initialState().array)
        let run = try TrainingRun(graph, weights, batchSize: 6, shards: 4, threads: 2)
        for (number, loss) in expected.losses.enumerated() {
            let batch = TestBatch(images: expected.images[number % 2], labels: expected.labels[number % 2])
            let found = run.step(batch, number: number).lossSum / Double(batch.count)
            #expect(abs(found - loss) <= 1e-5 * loss, "step \(number)")
            run.descend(expected.learningRate)
        }
        let store = run.network.store
        for tensor in graph.parameters {
            let found = Array(store.parameters.array[tensor.range])
            let distance = relativeDistance(found, Array(expected.finalParameters[tensor.range]))
            #expect(distance <= 1e-5, "\(tensor.name)")
        }
        #expect(relativeDistance(store.state.array, expected.finalState) <= 1e-5)
        let trained = TestWeights(parameters: store.parameters.array, state: store.state.array)
        let found = InferenceRun(graph, trained, batchSize: 6).predict(
            TestBatch(images: expected.images[0], labels: expected.labels[0]))
        #expect(relativeDistance(found.probabilities, expected.probabilities) <= 1e-5)
    }

    @Test("convolutions with stride, dilation and padding")
    func convolutions() {
        for c in layers.convolutions {
            var g = ReferenceConvolution(
                images: c.shape[0], c.shape[1], c.shape[2], c.shape[3], kernel: (c.size[0], c.size[1]),
                filters: c.filters)
            (g.strideHeight, g.strideWidth) = (c.stride[0], c.stride[1])
            (g.dilationHeight, g.dilationWidth) = (c.dilation[0], c.dilation[1])
            (g.top, g.bottom, g.left, g.right) = (c.padding[0], c.padding[1], c.padding[2], c.padding[3])
            let back = g.backward(x: c.x, w: c.w, dy: c.dy)
            #expect(relativeDistance(g.forward(x: c.x, w: c.w, bias: c.b), c.y) <= digits, "\(c.name)")
            #expect(relativeDistance(back.dx, c.dx) <= digits, "\(c.name)")
            #expect(relativeDistance(back.dw, c.dw) <= digits, "\(c.name)")
            #expect(relativeDistance(back.db, c.db) <= digits, "\(c.name)")
            // The kernels take one image at a time; the weight gradient goes on from image to image.
            g.images = 1
            var dw: [Float]?
            for image in 0..<c.shape[0] {
                func part(_ all: [Double], _ size: Int) -> [Double] { Array(all[image * size..<(image + 1) * size]) }
                let trial = ConvolutionTrial(
                    g, tileRows: 5, x: part(c.x, g.inputCount).floats, w: c.w.floats, bias: c.b.floats,
                    dy: part(c.dy, g.outputCount).floats, dwBefore: dw)
                dw = trial.dw
                let limit = 8 * unitRoundoff
                #expect(relativeDistance(trial.y, part(c.y, g.outputCount)) <= limit, "\(c.name)")
                #expect(relativeDistance(trial.dx, part(c.dx, g.inputCount)) <= limit, "\(c.name)")
            }
            #expect(relativeDistance(dw ?? [], c.dw) <= 8 * unitRoundoff, "\(c.name)")
        }
    }

    @Test("max and average pooling")
    func poolings() {
        for p in layers.poolings {
            var g = ReferencePooling(
                images: p.shape[0], p.shape[1], p.shape[2], p.shape[3], window: (p.size[0], p.size[1]),
                stride: (p.stride[0], p.stride[1]))
            (g.top, g.bottom, g.left, g.right) = (p.padding[0], p.padding[1], p.padding[2], p.padding[3])
            if p.average {
                #expect(relativeDistance(g.average(x: p.x), p.y) <= digits, "\(p.name)")
                #expect(relativeDistance(g.averageGradient(dy: p.dy), p.dx) <= digits, "\(p.name)")
            } else {
                let (y, places) = g.maximum(x: p.x)
                #expect(relativeDistance(y, p.y) <= digits, "\(p.name)")
                #expect(relativeDistance(g.maximumGradient(places: places, dy: p.dy), p.dx) <= digits, "\(p.name)")
            }
        }
    }

    @Test("batch-norm in training and at inference, with its running statistics")
    func batchNorm() throws {
        let n = layers.batchNorm
        let (mean, variance) = Reference.moments(n.x, columns: 5)
        func normalized(_ mean: [Double], _ variance: [Double]) -> [Double] {
            Reference.normalize(
                n.x, mean: mean, variance: variance, gamma: n.gamma, beta: n.beta, epsilon: n.epsilon)
        }
        #expect(relativeDistance(normalized(mean, variance), n.y) <= digits)
        #expect(relativeDistance(normalized(Array(n.state[..<5]), Array(n.state[5...])), n.inference) <= digits)
        let back = Reference.batchNormGradients(x: n.x, dy: n.dy, gamma: n.gamma, epsilon: n.epsilon)
        #expect(relativeDistance(back.dx, n.dx) <= digits)
        #expect(relativeDistance(back.dgamma, n.dgamma) <= digits)
        #expect(relativeDistance(back.dbeta, n.dbeta) <= digits)
        // The engine's running statistics, through a network that begins with the layer: 3 images of 3×2×5.
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([3, 2, 5]),
                layers: [
                    .batchNormalization(momentum: Float(n.momentum), epsilon: Float(n.epsilon)), .flatten,
                    .dense(units: 2),
                ]))
        var weights = TestWeights(graph, seed: 1)
        weights.state = n.state.floats
        let run = try TrainingRun(graph, weights, batchSize: 3, shards: 2, threads: 1)
        let found = run.step(TestBatch(images: n.x.floats, labels: [0, 1, 0]))
        #expect(relativeDistance(found.stateValues, n.newState) <= 8 * unitRoundoff)
    }

    @Test("nonlinearities")
    func nonlinearities() throws {
        let pairs: [String: (any PointwiseLayer, Reference.Nonlinearity)] = [
            "relu": (ReLU(), .relu), "leakyRelu": (LeakyReLU(negativeSlope: 0.125), .leakyRelu),
            "gelu": (GELU(), .gelu),
            "tanh": (Tanh(), .tanh), "sigmoid": (Sigmoid(), .sigmoid),
        ]
        for n in layers.nonlinearities {
            let (activation, function) = try #require(pairs[n.name])
            #expect(relativeDistance(n.x.map { function.value($0, slope: 0.125) }, n.y) <= digits, "\(n.name)")
            let gradient = zip(n.dy, n.x).map { $0 * function.derivative($1, slope: 0.125) }
            #expect(relativeDistance(gradient, n.dx) <= digits, "\(n.name)")
            let x = GuardedFloats(n.x), y = GuardedFloats(count: n.x.count), dy = GuardedFloats(n.dy)
            let dx = GuardedFloats(count: n.x.count)
            activation.forward(x.pointer, count: n.x.count, y: y.pointer)
            let value = type(of: activation).derivativeUsesOutput ? y : x
            activation.backward(dy: dy.pointer, value: value.pointer, count: n.x.count, dx: dx.pointer)
            #expect(relativeDistance(y.values, n.y) <= 4 * unitRoundoff, "\(n.name)")
            #expect(relativeDistance(dx.values, n.dx) <= 4 * unitRoundoff, "\(n.name)")
        }
    }

    @Test("softmax cross-entropy with and without label smoothing")
    func crossEntropies() {
        for c in layers.crossEntropies {
            let z = GuardedFloats(c.z), dz = GuardedFloats(count: c.z.count)
            var reference = 0.0, loss = 0.0
            for (row, label) in c.labels.enumerated() {
                let logits = Array(c.z[row * 7..<(row + 1) * 7])
                reference += Reference.crossEntropy(logits, label: label, smoothing: c.smoothing)
                loss += SoftmaxKernels.crossEntropy(
                    z.pointer + row * 7, columns: 7, label: label, smoothing: Float(c.smoothing), weight: 1,
                    dz: dz.pointer + row * 7)
            }
            #expect(abs(reference - c.loss) <= digits * c.loss)
            #expect(abs(loss - c.loss) <= 4 * unitRoundoff * c.loss)
            #expect(relativeDistance(dz.values, c.dz) <= 4 * unitRoundoff)
        }
    }

    @Test("the fixtures say where they come from")
    func provenance() throws {
        let network = try fixture("network", in: .module, as: Network.self)
        for provenance in [network.provenance, layers.provenance] {
            #expect(provenance.tool == "PyTorch" && !provenance.version.isEmpty)
            #expect(provenance.command.contains("make_network.py") && provenance.seed > 0)
        }
    }
}
