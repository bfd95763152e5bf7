import Kernels
import Tensors

/// A node under construction, to which its layer adds output shape, parameters and geometry.
public struct NodeBuilder {
    /// The layer's name, unique in its network.
    public let name: String
    /// The place for error messages: `model.layers[3] (dense_1)`.
    public let place: String
    /// The shape of each input: `[H, W, C]` or `[C]`.
    public let inputShapes: [Shape]
    var parameterOffset: Int
    var stateOffset: Int
    /// The output shape, which the layer must set; `[1]` by default.
    public var outputShape = Shape([1])
    /// The parameters added by ``addParameter(_:_:_:)``.
    public internal(set) var parameters: [ParameterTensor] = []
    /// The state added by ``addState(_:_:_:)``.
    public internal(set) var state: [ParameterTensor] = []
    /// The number of multiply-adds per sample in the forward pass, as counted by `trainer inspect`.
    public var multiplyAdds = 0
    var geometry: ResolvedGraph.NodeGeometry?
    var lowering: ResolvedGraph.NodeLowering?
    /// The model's lowering, for convolutions that specify none.
    let modelLowering: Lowering.Kind?

    /// Returns the number of windows and the leading padding along both axes of the input image.
    public func window(
        _ size: Size2D, strides: Size2D, dilation: Size2D, _ padding: Padding
    ) throws(InputError) -> (rows: (out: Int, before: Int), columns: (out: Int, before: Int)) {
        let image = try image()
        return (
            try axis("height", image.height, size.height, strides.height, dilation.height, padding, true),
            try axis("width", image.width, size.width, strides.width, dilation.width, padding, false)
        )
    }

    /// Sets the node's geometry and output shape to those of a convolution of the input image.
    mutating func convolve(
        _ size: Size2D, strides: Size2D, dilation: Size2D, _ padding: Padding, filters: Int
    ) throws(InputError) -> ConvolutionGeometry {
        let input = try image()
        let (rows, columns) = try window(size, strides: strides, dilation: dilation, padding)
        outputShape = try checked([rows.out, columns.out, filters])
        let geometry = ConvolutionGeometry(
            height: input.height, width: input.width, channels: input.channels, kernelHeight: size.height,
            kernelWidth: size.width, strideHeight: strides.height, strideWidth: strides.width,
            dilationHeight: dilation.height, dilationWidth: dilation.width, padTop: rows.before,
            padLeft: columns.before, outHeight: rows.out, outWidth: columns.out, filters: filters)
        self.geometry = .convolution(geometry)
        return geometry
    }

    /// Returns the output extent and the leading padding of a window along one axis.
    private func axis(
        _ axis: String, _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Padding,
        _ vertical: Bool
    ) throws(InputError) -> (out: Int, before: Int) {
        let legal = 1..<1 << 15  // so that nothing below overflows
        guard legal.contains(kernel), legal.contains(stride), legal.contains(dilation) else {
            throw InputError(
                place, expected: "sizes, strides and dilations of at least 1 and below 32768",
                received: "size \(kernel), stride \(stride), dilation \(dilation) along the \(axis)")
        }
        let span = dilation * (kernel - 1) + 1
        let before: Int
        let total: Int
        switch padding {
        case .valid: (before, total) = (0, 0)
        case .same:
            let out = (extent + stride - 1) / stride
            total = max(0, (out - 1) * stride + span - extent)
            before = total / 2
            return (out, before)
        case .explicit(let top, let bottom, let left, let right):
            try checkPadding(top, bottom, left, right)
            (before, total) = vertical ? (top, top + bottom) : (left, left + right)
        }
        guard extent + total >= span else {
            throw InputError(
                place, expected: "a window that fits into the image's \(axis), \(extent + total) with padding",
                received: "a window of \(span)", remedy: "use padding \"same\", a smaller window or fewer poolings")
        }
        return ((extent + total - span) / stride + 1, before)
    }

    /// - Throws: An ``InputError`` if a number of rows or columns is so large that sums of it could overflow.
    func checkPadding(_ top: Int, _ bottom: Int, _ left: Int, _ right: Int) throws(InputError) {
        guard [top, bottom, left, right].allSatisfy({ -1 << 15 < $0 && $0 < 1 << 15 }) else {
            throw InputError(
                place, expected: "padding above -32768 and below 32768",
                received: "top \(top), bottom \(bottom), left \(left), right \(right)")
        }
    }

    /// Returns the shape of the one input, which must be an image.
    public func image() throws(InputError) -> Shape {
        guard inputShapes[0].isImage else {
            throw InputError(place, expected: "an image H×W×C", received: "a vector of \(inputShapes[0])")
        }
        return inputShapes[0]
    }

    /// Returns the shape of the one input, which must be a vector.
    public func vector() throws(InputError) -> Shape {
        guard inputShapes[0].dimensions.count == 1 else {
            throw InputError(
                place, expected: "a vector", received: "an image of \(inputShapes[0])",
                remedy: "put a flatten or globalAveragePooling2d layer before it")
        }
        return inputShapes[0]
    }

    /// Returns a shape with these extents, which must be positive with a product below 2³¹.
    public func checked(_ dimensions: [Int]) throws(InputError) -> Shape {
        guard let shape = Shape(checking: dimensions) else {
            throw InputError(
                place, expected: "positive extents with a product below 2^31",
                received: dimensions.map(String.init).joined(separator: "×"))
        }
        return shape
    }

    /// Adds a parameter `layer/suffix` to the node.
    public mutating func addParameter(
        _ suffix: String, _ shape: [Int], _ role: ParameterTensor.Role
    ) throws(InputError) {
        let count = try checked(shape).count
        parameters.append(
            ParameterTensor(name: "\(name)/\(suffix)", shape: shape, offset: parameterOffset, role: role))
        parameterOffset += count
        guard parameterOffset <= Int(Int32.max) else {
            throw InputError(place, expected: "fewer than 2^31 parameters in all", received: "\(parameterOffset)")
        }
    }

    /// Adds a vector of `count` numbers that the layer keeps from step to step, initialised to ones for a `.scale`,
    /// else to zeros.
    public mutating func addState(_ suffix: String, _ count: Int, _ role: ParameterTensor.Role) {
        state.append(ParameterTensor(name: "\(name)/\(suffix)", shape: [count], offset: stateOffset, role: role))
        stateOffset += count
    }
}
