import NeuralNetwork
import TestSupport
import Testing

/// The reference itself against central differences, ε = 1e-6, relative error below 1e-5.
@Suite("Reference gradients")
struct ReferenceGradientTests {
    private let bound = 1e-5

    static let convolutions: [ReferenceConvolution] = {
        var plain = ReferenceConvolution(images: 2, 4, 5, 2, kernel: (3, 2), filters: 3)
        var all = [plain]
        (plain.strideHeight, plain.strideWidth) = (2, 3)
        (plain.top, plain.bottom, plain.left, plain.right) = (2, 1, 0, 3)
        all.append(plain)
        (plain.dilationHeight, plain.dilationWidth) = (2, 3)
        (plain.top, plain.right) = (3, -1)
        all.append(plain)
        return all
    }()

    @Test("convolution by x, w and b", arguments: convolutions)
    func convolution(_ g: ReferenceConvolution) {
        var data = TestData(1)
        let x = data.doubles(g.inputCount), w = data.doubles(g.weightCount), b = data.doubles(g.filters)
        let dy = data.doubles(g.outputCount)
        let back = g.backward(x: x, w: w, dy: dy)
        #expect(gradientError(at: x, gradient: back.dx) { dot(g.forward(x: $0, w: w, bias: b), dy) } < bound)
        #expect(gradientError(at: w, gradient: back.dw) { dot(g.forward(x: x, w: $0, bias: b), dy) } < bound)
        #expect(gradientError(at: b, gradient: back.db) { dot(g.forward(x: x, w: w, bias: $0), dy) } < bound)
    }

    @Test("dense by x, w and b")
    func dense() {
        var data = TestData(2)
        let x = data.doubles(3 * 5), w = data.doubles(5 * 4), b = data.doubles(4), dy = data.doubles(3 * 4)
        func y(_ x: [Double], _ w: [Double], _ b: [Double]) -> Double {
            dot(Reference.dense(x: x, w: w, bias: b, rows: 3, features: 5, units: 4), dy)
        }
        let back = Reference.denseGradients(x: x, w: w, dy: dy, rows: 3, features: 5, units: 4)
        #expect(gradientError(at: x, gradient: back.dx) { y($0, w, b) } < bound)
        #expect(gradientError(at: w, gradient: back.dw) { y(x, $0, b) } < bound)
        #expect(gradientError(at: b, gradient: back.db) { y(x, w, $0) } < bound)
    }

    static let poolings: [ReferencePooling] = {
        var overlapping = ReferencePooling(images: 2, 5, 6, 2, window: (3, 2), stride: (2, 1))
        (overlapping.top, overlapping.bottom, overlapping.right) = (1, 1, 1)
        return [
            overlapping, ReferencePooling(4, 4, 3, window: (2, 2), stride: (2, 2)),
            ReferencePooling(images: 2, 3, 4, 2, window: (3, 4), stride: (1, 1)),
        ]
    }()

    @Test("max, average and global pooling", arguments: poolings)
    func pooling(_ g: ReferencePooling) {
        var data = TestData(3)
        let x = data.doubles(g.inputCount), dy = data.doubles(g.outputCount)
        let places = g.maximum(x: x).places
        let dxMaximum = g.maximumGradient(places: places, dy: dy)
        #expect(gradientError(at: x, gradient: dxMaximum) { dot(g.maximum(x: $0).y, dy) } < bound)
        #expect(gradientError(at: x, gradient: g.averageGradient(dy: dy)) { dot(g.average(x: $0), dy) } < bound)
    }

    @Test("batch-norm by x, γ and β, through its own moments")
    func batchNorm() {
        var data = TestData(4)
        let x = data.doubles(7 * 3), gamma = data.doubles(3), beta = data.doubles(3), dy = data.doubles(7 * 3)
        func y(_ x: [Double], _ gamma: [Double], _ beta: [Double]) -> Double {
            let (mean, variance) = Reference.moments(x, columns: 3)
            return dot(
                Reference.normalize(
                    x, mean: mean, variance: variance, gamma: gamma, beta: beta, epsilon: 1e-3), dy)
        }
        let back = Reference.batchNormGradients(x: x, dy: dy, gamma: gamma, epsilon: 1e-3)
        #expect(gradientError(at: x, gradient: back.dx) { y($0, gamma, beta) } < bound)
        #expect(gradientError(at: gamma, gradient: back.dgamma) { y(x, $0, beta) } < bound)
        #expect(gradientError(at: beta, gradient: back.dbeta) { y(x, gamma, $0) } < bound)
    }

    @Test("nonlinearities", arguments: Reference.Nonlinearity.allCases)
    func nonlinearity(_ function: Reference.Nonlinearity) {
        var data = TestData(5)
        let x = data.doubles(40, in: -4...4), dy = data.doubles(40)
        let gradient = zip(dy, x).map { $0 * function.derivative($1, slope: 0.2) }
        #expect(gradientError(at: x, gradient: gradient) { dot($0.map { function.value($0, slope: 0.2) }, dy) } < bound)
    }

    @Test("softmax, and cross-entropy with smoothing", arguments: [0, 0.1])
    func softmax(_ smoothing: Double) {
        var data = TestData(6)
        let z = data.doubles(2 * 5, in: -3...3), dp = data.doubles(2 * 5)
        let p = Reference.softmax(z, columns: 5)
        let dz = Reference.softmaxGradient(p: p, dp: dp, columns: 5)
        #expect(gradientError(at: z, gradient: dz) { dot(Reference.softmax($0, columns: 5), dp) } < bound)
        let row = Array(z.prefix(5)), target = Reference.target(label: 3, classes: 5, smoothing: smoothing)
        let gradient = zip(p, target).map { $0 - $1 }
        let error = gradientError(at: row, gradient: gradient) {
            Reference.crossEntropy($0, label: 3, smoothing: smoothing)
        }
        #expect(error < bound)
    }

    @Test("whole networks by every parameter", arguments: SampleGraph.small)
    func network(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 7), batch = TestBatch(graph, count: 4, seed: 8)
        let reference = weights.reference(graph)
        let step = ReferenceNetwork.Step(seed: 3, number: 5, labelSmoothing: 0.1)
        let images = batch.images.doubles
        let outcome = reference.train(images: images, labels: batch.labels, step: step)
        let error = gradientError(at: reference.parameters, gradient: outcome.gradients) {
            let moved = ReferenceNetwork(graph, parameters: $0, state: reference.state)
            return moved.lossSum(images: images, labels: batch.labels, step: step) / Double(batch.count)
        }
        #expect(error < bound)
    }
}
