import Kernels
import NeuralNetwork
import TestSupport
import Testing

/// Properties that hold for every network that can be written down, tried on random ones.
@Suite("Random graphs")
struct RandomGraphTests {
    static let small = (0..<24).map { RandomGraph.sample($0, isSmall: true) }
    static let graphs = (0..<64).map { RandomGraph.sample($0) }

    /// Weights and images away from the corners of ReLU and of maxima, where neither central differences nor rounded
    /// sums have to agree with the derivative; the first such of some.
    private func example(
        _ graph: ResolvedGraph, count: Int, step: ReferenceNetwork.Step, away: Double
    ) throws -> (TestWeights, TestBatch, ReferenceNetwork) {
        for seed in 0..<40 as Range<UInt64> {
            let weights = TestWeights(graph, seed: 100 + seed), batch = TestBatch(graph, count: count, seed: 200 + seed)
            let reference = weights.reference(graph)
            let images = batch.images.doubles
            if reference.kinkDistance(images: images, count: count, step: step) > away {
                return (weights, batch, reference)
            }
        }
        throw OutOfLuck(away: away)
    }

    private struct OutOfLuck: Error { var away: Double }

    @Test("the generator reaches every layer type and every lowering")
    func coverage() throws {
        var types: Set<String> = [], lowerings: Set<Lowering.Kind> = []
        for sample in Self.graphs {
            let graph = try sample.resolved()
            for node in graph.nodes { types.insert(node.layer.type) }
            for kind in Lowering.Kind.allCases where graph.accepts(kind) { lowerings.insert(kind) }
        }
        #expect(types.count == Layer.kinds.count, "\(types)")
        #expect(lowerings == Set(Lowering.Kind.allCases))
    }

    @Test("whole networks in Double by every parameter against central differences", arguments: small)
    func gradients(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let step = ReferenceNetwork.Step(seed: 3, number: 5, labelSmoothing: 0.1)
        let (_, batch, reference) = try example(graph, count: 4, step: step, away: 1e-4)
        let images = batch.images.doubles
        let outcome = reference.train(images: images, labels: batch.labels, step: step)
        let error = gradientError(at: reference.parameters, gradient: outcome.gradients) {
            let moved = ReferenceNetwork(graph, parameters: $0, state: reference.state)
            return moved.lossSum(images: images, labels: batch.labels, step: step) / Double(batch.count)
        }
        #expect(error < 1e-5)
    }

    /// Bound, for each tensor: `16·√K·F·(2^-24·max|exact| + Δ)`. K is the longest sum, Δ how far the exact result itself
    /// moves where each weight and pixel is rounded to Float once more (a network may be ill-conditioned: batch-norm over
    /// few rows), F the error factor of F(4×4) where it is used, else 1. As with fixed networks, gradients that are zero
    /// but for cancellation are measured against a tenth of the largest.
    @Test("training and inference in every lowering against Double, for 1 and 2 threads alike", arguments: graphs)
    func engine(_ sample: SampleGraph) throws {
        let count = 5
        let step = ReferenceNetwork.Step(seed: 0x1234_5678_9ABC, number: 6, labelSmoothing: 0.1)
        let open = try sample.resolved()
        let (weights, batch, reference) = try example(open, count: count, step: step, away: 1e-5)
        let images = batch.images.doubles
        let exact = reference.train(images: images, labels: batch.labels, step: step)
        let exactProbabilities = reference.probabilities(images: images, count: count)
        // The same once more, everything moved by a rounding.
        var data = TestData(9)
        func rounded(_ values: [Double]) -> [Double] {
            zip(values, data.integers(values.count, limit: 1)).map { $0 * (1 + Double($1) * unitRoundoff) }
        }
        let near = ReferenceNetwork(open, parameters: rounded(reference.parameters), state: reference.state)
        let nearImages = rounded(images)
        let moved = near.train(images: nearImages, labels: batch.labels, step: step)
        let movedProbabilities = near.probabilities(images: nearImages, count: count)
        let length =
            open.nodes.flatMap { node in
                node.parameters.map { $0.count / ($0.shape.last ?? 1) } + [count * node.outputShape.rows]
            }.max() ?? 1

        for kind in [nil] + Lowering.Kind.allCases.map(Optional.some) {
            var choice = sample.graph
            choice.lowering = kind
            guard kind.map(open.accepts) ?? true else { continue }
            let graph = try ResolvedGraph(choice)
            let name = kind?.rawValue ?? "table"
            // The table takes tiles of four where it can.
            let factor = kind == nil || kind == .winograd4 ? 4.0 : kind == .winogradLine ? 2 : 1
            let relative = 16 * Double(length).squareRoot() * factor
            func excess(_ found: [Double], _ exact: [Double], _ moved: [Double], floor: Double = 0) -> Double {
                guard found.count == exact.count else { return .infinity }
                let size = max(floor, exact.map(abs).max() ?? 0)
                let change = largestDifference(moved, exact)
                return largestDifference(found, exact) / (relative * (unitRoundoff * size + change) + 1e-30)
            }
            let run = try TrainingRun(graph, weights, batchSize: 6, shards: 3, threads: 2, seed: step.seed)
            let found = run.step(batch, number: step.number, labelSmoothing: step.labelSmoothing)
            #expect(excess([found.lossSum], [exact.lossSum], [moved.lossSum]) <= 1, "loss, \(name)")
            #expect(excess(found.stateValues, exact.state, moved.state) <= 1, "state, \(name)")
            let floor = 0.1 * (exact.gradients.map(abs).max() ?? 0)
            for tensor in graph.parameters {
                func part(_ all: [Double]) -> [Double] { Array(all[tensor.range]) }
                let worst = excess(
                    part(found.gradientValues), part(exact.gradients), part(moved.gradients), floor: floor)
                #expect(worst <= 1, "\(tensor.name), \(name)")
            }
            let serial = try TrainingRun(graph, weights, batchSize: 6, shards: 3, threads: 1, seed: step.seed)
            #expect(
                serial.step(batch, number: step.number, labelSmoothing: step.labelSmoothing) == found,
                "threads, \(name)")
            let inference = InferenceRun(graph, weights, batchSize: count, threads: 2)
            let predicted = inference.predict(batch)
            #expect(predicted.isIntact)
            #expect(
                excess(predicted.probabilities.doubles, exactProbabilities, movedProbabilities) <= 1,
                "probabilities, \(name)")
        }
    }
}

extension ResolvedGraph {
    /// Whether some convolution of the network can be computed so.
    fileprivate func accepts(_ kind: Lowering.Kind) -> Bool {
        nodes.contains { node in
            guard let layer = node.layer.as(Conv2D.self) else { return false }
            let (kernel, strides, dilation) = (layer.kernelSize, layer.strides, layer.dilation)
            let x = node.inputShapes[0], y = node.outputShape
            let same = layer.padding == .same
            return kind.isEligible(
                for: ConvolutionGeometry(
                    height: x.height, width: x.width, channels: x.channels, kernelHeight: kernel.height,
                    kernelWidth: kernel.width, strideHeight: strides.height, strideWidth: strides.width,
                    dilationHeight: dilation.height, dilationWidth: dilation.width,
                    padTop: same ? (kernel.height - 1) / 2 : 0, padLeft: same ? (kernel.width - 1) / 2 : 0,
                    outHeight: y.height, outWidth: y.width, filters: layer.filters))
        }
    }
}
