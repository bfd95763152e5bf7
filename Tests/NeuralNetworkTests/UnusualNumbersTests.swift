import LinearAlgebra
import NeuralNetwork
import Tensors
import TestSupport
import Testing

/// What `docs/numerics.md` says of NaN, infinities, denormals and long sums.
@Suite("Unusual numbers")
struct UnusualNumbersTests {
    private static let lowerings = [nil] + Lowering.Kind.allCases.map(Optional.some)

    private func graphs(_ sample: SampleGraph) throws -> [ResolvedGraph] {
        let hasConvolution = sample.graph.nodes.contains { $0.layer.kind is Conv2D }
        return try (hasConvolution ? Self.lowerings : [nil]).map {
            var graph = sample.graph
            graph.lowering = $0
            return try ResolvedGraph(graph)
        }
    }

    /// `batch` with every pixel of `image` replaced.
    private func spoiled(_ batch: TestBatch, image: Int, with value: Float) -> TestBatch {
        var result = batch
        let size = batch.images.count / batch.count
        for i in 0..<size { result.images[image * size + i] = value }
        return result
    }

    @Test("a NaN image has NaN probabilities and does not touch the others of its batch", arguments: SampleGraph.all)
    func nanImage(_ sample: SampleGraph) throws {
        for graph in try graphs(sample) {
            let weights = TestWeights(graph, seed: 41), batch = TestBatch(graph, count: 9, seed: 42)
            let run = InferenceRun(graph, weights, batchSize: 9, threads: 2)
            let sound = run.predict(batch).probabilities
            let found = run.predict(spoiled(batch, image: 4, with: .nan)).probabilities
            let classes = graph.classCount
            #expect(found[4 * classes..<5 * classes].allSatisfy { $0.isNaN })
            #expect(Array(found[..<(4 * classes)]).bits == Array(sound[..<(4 * classes)]).bits)
            #expect(Array(found[(5 * classes)...]).bits == Array(sound[(5 * classes)...]).bits)
        }
    }

    @Test(
        "an infinite image gives probabilities that sum to 1, or NaN; the others keep theirs",
        arguments: SampleGraph.all, [Float.infinity, -.infinity, .greatestFiniteMagnitude])
    func infiniteImage(_ sample: SampleGraph, _ value: Float) throws {
        for graph in try graphs(sample) {
            let weights = TestWeights(graph, seed: 43), batch = TestBatch(graph, count: 9, seed: 44)
            let run = InferenceRun(graph, weights, batchSize: 9, threads: 2)
            let sound = run.predict(batch).probabilities
            let found = run.predict(spoiled(batch, image: 0, with: value)).probabilities
            let classes = graph.classCount
            let row = found[..<classes]
            #expect(row.allSatisfy { $0.isNaN } || abs(row.reduce(0, +) - 1) < 1e-6, "\(row)")
            #expect(Array(found[classes...]).bits == Array(sound[classes...]).bits)
        }
    }

    @Test("one NaN or infinite image makes the loss of a training step NaN or infinite", arguments: SampleGraph.all)
    func lossIsNotFinite(_ sample: SampleGraph) throws {
        for graph in try graphs(sample) {
            let weights = TestWeights(graph, seed: 45), batch = TestBatch(graph, count: 6, seed: 46)
            let run = try TrainingRun(graph, weights, batchSize: 6, shards: 3, threads: 2)
            #expect(!run.step(spoiled(batch, image: 5, with: .nan)).lossSum.isFinite)
        }
    }

    @Test("a NaN weight shows in every probability")
    func nanWeight() throws {
        let graph = try SampleGraph.small[2].resolved()
        var weights = TestWeights(graph, seed: 47)
        weights.parameters[0] = .nan
        let batch = TestBatch(graph, count: 3, seed: 48)
        #expect(InferenceRun(graph, weights, batchSize: 3).predict(batch).probabilities.allSatisfy { $0.isNaN })
    }

    /// Powers of two: exact in Float down to 2^-149.
    @Test("denormals are neither flushed nor slowed to zero: sums of them are exact")
    func denormals() {
        let k = 48
        let a = GuardedFloats([Float](repeating: 0x1p-75, count: 3 * k))
        let b = GuardedFloats([Float](repeating: 0x1p-70, count: 5 * k))
        let c = GuardedFloats(count: 15)
        BLAS.gemm(m: 3, n: 5, k: k, a: a.pointer, lda: k, b: b.pointer, ldb: 5, c: c.pointer, ldc: 5)
        #expect(c.values.allSatisfy { $0 == Float(k) * 0x1p-145 && $0.isSubnormal })
    }

    @Test("a network on denormal images gives what it gives on zeros, to rounding")
    func denormalImages() throws {
        for sample in SampleGraph.small where !sample.description.contains("batch-norm of the input") {
            let graph = try sample.resolved()
            let weights = TestWeights(graph, seed: 49)
            let run = InferenceRun(graph, weights, batchSize: 2)
            var batch = TestBatch(graph, count: 2, seed: 50)
            batch.images = batch.images.map { $0 * 0x1p-130 }
            let tiny = run.predict(batch).probabilities
            batch.images = batch.images.map { _ in 0 }
            let zero = run.predict(batch).probabilities
            #expect(relativeDistance(tiny, zero.doubles) < 1e-5, "\(sample)")
        }
    }

    /// 2^20 rows with a mean of 300 deviations: the textbook E[x²] − E[x]² would have no digit left in Float.
    @Test("batch-norm's moments over a million rows far from zero")
    func longMoments() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([512, 512, 1]),
                layers: [.batchNormalization(momentum: 1), .globalAveragePooling2d, .dense(units: 2)]))
        let weights = TestWeights(graph, seed: 51)
        var batch = TestBatch(graph, count: 4, seed: 52)
        batch.images = batch.images.map { 300 + $0 }
        let exact = Reference.moments(batch.images.doubles, columns: 1)
        let run = try TrainingRun(graph, weights, batchSize: 4, shards: 2, threads: 2)
        let state = run.step(batch).stateValues
        let unbiased = exact.variance[0] * Double(batch.images.count) / Double(batch.images.count - 1)
        #expect(abs(state[0] - exact.mean[0]) <= 2e-7 * exact.mean[0])
        #expect(abs(state[1] - unbiased) <= 1e-5 * unbiased)
    }

    @Test("a sum of 300,000 products stays within √K roundings")
    func longProducts() {
        let k = 300_000
        var data = TestData(53)
        let a = data.floats(k, in: 0...1), b = data.floats(k, in: 0...1)
        let c = GuardedFloats(count: 1)
        let pa = GuardedFloats(a), pb = GuardedFloats(b)
        BLAS.gemm(m: 1, n: 1, k: k, a: pa.pointer, lda: k, b: pb.pointer, ldb: 1, c: c.pointer, ldc: 1)
        let exact = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(sumExcess(c.values, [exact], length: k, terms: [exact]) <= 1)
    }
}
