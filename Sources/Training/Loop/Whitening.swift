import Datasets
import LinearAlgebra
import NeuralNetwork
import Tensors

/// The initialisation of a first convolution with filters that whiten the patches it reads: their principal axes, each
/// divided by the standard deviation along it, so that its outputs start uncorrelated and with equal variance.
///
/// Over all windows of the kernel's size that lie within an image, Σ is the covariance of their `kH·kW·C` values, with
/// `Σ = V·diag(λ)·Vᵀ`. Filter i is `v_i/√(λ_i + ε)`, in descending order of λ; if there are more filters than axes, the
/// remaining ones are the same axes negated, again from the first. The sign of each axis makes its largest component
/// positive. Σ is computed from exact integer sums over bytes.
///
/// Source: K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, arXiv:2404.00498, section 3.2.
enum Whitening {
    /// Writes the filters into the kernel that reads the images, and returns it; without whitening nothing is done.
    /// - Throws: An `InputError` if there is no such kernel, or it has too many filters; an ``OperationError`` if
    ///   LAPACK fails.
    static func initialize(
        _ options: WhiteningOptions?, of graph: ResolvedGraph, in parameters: AlignedBuffer<Float>, images: ImageSet,
        normalization: (mean: Float, standardDeviation: Float)?
    ) throws -> ParameterTensor? {
        guard let options else { return nil }
        let kernel = try kernel(of: graph)
        try initialize(
            kernel, in: parameters, images: images, count: options.images, epsilon: options.epsilon,
            normalization: normalization)
        return kernel
    }

    /// Returns the kernel that reads the images.
    /// - Throws: `InputError` if there is none, or it has more than twice as many filters as a window has values.
    static func kernel(of graph: ResolvedGraph) throws(InputError) -> ParameterTensor {
        let first = graph.nodes.enumerated().first { $0.element.inputs == [-1] && $0.element.layer.type == "conv2d" }
        guard let (index, node) = first.map({ ($0.offset, $0.element) }), let kernel = node.parameters.first else {
            throw InputError(
                "training.whitening", expected: "a conv2d that reads the input", received: "none in model.layers",
                remedy: "set training.whitening to null")
        }
        let numbers = kernel.shape[0] * kernel.shape[1] * kernel.shape[2]
        guard kernel.shape[3] <= 2 * numbers else {
            throw InputError(
                "model.layers[\(index)] (\(node.name)).filters",
                expected: "at most \(2 * numbers) with training.whitening: the \(numbers) axes of a window, and these "
                    + "negated",
                received: "\(kernel.shape[3])")
        }
        return kernel
    }

    /// Writes the filters into `parameters`.
    /// - Parameters:
    ///   - images: The images, of which the first `count` are used.
    ///   - normalization: The standardisation of their pixels for the network.
    /// - Throws: An ``OperationError`` if LAPACK fails.
    static func initialize(
        _ kernel: ParameterTensor, in parameters: AlignedBuffer<Float>, images: ImageSet, count: Int, epsilon: Double,
        normalization: (mean: Float, standardDeviation: Float)?
    ) throws(OperationError) {
        let (height, width, filters) = (kernel.shape[0], kernel.shape[1], kernel.shape[3])
        let unit = 255 * Double(normalization?.standardDeviation ?? 1)
        let numbers = height * width * images.channels
        let covariance = covariance(images, count: count, height: height, width: width).map { $0 / (unit * unit) }
        guard let (values, vectors) = LAPACK.symmetricEigenvectors(covariance, n: numbers) else {
            throw OperationError(
                "training.whitening", problem: "LAPACK's eigenvalues failed", remedy: "run `trainer doctor`")
        }
        for filter in 0..<filters {
            // Eigenvalues are in ascending order.
            let axis = numbers - 1 - filter % numbers
            let components = (0..<numbers).map { vectors[$0 * numbers + axis] }
            let largest = components.max { abs($0) < abs($1) } ?? 1
            let sign: Double = (largest < 0) == (filter < numbers) ? -1 : 1
            let scale = sign / (max(values[axis], 0) + epsilon).squareRoot()
            for i in 0..<numbers { parameters[kernel.offset + i * filters + filter] = Float(components[i] * scale) }
        }
    }

    /// Returns the covariance of the bytes of all windows, `[n, n]`, with n = height·width·channels in the kernel's
    /// order.
    static func covariance(_ images: ImageSet, count: Int, height: Int, width: Int) -> [Double] {
        let numbers = height * width * images.channels
        var sums = [Int](repeating: 0, count: numbers), products = [Int](repeating: 0, count: numbers * numbers)
        var window = [Int](repeating: 0, count: numbers)
        let row = width * images.channels, pitch = images.width * images.channels
        var windows = 0
        var scratch: [UInt8] = []
        for image in 0..<min(count, images.count) {
            images.withBytes(of: image, &scratch) { pixels in
                for y in 0..<max(images.height - height + 1, 0) {
                    for x in 0..<max(images.width - width + 1, 0) {
                        let start = y * pitch + x * images.channels
                        for r in 0..<height {
                            for i in 0..<row { window[r &* row &+ i] = Int(pixels[start &+ r &* pitch &+ i]) }
                        }
                        for i in 0..<numbers where window[i] != 0 {
                            let value = window[i]
                            sums[i] &+= value
                            for j in i..<numbers { products[i &* numbers &+ j] &+= value &* window[j] }
                        }
                        windows += 1
                    }
                }
            }
        }
        guard windows > 0 else { return [Double](repeating: 0, count: numbers * numbers) }
        let n = Double(windows)
        return (0..<numbers * numbers).map { place in
            let (i, j) = (min(place / numbers, place % numbers), max(place / numbers, place % numbers))
            return Double(products[i * numbers + j]) / n - Double(sums[i]) / n * (Double(sums[j]) / n)
        }
    }
}
