import NeuralNetwork
import Tensors
import TestSupport
import Testing

@Suite("Initialisers")
struct InitializationTests {
    /// A convolution `[3, 3, 20, 40]`, fanIn 180, fanOut 360, or a dense `[200, 100]`.
    private func graph(_ initializer: Initializer, dense: Bool) throws -> ResolvedGraph {
        let layers: [Layer] =
            dense
            ? [.dense(units: 100), .dense(units: 2)]
            : [.conv2d(filters: 40, kernelSize: Size2D(3)), .batchNormalization(), .flatten, .dense(units: 2)]
        return try ResolvedGraph(
            Graph(inputShape: Shape(dense ? [200] : [4, 4, 20]), initializer: initializer, layers: layers))
    }

    private func kernel(_ initializer: Initializer, dense: Bool, seed: UInt64 = 1) throws -> [Double] {
        let graph = try graph(initializer, dense: dense)
        return Array(try graph.initialParameters(seed: seed).array[graph.parameters[0].range]).doubles
    }

    static let cases: [(Initializer, Double, Double)] = [
        // initializer, variance × fanIn for fanOut → ∞ and weight of fanOut: σ² = a / (fanIn + b·fanOut)
        (.heNormal, 2, 0), (.heUniform, 2, 0), (.glorotNormal, 2, 1), (.glorotUniform, 2, 1),
    ]

    @Test("mean, variance and limits within five standard errors", arguments: 0..<cases.count, [false, true])
    func moments(_ index: Int, _ dense: Bool) throws {
        let (initializer, a, b) = Self.cases[index]
        let (fanIn, fanOut) = dense ? (200.0, 100.0) : (180.0, 360.0)
        let variance = a / (fanIn + b * fanOut)
        let values = try kernel(initializer, dense: dense)
        let n = Double(values.count)
        let mean = values.reduce(0, +) / n, square = dot(values, values) / n
        #expect(abs(mean) < 5 * (variance / n).squareRoot())
        let uniform = initializer == .heUniform || initializer == .glorotUniform
        // Var(x²) is 2σ⁴ of a normal, 0.8σ⁴ of a uniform variable.
        #expect(abs(square - variance) < 5 * variance * ((uniform ? 0.8 : 2) / n).squareRoot())
        let largest = values.magnitudes.max() ?? 0, limit = (3 * variance).squareRoot()
        if uniform {
            #expect(largest <= limit * (1 + unitRoundoff) && largest > 0.99 * limit)
        } else {
            #expect(largest > 3 * variance.squareRoot() && largest < 6 * variance.squareRoot())
        }
    }

    @Test(
        "orthogonal: orthonormal columns of a tall kernel, rows of a wide one, times the gain",
        arguments: [[200, 100], [30, 70], [50, 50]])
    func orthogonal(_ extents: [Int]) throws {
        let (rows, columns) = (extents[0], extents[1])
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([rows]), initializer: .orthogonal(gain: 1.5),
                layers: [.dense(units: columns), .dense(units: 2, initializer: .heNormal)]))
        let w = Array(try graph.initialParameters(seed: 3).array[graph.parameters[0].range]).doubles
        let t = Reference.transpose(w, rows: rows, columns: columns)
        let gram =
            rows >= columns
            ? Reference.product(t, w, m: columns, n: columns, k: rows)
            : Reference.product(w, t, m: rows, n: rows, k: columns)
        let side = min(rows, columns)
        let identity = gram.indices.map { $0 / side == $0 % side ? 2.25 : 0 }
        #expect(relativeDistance(gram, identity) < 1e-6)
    }

    @Test("same seed, same bits; another seed or tensor, other numbers")
    func seeds() throws {
        for initializer in [Initializer.heNormal, .heUniform, .glorotNormal, .glorotUniform, .orthogonal(gain: 1)] {
            let one = try kernel(initializer, dense: false, seed: 9)
            #expect(try kernel(initializer, dense: false, seed: 9) == one)
            #expect(try kernel(initializer, dense: false, seed: 10) != one)
        }
        let graph = try ResolvedGraph(
            Graph(inputShape: Shape([6]), layers: [.dense(units: 6), .dense(units: 6), .dense(units: 6)]))
        let all = try graph.initialParameters(seed: 1).array
        let kernels = graph.parameters.filter { $0.role == .weight }.map { Array(all[$0.range]) }
        #expect(Set(kernels).count == 3)
    }

    @Test("biases and β are zero, γ and running variances one, running means zero; a layer's own initializer wins")
    func constants() throws {
        let graph = try graph(.heNormal, dense: false)
        let all = try graph.initialParameters(seed: 1).array
        for tensor in graph.parameters where tensor.role != .weight {
            #expect(all[tensor.range].allSatisfy { $0 == (tensor.role == .scale ? 1 : 0) }, "\(tensor.name)")
        }
        let state = graph.initialState().array
        #expect(state == [Float](repeating: 0, count: 40) + [Float](repeating: 1, count: 40))
        let own = try ResolvedGraph(
            Graph(
                inputShape: Shape([10]), initializer: .heNormal,
                layers: [.dense(units: 2, initializer: .orthogonal(gain: 1))]))
        let w = Array(try own.initialParameters(seed: 1).array.prefix(20)).doubles
        #expect(abs(dot(w, w) - 2) < 1e-6)
    }
}
