import Formats
import Tensors

extension Layer {
    /// The maximum of each window of each channel, `[H, W, C]` to `[H', W', C]`; padding is ignored. `strides` defaults
    /// to `poolSize`; with `dilation` d, a window takes every d-th pixel.
    public static func maxPooling2d(
        poolSize: Size2D, strides: Size2D? = nil, padding: Padding = .valid, dilation: Size2D = Size2D(1)
    ) -> Layer {
        var layer = MaxPooling2D(poolSize: poolSize, strides: strides, padding: padding)
        layer.dilation = dilation
        return Layer(layer)
    }
}

/// ``Layer/maxPooling2d(poolSize:strides:padding:dilation:)``; the gradient goes to the first maximum.
package struct MaxPooling2D: PoolingLayer {
    package var poolSize = Size2D(1)
    package var strides: Size2D?
    package var padding = Padding.valid
    package var dilation = Size2D(1)

    package init(poolSize: Size2D = Size2D(1), strides: Size2D? = nil, padding: Padding = .valid) {
        self.poolSize = poolSize
        self.strides = strides
        self.padding = padding
    }

    package static let type = "maxPooling2d"
    package static var options: Section<MaxPooling2D> { options(with: [.dilation(\.dilation)]) }

    package var traits: LayerTraits { LayerTraits(isMaximumPooling: true, hasCheapInputGradient: true) }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { emission.pooling(.maximum) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { onnx("MaxPool", node) }
}
