import Formats
import Tensors
import Testing

@testable import NeuralNetwork

@Suite struct GradientCheckTests {
    /// A layer for each kind, and what it reads.
    private static let layers: [(Layer, [[Int]])] = [
        (.conv2d(filters: 5, kernelSize: 3, strides: Size2D(2, 1), padding: .same), [[6, 5, 3]]),
        (.depthwiseConv2d(kernelSize: 3, padding: .same), [[6, 5, 3]]),
        (.groupedConv2d(filters: 6, kernelSize: 3, groups: 3, strides: 2), [[6, 5, 3]]),
        (.conv2dTranspose(filters: 3, kernelSize: 3, strides: 2, padding: .same), [[3, 4, 2]]), (.prelu, [[3, 4, 5]]),
        (.dense(units: 6), [[9]]), (.batchNormalization(), [[4, 4, 3]]), (.groupNormalization(groups: 2), [[4, 4, 6]]),
        (.layerNormalization(), [[4, 4, 3]]), (.relu, [[20]]), (.leakyRelu(), [[20]]), (.gelu, [[20]]),
        (.swish, [[20]]),
        (.hardSwish, [[20]]), (.tanh, [[20]]), (.sigmoid, [[20]]),
        (.maxPooling2d(poolSize: 2, dilation: 2), [[5, 6, 2]]), (.maxPooling2d(poolSize: 2), [[6, 6, 3]]),
        (.averagePooling2d(poolSize: 2), [[6, 6, 3]]), (.globalMaxPooling2d, [[4, 4, 3]]),
        (.globalAveragePooling2d, [[4, 4, 3]]), (.upSampling2d(size: 2), [[3, 4, 2]]), (.dropout(rate: 0.5), [[40]]),
        (.flatten, [[3, 4, 2]]), (.add, [[3, 4, 2], [3, 4, 2]]), (.multiply, [[3, 4, 2], [2]]),
        (.concatenate, [[3, 4, 2], [3, 4, 3]]), (.softmax, [[3, 4, 2]]),
    ]

    @Test func everyBuiltInLayer() throws {
        #expect(Set(Self.layers.map(\.0.type)).count == Layer.kinds.count)
        for (layer, shapes) in Self.layers {
            let check = try checkGradients(layer, inputShapes: shapes)
            #expect(check.error < 1e-3, "\(layer): \(check)")
            #expect(check.tensors.allSatisfy { $0.count > 0 }, "\(layer): \(check)")
            if let error = check.doublePrecisionError { #expect(error < 1e-7, "\(layer): \(error)") }
        }
    }

    @Test func functionsAreCheckedInDouble() throws {
        for layer in [Layer.gelu, .tanhGelu, .swish, .hardSwish] {
            #expect(try checkGradients(layer, inputShape: [8]).doublePrecisionError != nil, "\(layer)")
        }
    }

    /// `x²`, whose derivative is said to be x.
    private struct Wrong: FunctionLayer {
        static let type = "wrongSquare"
        static var options: Section<Wrong> { Section(initial: Wrong(), fields: []) }
        func value<Number: RealNumber>(_ x: Number) -> Number { x * x }
        func derivative<Number: RealNumber>(_ x: Number) -> Number { x }
        func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
    }

    @Test func aWrongDerivativeIsFound() throws {
        let check = try checkGradients(Layer(Wrong()), inputShape: [10])
        #expect(check.error > 0.1)
        #expect(try #require(check.doublePrecisionError) > 0.1)
    }

    @Test func aShapeThatCannotBe() {
        #expect(throws: InputError.self) { try checkGradients(.relu, inputShape: [0]) }
        #expect(throws: InputError.self) { try checkGradients(.maxPooling2d(poolSize: 2), inputShape: [5]) }
    }

    @Test func losses() {
        for loss in [Loss.focal(gamma: 2), .focal(gamma: 0), .meanSquaredError] {
            let check = checkGradients(loss)
            #expect(check.error < 2e-7, "\(loss): \(check)")
        }
        #expect(checkGradients(.crossEntropy).error < 1e-3)
    }

    private struct WrongLoss: LossKind {
        static let type = "wrongLoss"
        static var options: Section<WrongLoss> { Section(initial: WrongLoss(), fields: []) }
        func row(
            _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float,
            dz: UnsafeMutablePointer<Float>?
        ) -> Double {
            for k in 0..<classes { dz?[k] = weight }
            return Double(z[0])
        }
    }

    @Test func aWrongLossIsFound() { #expect(checkGradients(Loss(WrongLoss())).error > 0.5) }
}
