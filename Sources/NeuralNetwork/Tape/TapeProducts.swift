import Kernels
import LinearAlgebra
import Tensors

/// The products on a tape: in `Float` by BLAS and the engine's kernels, in `Double` by plain loops.
///
/// Dimensions are named as in ``BLAS``; a convolution's as in ``ConvolutionGeometry``.
enum TapeProducts {
    typealias Numbers<Number> = UnsafeMutablePointer<Number>

    /// `Y[m, n] = X[m, k]·W[k, n]`.
    static func multiply<N: RealNumber>(_ x: Numbers<N>, _ w: Numbers<N>, _ y: Numbers<N>, m: Int, n: Int, k: Int) {
        if let x = x as? Numbers<Float>, let w = w as? Numbers<Float>, let y = y as? Numbers<Float> {
            BLAS.gemm(m: m, n: n, k: k, a: x, lda: k, b: w, ldb: n, c: y, ldc: n)
            return
        }
        y.update(repeating: 0, count: m * n)
        for i in 0..<m {
            for l in 0..<k {
                let value = x[i * k + l]
                for j in 0..<n { y[i * n + j] += value * w[l * n + j] }
            }
        }
    }

    /// `dX += dY·Wᵀ`.
    static func addInputGradient<N: RealNumber>(
        _ dy: Numbers<N>, _ w: Numbers<N>, _ dx: Numbers<N>, m: Int, n: Int, k: Int
    ) {
        if let dy = dy as? Numbers<Float>, let w = w as? Numbers<Float>, let dx = dx as? Numbers<Float> {
            BLAS.gemm(.no, .yes, m: m, n: k, k: n, a: dy, lda: n, b: w, ldb: n, beta: 1, c: dx, ldc: k)
            return
        }
        for i in 0..<m {
            for l in 0..<k {
                var sum: N = 0
                for j in 0..<n { sum += dy[i * n + j] * w[l * n + j] }
                dx[i * k + l] += sum
            }
        }
    }

    /// `dW += Xᵀ·dY`.
    static func addWeightGradient<N: RealNumber>(
        _ x: Numbers<N>, _ dy: Numbers<N>, _ dw: Numbers<N>, m: Int, n: Int, k: Int
    ) {
        if let x = x as? Numbers<Float>, let dy = dy as? Numbers<Float>, let dw = dw as? Numbers<Float> {
            BLAS.gemm(.yes, .no, m: k, n: n, k: m, a: x, lda: k, b: dy, ldb: n, beta: 1, c: dw, ldc: n)
            return
        }
        for i in 0..<m {
            for l in 0..<k {
                let value = x[i * k + l]
                for j in 0..<n { dw[l * n + j] += value * dy[i * n + j] }
            }
        }
    }

    /// Expands an image into its im2col matrix `[outH·outW, kH·kW·C]`.
    static func im2col<N: RealNumber>(_ g: ConvolutionGeometry, x: Numbers<N>, columns: Numbers<N>) {
        if let x = x as? Numbers<Float>, let columns = columns as? Numbers<Float> {
            Convolution.im2col(g, rows: 0..<g.outRows, x: x, cols: columns)
            return
        }
        columns.update(repeating: 0, count: g.outRows * g.depth)
        taps(g) { output, tap, input in
            for c in 0..<g.channels {
                columns[output * g.depth + tap * g.channels + c] = x[input * g.channels + c]
            }
        }
    }

    /// Adds each column to the element of `dx` that ``im2col(_:x:columns:)`` read it from.
    static func col2im<N: RealNumber>(_ g: ConvolutionGeometry, columns: Numbers<N>, dx: Numbers<N>) {
        if let columns = columns as? Numbers<Float>, let dx = dx as? Numbers<Float> {
            Convolution.col2im(g, rows: 0..<g.outRows, dcols: columns, dx: dx)
            return
        }
        taps(g) { output, tap, input in
            for c in 0..<g.channels {
                dx[input * g.channels + c] += columns[output * g.depth + tap * g.channels + c]
            }
        }
    }

    static func depthwise<N: RealNumber>(_ g: ConvolutionGeometry, x: Numbers<N>, w: Numbers<N>, y: Numbers<N>) {
        if let x = x as? Numbers<Float>, let w = w as? Numbers<Float>, let y = y as? Numbers<Float> {
            DepthwiseKernels.forward(g, x: x, w: w, bias: nil, relu: false, y: y)
            return
        }
        let channels = g.channels
        y.update(repeating: 0, count: g.outputCount)
        taps(g) { output, tap, input in
            for c in 0..<channels { y[output * channels + c] += x[input * channels + c] * w[tap * channels + c] }
        }
    }

    static func depthwiseInputGradient<N: RealNumber>(
        _ g: ConvolutionGeometry, dy: Numbers<N>, w: Numbers<N>, dx: Numbers<N>
    ) {
        if let dy = dy as? Numbers<Float>, let w = w as? Numbers<Float>, let dx = dx as? Numbers<Float> {
            DepthwiseKernels.inputGradient(g, dy: dy, w: w, dx: dx)
            return
        }
        let channels = g.channels
        dx.update(repeating: 0, count: g.inputCount)
        taps(g) { output, tap, input in
            for c in 0..<channels { dx[input * channels + c] += dy[output * channels + c] * w[tap * channels + c] }
        }
    }

    static func addDepthwiseWeightGradient<N: RealNumber>(
        _ g: ConvolutionGeometry, x: Numbers<N>, dy: Numbers<N>, dw: Numbers<N>
    ) {
        if let x = x as? Numbers<Float>, let dy = dy as? Numbers<Float>, let dw = dw as? Numbers<Float> {
            DepthwiseKernels.addWeightGradient(g, x: x, dy: dy, dw: dw)
            return
        }
        let channels = g.channels
        taps(g) { output, tap, input in
            for c in 0..<channels { dw[tap * channels + c] += x[input * channels + c] * dy[output * channels + c] }
        }
    }

    /// Calls `body` for every pair of an output pixel and a tap inside the image, with the input pixel that the tap
    /// reads.
    private static func taps(_ g: ConvolutionGeometry, _ body: (_ output: Int, _ tap: Int, _ input: Int) -> Void) {
        for output in 0..<g.outRows {
            for tap in 0..<g.kernelHeight * g.kernelWidth {
                let (i, j) = output.quotientAndRemainder(dividingBy: g.outWidth)
                let (u, v) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
                let row = i * g.strideHeight - g.padTop + u * g.dilationHeight
                let column = j * g.strideWidth - g.padLeft + v * g.dilationWidth
                guard (0..<g.height).contains(row), (0..<g.width).contains(column) else { continue }
                body(output, tap, row * g.width + column)
            }
        }
    }
}
