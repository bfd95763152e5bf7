import Formats
import Tensors

extension Layer {
    /// The mean of each window of each channel, `[H, W, C]` to `[H', W', C]`, over the part of the window inside the
    /// image. `strides` defaults to `poolSize`.
    public static func averagePooling2d(poolSize: Size2D, strides: Size2D? = nil, padding: Padding = .valid) -> Layer {
        Layer(AveragePooling2D(poolSize: poolSize, strides: strides, padding: padding))
    }
}

/// ``Layer/averagePooling2d(poolSize:strides:padding:)``.
package struct AveragePooling2D: PoolingLayer {
    package var poolSize = Size2D(1)
    package var strides: Size2D?
    package var padding = Padding.valid

    package init(poolSize: Size2D = Size2D(1), strides: Size2D? = nil, padding: Padding = .valid) {
        self.poolSize = poolSize
        self.strides = strides
        self.padding = padding
    }

    package static let type = "averagePooling2d"

    package var traits: LayerTraits { LayerTraits(hasCheapInputGradient: true) }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { emission.pooling(.average) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { onnx("AveragePool", node) }
}
