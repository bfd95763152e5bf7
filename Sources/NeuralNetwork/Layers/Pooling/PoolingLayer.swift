import Formats
import Kernels
import Tensors

/// A layer that reduces windows of each channel.
package protocol PoolingLayer: LayerKind {
    /// The rows and columns of a window.
    var poolSize: Size2D { get set }
    /// The rows and columns between two windows; `nil` for ``poolSize``.
    var strides: Size2D? { get set }
    var padding: Padding { get set }
    /// The rows and columns from one pixel of a window to the next.
    var dilation: Size2D { get }
    init(poolSize: Size2D, strides: Size2D?, padding: Padding)
}

extension PoolingLayer {
    package var dilation: Size2D { Size2D(1) }

    package static var options: Section<Self> { options(with: []) }

    /// Returns the keys of every pooling layer, and more.
    static func options(with others: [Field<Self>]) -> Section<Self> {
        Section(
            initial: Self(poolSize: Size2D(1), strides: nil, padding: .valid),
            fields: [
                .key("poolSize", \.poolSize, .size(1...1024), isRequired: true, "Rows and columns of a window."),
                .optional(
                    "strides", \.strides, .size(1...1024), isLeftOut: true,
                    "Rows and columns between two windows; null: as poolSize."),
                .key("padding", \.padding, .padding, "Border around the image, which never counts as a value."),
            ] + others)
    }

    package var featureOrder: FeatureOrderRule { .own }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        let input = try node.image()
        let strides = self.strides ?? poolSize
        let (rows, columns) = try node.window(poolSize, strides: strides, dilation: dilation, padding)
        let geometry = PoolingGeometry(
            height: input.height, width: input.width, channels: input.channels, windowHeight: poolSize.height,
            windowWidth: poolSize.width, strideHeight: strides.height, strideWidth: strides.width,
            dilationHeight: dilation.height, dilationWidth: dilation.width, padTop: rows.before,
            padLeft: columns.before, outHeight: rows.out, outWidth: columns.out)
        // ONNX's runtimes refuse padding as large as the pool size, however far its dilation reaches.
        func after(_ axis: (out: Int, before: Int), _ extent: Int, _ size: Int, _ stride: Int, _ dilation: Int) -> Int {
            (axis.out - 1) * stride + dilation * (size - 1) + 1 - axis.before - extent
        }
        let below = after(rows, input.height, poolSize.height, strides.height, dilation.height)
        let right = after(columns, input.width, poolSize.width, strides.width, dilation.width)
        guard max(rows.before, below) < poolSize.height, max(columns.before, right) < poolSize.width else {
            throw InputError(
                node.place, expected: "padding below poolSize, \(poolSize)",
                received:
                    "\(rows.before) above, \(max(below, 0)) below, \(columns.before) left, \(max(right, 0)) right",
                remedy: padding == .same ? "a smaller dilation needs less" : "pad by less than poolSize")
        }
        guard geometry.everyWindowMeetsTheImage else {
            throw InputError(
                node.place, expected: "windows that each cover part of the image",
                received: "padding as large as the window",
                remedy: "pad by less than poolSize")
        }
        node.outputShape = try node.checked([rows.out, columns.out, input.channels])
        node.geometry = .pooling(geometry)
    }

    /// Returns a pooling operator. ONNX's averages, like this project's, count only what lies inside the image.
    func onnx(_ operation: String, _ node: ResolvedGraph.Node) -> [ONNXNode] {
        let dilations: [(String, ONNXNode.Attribute)] =
            dilation == Size2D(1) ? [] : [("dilations", .ints([dilation.height, dilation.width]))]
        return node.onnxWindow(
            operation, attributes: dilations + [("kernel_shape", .ints([poolSize.height, poolSize.width]))])
    }
}

extension NodeBuilder {
    /// Sets the output shape and the geometry to those of one window over the whole image.
    mutating func poolWholeImage() throws(InputError) {
        let image = try image()
        geometry = .pooling(
            PoolingGeometry(
                height: image.height, width: image.width, channels: image.channels, windowHeight: image.height,
                windowWidth: image.width, strideHeight: 1, strideWidth: 1, outHeight: 1, outWidth: 1))
        outputShape = Shape([image.channels])
    }
}

extension LayerEmission {
    /// Returns a pooling of this kind over the node's geometry.
    func pooling(_ kind: PoolingOperation.Kind) -> (any Operation)? {
        guard case .pooling(let geometry)? = node.geometry else { return nil }
        if striping != nil { return StripedPooling(self, kind: kind, geometry: geometry) }
        return PoolingOperation(self, kind: kind, geometry: geometry)
    }
}
