import Formats
import NeuralNetwork
import Tensors
import Testing
import Workers

@testable import Training

/// A rule given by its formula must be the built-in one of the same formula to the bit.
@Suite struct VectorRuleTests {
    private struct Momentum: VectorRule {
        var learningRate = 0.1, beta = 0.9
        static let type = "vectorMomentum"
        static var options: Section<Momentum> { Section(initial: Momentum(), fields: []) }
        var cycledMomentum: Double? {
            get { beta }
            set { beta = newValue ?? beta }
        }
        func coefficients(_ number: Int, learningRate: Double, decays: Bool) -> SIMD2<Float> {
            SIMD2(Float(learningRate), Float(beta))
        }
        func update(
            _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>,
            _ c: SIMD2<Float>
        ) {
            m = m * c[1] + g
            w -= m * c[0]
        }
    }

    /// Without moments: what is left in `m` and `v` must not come back.
    private struct Plain: VectorRule {
        var learningRate = 0.1
        static let type = "vectorPlain"
        static var options: Section<Plain> { Section(initial: Plain(), fields: []) }
        func coefficients(_ number: Int, learningRate: Double, decays: Bool) -> Float { Float(learningRate) }
        func update(
            _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>, _ c: Float
        ) {
            w -= (g + m + v) * c
            m = SIMD16(repeating: 7)
            v = SIMD16(repeating: 9)
        }
    }

    private struct Squares: VectorRule {
        var learningRate = 0.1
        static let type = "vectorSquares"
        static var options: Section<Squares> { Section(initial: Squares(), fields: []) }
        var initialSecondMoment: Float? { 0.5 }
        func coefficients(_ number: Int, learningRate: Double, decays: Bool) -> Float { Float(learningRate) }
        func update(
            _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>, _ c: Float
        ) {
            v += g * g
            w -= g / (v.squareRoot() + 1e-10) * c
        }
    }

    private func run(_ options: OptimizerOptions, threads: Int, momentum: Double?) -> ([Float], [[Float]]) {
        let tensors = alternatingTensors([33, 1, 40_000, 7]), count = tensors.map(\.range.upperBound).max() ?? 0
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let optimizer = Optimizer(
            options: options, l2: 0.01, clipping: .norm(3), averagingDecay: nil, tensors: tensors, count: count)
        let parameters = AlignedBuffer(normals(count, 0))
        for step in 1...4 {
            optimizer.step(
                parameters: parameters, gradients: AlignedBuffer(normals(count, UInt32(step))), learningRate: 0.1,
                momentum: momentum, pool: pool)
        }
        return (parameters.array, optimizer.state.map(\.buffer.array))
    }

    @Test(arguments: [
        (OptimizerOptions(Momentum()), OptimizerOptions.sgd(learningRate: 0.1, momentum: 0.9)),
        (OptimizerOptions(Plain()), .sgd(learningRate: 0.1)),
        (OptimizerOptions(Squares()), .adagrad(learningRate: 0.1, initialAccumulator: 0.5)),
    ])
    func sameBitsAsTheBuiltInRule(own: OptimizerOptions, builtIn: OptimizerOptions) {
        for momentum in [nil, builtIn.hasMomentum ? 0.6 : nil] {
            let expected = run(builtIn, threads: 1, momentum: momentum)
            for threads in [1, 3] {
                let received = run(own, threads: threads, momentum: momentum)
                #expect(received.0 == expected.0)
                #expect(received.1 == expected.1)
            }
        }
    }
}
