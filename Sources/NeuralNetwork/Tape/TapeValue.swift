import Kernels
import Tensors

/// A value of one image on a ``Tape``: the result of an operation, read by others.
///
/// Shapes are `[H, W, C]`, `[C]`, or a parameter's. Operators on two values work element by element. Shapes are aligned
/// at the last axis, and extents that are 1 or missing are broadcast: `[H, W, C] * [C]` scales channels,
/// `[H, W, C] * [1]` all elements.
public struct TapeValue {
    let tape: Tape
    let index: Int

    /// The value's shape.
    public var shape: Shape { tape.shapes[index] }

    // MARK: Element by element

    /// `a + b`.
    public static func + (a: TapeValue, b: TapeValue) -> TapeValue { a.with(b, .add) }
    /// `a − b`.
    public static func - (a: TapeValue, b: TapeValue) -> TapeValue { a.with(b, .subtract) }
    /// `a · b`, element by element.
    public static func * (a: TapeValue, b: TapeValue) -> TapeValue { a.with(b, .multiply) }
    /// `a / b`.
    public static func / (a: TapeValue, b: TapeValue) -> TapeValue { a.with(b, .divide) }
    /// `a + b`.
    public static func + (a: TapeValue, b: Double) -> TapeValue { a + a.tape.constant(b) }
    /// `a − b`.
    public static func - (a: TapeValue, b: Double) -> TapeValue { a - a.tape.constant(b) }
    /// `a · b`.
    public static func * (a: TapeValue, b: Double) -> TapeValue { a * a.tape.constant(b) }
    /// `a / b`.
    public static func / (a: TapeValue, b: Double) -> TapeValue { a / a.tape.constant(b) }
    /// `a + b`.
    public static func + (a: Double, b: TapeValue) -> TapeValue { b.tape.constant(a) + b }
    /// `a − b`.
    public static func - (a: Double, b: TapeValue) -> TapeValue { b.tape.constant(a) - b }
    /// `a · b`.
    public static func * (a: Double, b: TapeValue) -> TapeValue { b.tape.constant(a) * b }
    /// `a / b`.
    public static func / (a: Double, b: TapeValue) -> TapeValue { b.tape.constant(a) / b }
    /// `−a`.
    public static prefix func - (a: TapeValue) -> TapeValue { a.through(.negative) }

    /// Returns the element-wise maximum; where both are equal, the gradient goes to `self`.
    public func maximum(_ other: TapeValue) -> TapeValue { with(other, .maximum) }
    /// Returns the element-wise minimum; where both are equal, the gradient goes to `self`.
    public func minimum(_ other: TapeValue) -> TapeValue { with(other, .minimum) }

    /// `eˣ`.
    public func exp() -> TapeValue { through(.exp) }
    /// The natural logarithm.
    public func log() -> TapeValue { through(.log) }
    /// `√x`.
    public func squareRoot() -> TapeValue { through(.squareRoot) }
    /// `tanh x`.
    public func tanh() -> TapeValue { through(.tanh) }
    /// `1/(1 + e⁻ˣ)`.
    public func sigmoid() -> TapeValue { through(.sigmoid) }
    /// The error function.
    public func erf() -> TapeValue { through(.erf) }
    /// `|x|`, with derivative 0 at 0.
    public func absolute() -> TapeValue { through(.absolute) }
    /// `xᵖ`.
    public func power(_ p: Double) -> TapeValue { through(.power(p)) }
    /// `max(x, 0)`, with derivative 0 at 0.
    public func relu() -> TapeValue { through(.clamped(0, .infinity)) }
    /// `min(max(x, low), high)`, with derivative 0 at both ends.
    public func clamped(_ low: Double, _ high: Double) -> TapeValue {
        guard low <= high else {
            tape.fail("a low end at most the high one", "\(low)…\(high)")
            return self
        }
        return through(.clamped(low, high))
    }

    // MARK: Sums

    /// The axes that sums and means run over.
    public enum Axes: Sendable {
        /// Rows and columns: `[H, W, C]` to `[1, 1, C]`.
        case pixels
        /// Channels: `[H, W, C]` to `[H, W, 1]`, `[C]` to `[1]`.
        case channels
        /// All axes: every extent becomes 1.
        case all
    }

    /// Returns the sum over `axes`, which keep an extent of 1.
    public func sum(over axes: Axes) -> TapeValue {
        var dimensions = shape.dimensions
        guard dimensions.count <= Self.mostAxes else {
            tape.fail("a value of at most \(Self.mostAxes) axes to sum", "\(shape)")
            return self
        }
        for axis in dimensions.indices {
            let isChannels = axis == dimensions.count - 1
            switch axes {
            case .pixels where isChannels, .channels where !isChannels: break
            default: dimensions[axis] = 1
            }
        }
        return dimensions == shape.dimensions ? self : tape.append(.sum(index), Shape(dimensions))
    }

    /// Returns the mean over `axes`, which keep an extent of 1.
    public func mean(over axes: Axes) -> TapeValue {
        let total = sum(over: axes)
        return total * (Double(total.shape.count) / Double(shape.count))
    }

    /// Returns the maximum over `axes`, which keep an extent of 1; the gradient goes to the first of equal elements.
    public func largest(over axes: Axes) -> TapeValue {
        let total = sum(over: axes)
        return total.shape == shape ? self : tape.append(.largest(index), total.shape)
    }

    /// `e^xᵢ / Σ e^xⱼ` over the channels.
    public func softmax() -> TapeValue {
        let powers = (self - largest(over: .channels)).exp()
        return powers / powers.sum(over: .channels)
    }

    // MARK: Products

    /// Returns `x·w` for each pixel (or for the one vector): `[H, W, C]` by `[C, F]` gives `[H, W, F]`. Computed by
    /// BLAS, one image at a time, so that for vectors it costs more than
    /// ``Layer/dense(units:useBias:initializer:lowering:)``.
    public func multiplied(by matrix: TapeValue) -> TapeValue {
        let extents = matrix.shape.dimensions
        guard extents.count == 2, extents[0] == shape.channels else {
            tape.fail("a matrix of \(shape.channels) rows for a product", "\(matrix.shape)")
            return self
        }
        return tape.append(.product(index, matrix.index), shape.dimensions.dropLast() + [extents[1]], or: self)
    }

    /// Returns the convolution of an image with `kernel` `[kH, kW, C, F]`, `[H', W', F]`. Computed by im2col and BLAS.
    public func convolved(
        with kernel: TapeValue, strides: Size2D = 1, padding: Padding = .valid, dilation: Size2D = 1
    ) -> TapeValue {
        convolved(kernel, strides, padding, dilation, isDepthwise: false)
    }

    /// Returns the convolution of each channel with its own kernel: `kernel` is `[kH, kW, 1, C]`.
    public func depthwiseConvolved(
        with kernel: TapeValue, strides: Size2D = 1, padding: Padding = .valid, dilation: Size2D = 1
    ) -> TapeValue {
        convolved(kernel, strides, padding, dilation, isDepthwise: true)
    }

    private func convolved(
        _ kernel: TapeValue, _ strides: Size2D, _ padding: Padding, _ dilation: Size2D, isDepthwise: Bool
    ) -> TapeValue {
        let k = kernel.shape.dimensions
        guard shape.isImage, k.count == 4, isDepthwise ? k[2] == 1 && k[3] == shape.channels : k[2] == shape.channels
        else {
            let wanted = isDepthwise ? "kH×kW×1×\(shape.channels)" : "kH×kW×\(shape.channels)×F"
            tape.fail("an image and a kernel of \(wanted)", "\(shape) and \(kernel.shape)")
            return self
        }
        guard let g = tape.geometry(shape, Size2D(k[0], k[1]), strides, dilation, padding, filters: k[3]) else {
            return self
        }
        return tape.append(
            .convolution(index, kernel: kernel.index, g, isDepthwise: isDepthwise),
            [g.outHeight, g.outWidth, g.filters], or: self)
    }

    // MARK: Shapes

    /// Returns the same elements, in the same order, with another shape.
    public func reshaped(_ dimensions: [Int]) -> TapeValue {
        guard let target = Shape(checking: dimensions), target.count == shape.count else {
            tape.fail("a shape of \(shape.count) elements", "\(dimensions)")
            return self
        }
        return tape.append(.reshape(index), target)
    }

    /// Returns channels `range` of each pixel.
    public func channels(_ range: Range<Int>) -> TapeValue {
        guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= shape.channels else {
            tape.fail("channels within 0..<\(shape.channels)", "\(range)")
            return self
        }
        return tape.append(
            .slice(index, from: range.lowerBound), Shape(shape.dimensions.dropLast() + [range.count]))
    }

    /// Returns the concatenation of this value's channels and those of `others`, which have the same height and width.
    public func joined(with others: TapeValue...) -> TapeValue {
        let all = [self] + others, front = shape.dimensions.dropLast()
        guard all.allSatisfy({ $0.shape.dimensions.dropLast() == front }) else {
            tape.fail("values alike but in their channels", all.map { "\($0.shape)" }.joined(separator: ", "))
            return self
        }
        let channels = all.reduce(0) { $0 + $1.shape.channels }
        return tape.append(.joined(all.map(\.index)), front + [channels], or: self)
    }

    private func through(_ function: TapeFunction) -> TapeValue { tape.append(.function(function, of: index), shape) }

    private func with(_ other: TapeValue, _ operation: TapeBinary) -> TapeValue {
        precondition(tape === other.tape, "values of two tapes")
        let count = max(shape.dimensions.count, other.shape.dimensions.count)
        let a = Self.padded(shape, count), b = Self.padded(other.shape, count)
        guard zip(a, b).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else {
            tape.fail("shapes that are alike, or 1 where they are not", "\(shape) and \(other.shape)")
            return self
        }
        guard count <= Self.mostAxes else {
            tape.fail("values of at most \(Self.mostAxes) axes", "\(shape) and \(other.shape)")
            return self
        }
        return tape.append(.binary(operation, index, other.index), zip(a, b).map { max($0, $1) }, or: self)
    }

    /// The maximum number of axes that are combined or summed.
    private static let mostAxes = 4

    /// Returns the extents of `shape`, preceded by ones until there are `count`.
    static func padded(_ shape: Shape, _ count: Int) -> [Int] {
        Array(repeating: 1, count: count - shape.dimensions.count) + shape.dimensions
    }
}
