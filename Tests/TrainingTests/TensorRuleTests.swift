import Kernels
import LinearAlgebra
import NeuralNetwork
import Tensors
import TestSupport
import Testing
import Workers

@testable import Training

/// The rules that look at whole tensors, Muon and LAMB, and lookahead around any rule.
@Suite("Optimizers of whole tensors")
struct TensorRuleTests {
    private func tensors(_ shapes: [[Int]]) -> [ParameterTensor] {
        var offset = 0
        return shapes.enumerated().map { index, shape in
            let count = shape.reduce(1, *)
            defer { offset += count }
            return ParameterTensor(
                name: "tensor\(index)", shape: shape, offset: offset, role: shape.count > 1 ? .weight : .bias)
        }
    }

    private func run(
        _ options: OptimizerOptions, _ tensors: [ParameterTensor], lookahead: LookaheadOptions? = nil, threads: Int = 1,
        steps: Int = 6
    ) -> (optimizer: Optimizer, parameters: [Float]) {
        let count = tensors.map(\.range.upperBound).max() ?? 0
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let optimizer = Optimizer(
            options: options, l2: 0.01, clipping: .norm(30), lookahead: lookahead, averagingDecay: 0.6,
            tensors: tensors, count: count)
        let parameters = AlignedBuffer(normals(count, 0))
        for step in 1...steps {
            optimizer.step(
                parameters: parameters, gradients: AlignedBuffer(normals(count, UInt32(step))),
                learningRate: options.learningRate / Double(step),
                synchronizes: lookahead.map { step.isMultiple(of: $0.steps) } ?? false, pool: pool)
        }
        return (optimizer, parameters.array)
    }

    static let rules: [OptimizerOptions] = [
        .muon(.init(weightDecay: 0.1)), .muon(.init(learningRate: 0.1, momentum: 0.8, nesterov: false)),
        .lamb(learningRate: 0.05, weightDecay: 0.1), .lamb(learningRate: 0.05, beta1: 0.5, weightDecay: 0),
    ]

    /// Newton–Schulz multiplies an error by at most 3.5 an iteration where singular values are small: 3.5⁵ ≈ 500 roundings.
    @Test("agree with a naive twin in Double", arguments: rules)
    func twin(options: OptimizerOptions) {
        // Wide, tall, square and thin matrices; of several blocks; a bias between them.
        let tensors = tensors([[3, 3, 4, 5], [7], [6, 20], [9, 9], [1, 8], [150, 120], [11]])
        let (optimizer, parameters) = run(options, tensors)
        let count = parameters.count
        var twin = OptimizerReference(
            options: options, l2: 0.01, clipping: .norm(30), averagingDecay: 0.6, tensors: tensors,
            start: normals(count, 0).map(Double.init))
        for step in 1...6 {
            twin.step(
                normals(count, UInt32(step)).map(Double.init), learningRate: options.learningRate / Double(step))
        }
        #expect(relativeDistance(parameters, twin.w) < 3e-5)
        #expect(relativeDistance(optimizer.averagedParameters?.array ?? [], twin.average) < 3e-5)
        for (name, buffer) in optimizer.state where name == "optimizer/m" {
            #expect(relativeDistance(buffer.array, twin.m) < 1e-5)
        }
        for threads in 2...3 {
            let other = run(options, tensors, threads: threads)
            #expect(other.parameters == parameters)
            for (one, two) in zip(other.optimizer.state, optimizer.state) {
                #expect(one.buffer.array == two.buffer.array)
            }
        }
    }

    struct Fixture: Decodable {
        var shapes: [[Int]]
        var start: [Float]
        var gradients: [[Float]]
        var factors: [Double]
        var cases: [String: [[Double]]]
    }

    @Test("agree with PyTorch and timm, step by step")
    func torch() throws {
        let fixture = try fixture("matrix-optimizers.json", as: Fixture.self)
        let adam = OptimizerOptions.MuonOptions.Adam(learningRate: 0.005, beta2: 0.95)
        let cases: [String: OptimizerOptions] = [
            "muon": .muon(.init(momentum: 0.9, weightDecay: 0.1, adam: adam)),
            "muon-plain": .muon(.init(momentum: 0.9, nesterov: false, adam: adam)),
            "lamb": .lamb(learningRate: 0.05, beta1: 0.8, beta2: 0.99, weightDecay: 0.1),
        ]
        #expect(fixture.cases.keys.sorted() == cases.keys.sorted())
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        for (name, options) in cases {
            let optimizer = Optimizer(
                options: options, l2: 0, clipping: nil, averagingDecay: nil, tensors: tensors(fixture.shapes),
                count: fixture.start.count)
            let parameters = AlignedBuffer(fixture.start)
            let expected = try #require(fixture.cases[name])
            #expect(expected.count == 10)
            for (step, row) in expected.enumerated() {
                optimizer.step(
                    parameters: parameters, gradients: AlignedBuffer(fixture.gradients[step]),
                    learningRate: options.learningRate * fixture.factors[step], pool: pool)
                #expect(relativeDistance(parameters.array, row) < 1e-5, "\(name), step \(step + 1)")
            }
        }
    }

    /// The singular values of a random matrix end in Muon's range, and the singular vectors stay: `XᵀO` is symmetric.
    @Test("Newton–Schulz brings singular values near 1", arguments: [(12, 12), (40, 8), (8, 40)])
    func orthogonalization(rows: Int, columns: Int) {
        let matrix = normals(rows * columns, 5)
        let x = AlignedBuffer(matrix)
        NewtonSchulz.orthogonalize(
            x, at: 0, rows: rows, columns: columns,
            scratch: AlignedBuffer(count: NewtonSchulz.scratchFloats(rows: rows, columns: columns)))
        let result = x.array.map(Double.init)
        #expect(
            relativeDistance(x.array, orthogonalizedReference(matrix.map(Double.init), rows: rows, columns: columns))
                < 1e-4)
        let side = min(rows, columns)
        let transposed = Reference.transpose(result, rows: rows, columns: columns)
        let gram =
            rows > columns
            ? Reference.product(transposed, result, m: side, n: side, k: rows)
            : Reference.product(result, transposed, m: side, n: side, k: columns)
        let values = LAPACK.symmetricEigenvectors(gram, n: side)?.values.map { $0.squareRoot() } ?? []
        // A square matrix may have a singular value that is tiny, which five iterations do not bring up.
        #expect(values.count == side && values.dropFirst().allSatisfy { $0 > 0.3 && $0 < 1.25 })
        #expect(rows == columns || (values.first ?? 0) > 0.6)
        let mixed = Reference.product(
            Reference.transpose(matrix.map(Double.init), rows: rows, columns: columns), result, m: columns, n: columns,
            k: rows)
        for i in 0..<columns {
            for j in 0..<i { #expect(abs(mixed[i * columns + j] - mixed[j * columns + i]) < 1e-3) }
        }
        let zero = AlignedBuffer<Float>(count: 6)
        NewtonSchulz.orthogonalize(zero, at: 0, rows: 2, columns: 3, scratch: AlignedBuffer(count: 14))
        #expect(zero.array == [Float](repeating: 0, count: 6))
    }

    @Test("lookahead's slow weights follow after every k steps, whatever the rule", arguments: optimizerRules)
    func lookahead(options: OptimizerOptions) throws {
        let tensors = tensors([[6, 7], [5], [4, 4]]), lookahead = LookaheadOptions(steps: 3, alpha: 0.4)
        let (optimizer, parameters) = run(options, tensors, lookahead: lookahead, steps: 8)
        var twin = OptimizerReference(
            options: options, l2: 0.01, clipping: .norm(30), averagingDecay: 0.6, tensors: tensors,
            lookahead: lookahead, start: normals(63, 0).map(Double.init))
        for step in 1...8 {
            twin.step(normals(63, UInt32(step)).map(Double.init), learningRate: options.learningRate / Double(step))
        }
        let slow = try #require(optimizer.state.first { $0.name == "lookahead/slow" })
        #expect(relativeDistance(parameters, twin.w) < 3e-5)
        #expect(relativeDistance(slow.buffer.array, twin.slow) < 3e-5)
        #expect(relativeDistance(optimizer.averagedParameters?.array ?? [], twin.average) < 3e-5)
        #expect(parameters != slow.buffer.array)
    }
}
