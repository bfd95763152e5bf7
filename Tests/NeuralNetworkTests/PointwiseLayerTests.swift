@testable import NeuralNetwork
import TestSupport
import Testing

@Suite("Pointwise layers")
struct PointwiseLayerTests {
    static let pairs: [(any PointwiseLayer, Reference.Nonlinearity, Double)] = [
        (ReLU(), .relu, 0), (LeakyReLU(), .leakyRelu, 0.01), (LeakyReLU(negativeSlope: 0), .leakyRelu, 0),
        (GELU(), .gelu, 0), (GELU(approximate: .tanh), .tanhGelu, 0), (Swish(), .swish, 0),
        (HardSwish(), .hardSwish, 0), (Tanh(), .tanh, 0),
        (Sigmoid(), .sigmoid, 0),
    ]

    @Test("value and derivative against Double, in place and not, vector and tail", arguments: 0..<pairs.count)
    func passes(_ index: Int) {
        let (activation, function, slope) = Self.pairs[index]
        for count in [1, 15, 16, 17, 100] {
            var data = TestData(UInt64(count))
            let x = data.doubles(count, in: -6...6), dy = data.doubles(count)
            let px = GuardedFloats(x), y = GuardedFloats(count: count), inPlace = GuardedFloats(x)
            activation.forward(px.pointer, count: count, y: y.pointer)
            activation.forward(inPlace.pointer, count: count, y: inPlace.pointer)
            let exact = x.map { function.value($0, slope: Double(Float(slope))) }
            let limit = x.map { 8 * (abs($0) + 1) }
            #expect(sumExcess(y.values, exact, length: 0, terms: limit) <= 0.25)
            #expect(inPlace.values == y.values && y.isIntact && inPlace.isIntact)

            let value = type(of: activation).derivativeUsesOutput ? y : px
            let pdy = GuardedFloats(dy), dx = GuardedFloats(count: count)
            activation.backward(dy: pdy.pointer, value: value.pointer, count: count, dx: dx.pointer)
            let gradient = zip(dy, x).map { $0 * function.derivative($1, slope: Double(Float(slope))) }
            #expect(sumExcess(dx.values, gradient, length: 0, terms: limit) <= 0.25)
            activation.backward(dy: pdy.pointer, value: value.pointer, count: count, dx: pdy.pointer)
            #expect(pdy.values == dx.values && dx.isIntact && pdy.isIntact)
        }
    }

    @Test("far from zero nothing overflows", arguments: 0..<pairs.count)
    func extremes(_ index: Int) {
        let (activation, function, slope) = Self.pairs[index]
        let x: [Double] = [-1e30, -1000, -88.8, -20, -1e-30, 0, 1e-30, 20, 88.8, 1000, 1e30]
        let px = GuardedFloats(x), y = GuardedFloats(count: x.count)
        activation.forward(px.pointer, count: x.count, y: y.pointer)
        for (i, value) in y.values.enumerated() {
            let exact = function.value(Double(Float(x[i])), slope: Double(Float(slope)))
            #expect(abs(Double(value) - exact) <= 1e-6 * abs(exact) + 1e-6, "at \(x[i])")
        }
        let dy = GuardedFloats(x.map { _ in Float(1) }), dx = GuardedFloats(count: x.count)
        let value = type(of: activation).derivativeUsesOutput ? y : px
        activation.backward(dy: dy.pointer, value: value.pointer, count: x.count, dx: dx.pointer)
        #expect(dx.values.allSatisfy { $0.isFinite })
    }

    @Test("the derivative at 0 of ReLU is 0; NaN stays NaN", arguments: 0..<pairs.count)
    func zeroAndNaN(_ index: Int) {
        let (activation, _, slope) = Self.pairs[index]
        for count in [3, 20] {
            let x = GuardedFloats([Float](repeating: .nan, count: count)), y = GuardedFloats(count: count)
            activation.forward(x.pointer, count: count, y: y.pointer)
            #expect(y.values.allSatisfy { $0.isNaN })
            guard activation is ReLU || activation is LeakyReLU else { continue }
            let zero = GuardedFloats([Float](repeating: 0, count: count))
            let dy = GuardedFloats([Float](repeating: 1, count: count)), dx = GuardedFloats(count: count)
            activation.backward(dy: dy.pointer, value: zero.pointer, count: count, dx: dx.pointer)
            #expect(dx.values.allSatisfy { $0 == Float(slope) })
        }
    }
}
