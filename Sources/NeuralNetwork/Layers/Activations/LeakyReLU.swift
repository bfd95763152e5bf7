import Formats
import Tensors

extension Layer {
    /// `x` where x > 0, else `negativeSlope · x`.
    public static func leakyRelu(negativeSlope: Float = 0.01) -> Layer {
        Layer(LeakyReLU(negativeSlope: negativeSlope))
    }
}

/// ``Layer/leakyRelu(negativeSlope:)``, with a slope of at least 0; derivative `negativeSlope` at 0.
package struct LeakyReLU: PointwiseLayer {
    package var negativeSlope: Float = 0.01

    package static let type = "leakyRelu"
    package static var options: Section<LeakyReLU> {
        Section(
            initial: LeakyReLU(),
            fields: [.key("negativeSlope", \.negativeSlope, .number(.closed(0, 1)), "Slope below zero.")])
    }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        guard negativeSlope >= 0, negativeSlope.isFinite else {
            throw InputError(
                node.place, expected: "a finite negativeSlope of at least 0", received: "\(negativeSlope)")
        }
        node.outputShape = node.inputShapes[0]
    }

    /// A slope of 0 maps −∞ to 0 too.
    package func forward(_ x: UnsafePointer<Float>, count: Int, y: UnsafeMutablePointer<Float>) {
        let zero = SIMD16<Float>(), slope = negativeSlope
        var i = 0
        while i &+ 16 <= count {
            let value = x.lanes(i)
            y.setLanes(i, value.replacing(with: slope == 0 ? zero : value * slope, where: value .< zero))
            i &+= 16
        }
        while i < count {
            y[i] = x[i] < 0 ? (slope == 0 ? 0 : x[i] * slope) : x[i]
            i &+= 1
        }
    }

    package func backward(
        dy: UnsafePointer<Float>, value y: UnsafePointer<Float>, count: Int, dx: UnsafeMutablePointer<Float>
    ) {
        let zero = SIMD16<Float>(), slope = negativeSlope
        var i = 0
        while i &+ 16 <= count {
            let g = dy.lanes(i)
            dx.setLanes(i, g.replacing(with: g * slope, where: y.lanes(i) .<= zero))
            i &+= 16
        }
        while i < count {
            dx[i] = y[i] <= 0 ? dy[i] * slope : dy[i]
            i &+= 1
        }
    }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [ONNXNode("LeakyRelu", attributes: [("alpha", .float(negativeSlope))])]
    }
}
