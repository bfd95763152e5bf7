import Tensors

extension ImageSet {
    /// The class names of the ten digits, `0` to `9`.
    public static let digits = (0..<10).map { "\($0)" }

    /// Creates a set of byte images. A network sees a byte b as b / 255.
    ///
    /// - Parameters:
    ///   - pixels: `[N, H, W, C]` in row-major order.
    ///   - labels: `[N]`, each the index of a class name.
    ///   - height: H ≥ 1.
    ///   - width: W ≥ 1.
    ///   - channels: C ≥ 1.
    ///   - classNames: K = 2…256 distinct names.
    /// - Throws: an ``InputError`` at `pixels` if they are not N images, at `labels[i]` if that label is not a class.
    public init(
        pixels: [UInt8], labels: [Int], height: Int, width: Int, channels: Int = 1,
        classNames: [String] = ImageSet.digits
    ) throws(InputError) {
        try self.init(
            images: pixels, labels: try Self.classes(labels, classNames), height: height, width: width,
            channels: channels, classCount: classNames.count, classNames: classNames, place: "pixels",
            labelsPlace: "labels")
    }

    /// Creates a set of images with values in [0, 1], which networks see unchanged.
    ///
    /// - Parameters:
    ///   - pixels: `[N, H, W, C]` in row-major order, each in [0, 1].
    ///   - labels: `[N]`, each the index of a class name.
    ///   - height: H ≥ 1.
    ///   - width: W ≥ 1.
    ///   - channels: C ≥ 1.
    ///   - classNames: K = 2…256 distinct names.
    /// - Throws: an ``InputError`` at `pixels` if they are not N images, at `pixels[i]` if that value is NaN or not in
    ///   [0, 1], at `labels[i]` if that label is not a class.
    public init(
        pixels: [Float], labels: [Int], height: Int, width: Int, channels: Int = 1,
        classNames: [String] = ImageSet.digits
    ) throws(InputError) {
        try Self.check(pixels)
        let bytes = try ImageSet(
            pixels: pixels.map { UInt8(($0 * 255).rounded()) }, labels: labels, height: height, width: width,
            channels: channels, classNames: classNames)
        self.init(bytes, images: bytes.images, numbers: pixels, labels: bytes.labels)
    }

    /// The bytes `[H, W, C]` of image `index` (rounded to nearest for images of numbers) and its class.
    /// - Precondition: `index` in 0..<``count``.
    public subscript(index: Int) -> (pixels: [UInt8], label: Int) {
        precondition(index >= 0 && index < count, "ImageSet: index \(index) out of 0..<\(count)")
        return (bytes(of: index), Int(labels[index]))
    }

    /// Checks that all pixels are in [0, 1].
    /// - Throws: an `InputError` if a pixel is NaN or not in [0, 1].
    package static func check(_ pixels: [Float]) throws(InputError) {
        let span = pixels.span
        for index in 0..<span.count {
            let x = span[index]
            // NaN fails both comparisons.
            if x >= 0 && x <= 1 { continue }
            throw InputError(
                "pixels[\(index)]", expected: "a number in [0, 1]", received: "\(x)",
                remedy: x > 1 ? "bytes go in as [UInt8], or divided by 255" : "")
        }
    }

    private static func classes(_ labels: [Int], _ classNames: [String]) throws(InputError) -> [UInt8] {
        guard (2...256).contains(classNames.count) else {
            throw InputError("classNames", expected: "2 to 256 names", received: "\(classNames.count)")
        }
        try checkClasses(classNames, place: "classNames")
        for (index, label) in labels.enumerated() where !classNames.indices.contains(label) {
            throw InputError(
                "labels[\(index)]", expected: "a class in 0…\(classNames.count - 1)", received: "\(label)")
        }
        return labels.map { UInt8($0) }
    }

    /// Returns the mean and the population standard deviation, computed in two passes.
    static func moments(_ numbers: [Float]) -> (mean: Double, standardDeviation: Double) {
        guard !numbers.isEmpty else { return (0, 0) }
        var sum = 0.0
        for x in numbers { sum += Double(x) }
        let mean = sum / Double(numbers.count)
        var squares = 0.0
        for x in numbers { squares += (Double(x) - mean) * (Double(x) - mean) }
        return (mean, (squares / Double(numbers.count)).squareRoot())
    }
}
