import Foundation
import Tensors

/// A pixel as images hold it.
protocol AugmentedPixel: BitwiseCopyable {
    /// In [0, 1].
    var intensity: Float { get }
}

extension UInt8: AugmentedPixel {
    var intensity: Float { Float(self) / 255 }
}

extension Float: AugmentedPixel {
    var intensity: Float { self }
}

/// Distorts images as ``AugmentationOptions`` says: one affine warp about the centre, elastic displacements composed
/// with it in the same resampling (bilinear, zero outside), then random erasing.
///
/// With c = ((W−1)/2, (H−1)/2), y pointing down, F = diag(−1, 1) for an image that is mirrored and else the identity,
/// rotation θ (clockwise as seen), scale s, shear k and shift t, the content at p moves to
/// `c + t + s·R(θ)·[1 k; 0 1]·F·(p − c)`. So the output at q is the input at
/// `c + F·[1 −k; 0 1]·R(−θ)·(q − c − t)/s + α·(G * U)(q)`, U uniform in ±1 for each pixel and axis, G a Gaussian of
/// deviation σ cut off at 4σ and of sum 1, U being zero outside the image.
///
/// All random numbers of an image are draws at the address (seed, augmentation, epoch, sample): words 0 to 6 are
/// rotation, scale, shear, shift x, shift y, whether elastic, whether erased; words 7 on are erasing's; the first word
/// of block 15 is whether mirrored; blocks 16 on are the field U: first its x, one word a pixel in row-major order from
/// a whole block on, then its y likewise.
///
/// Sources: P. Y. Simard, D. Steinkraus, J. C. Platt, "Best practices for convolutional neural networks applied to
/// visual document analysis", ICDAR 2003; Z. Zhong et al., "Random erasing data augmentation", 2017,
/// arXiv:1708.04896.
package struct Augmenter: Sendable {
    package let options: AugmentationOptions
    package let height: Int
    package let width: Int
    package let channels: Int
    package let seed: UInt64

    private let hasAffine: Bool
    /// Vectors of 16 columns in a row.
    private let vectors: Int
    /// `g[d]`, the Gaussian at distance d, up to its radius.
    private let gaussian: [Float]
    /// The Gaussian under 16 columns seen from column k: entry `16·v − k + width − 1`, lane l is `g[|16·v + l − k|]`.
    private let gaussianLanes: [SIMD16<Float>]

    /// The block that says whether an image is mirrored.
    static let mirrorBlock: UInt32 = 15
    /// First block of the elastic field.
    static let fieldBlock: UInt32 = 16
    /// How often erasing looks for a rectangle that fits.
    static let erasingAttempts = 10

    /// - Throws: `InputError` where an option is out of the range that ``AugmentationOptions`` gives, or the image has
    ///   no pixels or more than 2^23.
    package init(
        _ options: AugmentationOptions, height: Int, width: Int, channels: Int, seed: UInt64
    ) throws(InputError) {
        guard height > 0, width > 0, channels > 0, height <= 1 << 15, width <= 1 << 15, channels <= 1 << 10,
            (height + 2) * (width + 2) < 1 << 23
        else {
            throw InputError(
                "augmentation", expected: "images of 1 to 2^23 pixels", received: "\(height)×\(width)×\(channels)")
        }
        try options.check()
        self.options = options
        self.height = height
        self.width = width
        self.channels = channels
        self.seed = seed
        hasAffine =
            options.rotation != 0 || options.scale != 1...1 || options.shear != 0 || options.translation != 0
            || options.horizontalFlip != 0
        vectors = (width + 15) / 16
        gaussian = options.elastic.map { Self.gaussian($0.sigma, radius: max(height, width) - 1) } ?? []
        var lanes: [SIMD16<Float>] = []
        if !gaussian.isEmpty {
            for offset in (1 - width)...(16 * (vectors - 1)) {
                var vector = SIMD16<Float>()
                for lane in 0..<16 where abs(offset + lane) < gaussian.count {
                    vector[lane] = gaussian[abs(offset + lane)]
                }
                lanes.append(vector)
            }
        }
        gaussianLanes = lanes
    }

    /// `exp(−d²/2σ²)` for d = 0, 1, …, divided by the sum over all distances up to 4σ either way; as far as `radius`.
    static func gaussian(_ sigma: Float, radius: Int) -> [Float] {
        let reach = max(Int((4 * Double(sigma)).rounded()), 0)
        let values = (0...reach).map { sigma > 0 ? exp(-0.5 * Double($0 * $0) / Double(sigma * sigma)) : 1 }
        let sum = 2 * values.reduce(0, +) - values[0]
        return values.prefix(radius + 1).map { Float($0 / sum) }
    }

    /// Memory that one thread needs to augment images of one size; made once, used for every image.
    package struct Scratch: Sendable {
        /// The image in [0, 1] with a border of one zero pixel, `[H+2, W+2, C]`.
        fileprivate var padded: [Float]
        /// U, `[2, H, W]`, each half rounded up to 4 elements.
        fileprivate var field: [Float]
        /// Displacements smoothed along rows, then along columns too: x and y by turns, `[H, ⌈W/16⌉, 2]` vectors.
        fileprivate var rows: [SIMD16<Float>]
        fileprivate var displacements: [SIMD16<Float>]

        /// Of no use to any augmenter: what a thread holds that augments nothing.
        static let none = Scratch(height: 0, width: 0, channels: 0, vectors: 0, isElastic: false)

        fileprivate init(height: Int, width: Int, channels: Int, vectors: Int, isElastic: Bool) {
            padded = [Float](repeating: 0, count: (height + 2) * (width + 2) * channels)
            field = [Float](repeating: 0, count: isElastic ? 2 * ((height * width + 3) / 4 * 4) : 0)
            rows = [SIMD16<Float>](repeating: .zero, count: isElastic ? 2 * height * vectors : 0)
            displacements = [SIMD16<Float>](repeating: .zero, count: 2 * height * vectors)
        }
    }

    package func makeScratch() -> Scratch {
        Scratch(
            height: height, width: width, channels: channels, vectors: vectors, isElastic: options.elastic != nil)
    }

    /// Draws for image `sampleIndex` in `epoch` and writes it, distorted and in [0, 1], into `output`.
    /// - Parameters:
    ///   - image: `[height, width, channels]`, bytes or numbers in [0, 1].
    ///   - output: The same, as `Float`; a byte b that is not moved becomes exactly `Float(b) / 255`.
    ///   - scratch: From ``makeScratch()`` of this augmenter, used by no other thread meanwhile.
    /// - Precondition: `image` and `output` have height·width·channels elements; epoch and index in 0..<2^32.
    package func apply(
        _ image: Span<UInt8>, into output: inout MutableSpan<Float>, epoch: Int, sampleIndex: Int,
        scratch: inout Scratch
    ) { distort(image, into: &output, epoch: epoch, sampleIndex: sampleIndex, scratch: &scratch) }

    /// The same for an image of numbers.
    package func apply(
        _ image: Span<Float>, into output: inout MutableSpan<Float>, epoch: Int, sampleIndex: Int,
        scratch: inout Scratch
    ) { distort(image, into: &output, epoch: epoch, sampleIndex: sampleIndex, scratch: &scratch) }

    // Generic within this file alone: also a build that compiles file by file specialises it here.
    private func distort<Pixel: AugmentedPixel>(
        _ image: Span<Pixel>, into output: inout MutableSpan<Float>, epoch: Int, sampleIndex: Int,
        scratch: inout Scratch
    ) {
        let size = height * width * channels
        precondition(image.count == size && output.count == size, "Augmenter: image of another size")
        precondition(scratch.padded.count == (height + 2) * (width + 2) * channels, "Augmenter: another's scratch")
        let address = RandomAddress(
            seed: seed, purpose: .augmentation, major: UInt32(epoch), minor: UInt32(sampleIndex))
        var stream = RandomStream(address)
        let map = drawMap(&stream, isMirrored: drawsMirror(address))
        let elasticDraw = stream.uniform()
        let erasingDraw = stream.uniform()
        let elastic = options.elastic.flatMap { elasticDraw < $0.probability ? $0 : nil }
        if let elastic {
            draw(&scratch.field, address)
            smooth(scratch.field, rows: &scratch.rows, into: &scratch.displacements, scale: elastic.alpha)
        }
        if hasAffine || elastic != nil {
            resample(
                image, map, displacements: elastic == nil ? [] : scratch.displacements, padded: &scratch.padded,
                into: &output)
        } else {
            for index in 0..<size { output[index] = image[index].intensity }
        }
        if let erasing = options.erasing, erasingDraw < erasing.probability { erase(erasing, &stream, &output) }
    }

    private func drawsMirror(_ address: RandomAddress) -> Bool {
        guard options.horizontalFlip > 0 else { return false }
        return Float(address.block(Self.mirrorBlock)[0] >> 8) * 0x1p-24 < options.horizontalFlip
    }

    private func drawMap(_ stream: inout RandomStream, isMirrored: Bool) -> Map {
        let rotation = stream.uniform(in: -options.rotation...options.rotation)
        let scale = stream.uniform(in: options.scale)
        let shear = stream.uniform(in: -options.shear...options.shear)
        let shiftX = stream.uniform(in: -options.translation...options.translation)
        let shiftY = stream.uniform(in: -options.translation...options.translation)
        return Map(
            rotation: rotation, scale: scale, shear: shear, shiftX: shiftX, shiftY: shiftY, isMirrored: isMirrored)
    }

    /// Resamples `image` by `map`, plus `displacements` unless they are empty.
    func resample<Pixel: AugmentedPixel>(
        _ image: Span<Pixel>, _ map: Map, displacements: [SIMD16<Float>], padded buffer: inout [Float],
        into output: inout MutableSpan<Float>
    ) {
        let stride = (width + 2) * channels
        var padded = buffer.mutableSpan
        for y in 0..<height {
            let from = y * width * channels, to = (y + 1) * stride + channels
            for i in 0..<(width * channels) { padded[to &+ i] = image[from &+ i].intensity }
        }
        let isElastic = !displacements.isEmpty
        let displacements = displacements.span
        let centerX = Float(width - 1) / 2, centerY = Float(height - 1) / 2
        let lanes = SIMD16<Float>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        let lastX = Float(width + 1), lastY = Float(height + 1), pitch = Float(width + 2)
        for y in 0..<height {
            let dy = Float(y) - centerY - map.shiftY
            // In the padded image, whose pixel (1, 1) is the image's (0, 0).
            let rowX = centerX + 1 + map.xy * dy, rowY = centerY + 1 + map.yy * dy
            for v in 0..<vectors {
                let dx = lanes + (Float(16 * v) - centerX - map.shiftX)
                var x = rowX + map.xx * dx, y1 = rowY + map.yx * dx
                if isElastic {
                    x += displacements[2 * (y * vectors + v)]
                    y1 += displacements[2 * (y * vectors + v) + 1]
                }
                let (left, fractionX) = Self.cell(x, last: lastX)
                let (top, fractionY) = Self.cell(y1, last: lastY)
                // Whole numbers below 2^23, read out of the mantissa.
                let index = (top * pitch + left) + 0x1p23
                let start = y * width + 16 * v
                for lane in 0..<min(16, width - 16 * v) {
                    let corner = Int(index[lane].bitPattern & 0x7F_FFFF) &* channels
                    let fx = fractionX[lane], fy = fractionY[lane]
                    if channels == 1 {
                        output[start &+ lane] = Self.blend(padded, corner, 1, stride, fx, fy)
                    } else {
                        for channel in 0..<channels {
                            output[(start &+ lane) &* channels &+ channel] = Self.blend(
                                padded, corner &+ channel, channels, stride, fx, fy)
                        }
                    }
                }
            }
        }
    }

    /// The value between four pixels, the upper left one at `corner`.
    @inline(__always)
    private static func blend(
        _ pixels: borrowing MutableSpan<Float>, _ corner: Int, _ step: Int, _ stride: Int, _ fx: Float, _ fy: Float
    ) -> Float {
        let a = pixels[corner], b = pixels[corner &+ step]
        let c = pixels[corner &+ stride], d = pixels[corner &+ stride &+ step]
        let upper = a + fx * (b - a), lower = c + fx * (d - c)
        return upper + fy * (lower - upper)
    }

    /// `x` clamped to 0...last, as a whole number at most last − 1 and the rest in 0...1.
    @inline(__always)
    private static func cell(_ x: SIMD16<Float>, last: Float) -> (SIMD16<Float>, SIMD16<Float>) {
        var clamped = x.replacing(with: 0, where: x .< 0)
        clamped.replace(with: last, where: clamped .> last)
        // Adding and taking away 2^23 rounds to the nearest whole number; then down.
        var whole = (clamped + 0x1p23) - 0x1p23
        whole.replace(with: whole - 1, where: whole .> clamped)
        whole.replace(with: last - 1, where: whole .> last - 1)
        return (whole, clamped - whole)
    }

    /// Draws the field U.
    private func draw(_ buffer: inout [Float], _ address: RandomAddress) {
        var field = buffer.mutableSpan
        for block in 0..<(field.count / 4) {
            let words = address.block(Self.fieldBlock &+ UInt32(truncatingIfNeeded: block))
            for lane in 0..<4 { field[4 &* block &+ lane] = Float(words[lane] >> 8) * 0x1p-23 - 1 }
        }
    }

    /// Smooths the field U along rows and then columns, and multiplies it.
    private func smooth(
        _ source: [Float], rows rowBuffer: inout [SIMD16<Float>], into output: inout [SIMD16<Float>], scale: Float
    ) {
        let field = source.span
        let half = field.count / 2
        let radius = gaussian.count - 1
        let taps = gaussian.span, table = gaussianLanes.span
        var rows = rowBuffer.mutableSpan
        for y in 0..<height {
            for v in 0..<vectors {
                var sumX = SIMD16<Float>(), sumY = SIMD16<Float>()
                let first = max(16 * v - radius, 0), end = min(16 * v + 16 + radius, width)
                var entry = 16 * v - first + width - 1
                for i in (y * width + first)..<(y * width + end) {
                    let weights = table[entry]
                    sumX += weights * field[i]
                    sumY += weights * field[half &+ i]
                    entry &-= 1
                }
                rows[2 * (y * vectors + v)] = sumX
                rows[2 * (y * vectors + v) + 1] = sumY
            }
        }
        var displacements = output.mutableSpan
        let pitch = 2 * vectors
        for y in 0..<height {
            for column in 0..<pitch {
                var sum = SIMD16<Float>()
                for k in max(y - radius, 0)..<min(y + radius + 1, height) {
                    sum += rows[k &* pitch &+ column] * taps[abs(k &- y)]
                }
                displacements[y &* pitch &+ column] = sum * scale
            }
        }
    }

    /// Sets a rectangle to zero: its area and aspect ratio drawn until it fits, ten times at most, then its place.
    private func erase(
        _ erasing: AugmentationOptions.Erasing, _ stream: inout RandomStream, _ output: inout MutableSpan<Float>
    ) {
        for _ in 0..<Self.erasingAttempts {
            let area = stream.uniform(in: erasing.area) * Float(height * width)
            let ratio = stream.uniform(in: erasing.aspectRatio)
            let rows = max((area * ratio).squareRoot().rounded(), 1)
            let columns = max((area / ratio).squareRoot().rounded(), 1)
            guard rows <= Float(height), columns <= Float(width) else { continue }
            let top = stream.integer(below: height - Int(rows) + 1)
            let left = stream.integer(below: width - Int(columns) + 1)
            for y in top..<(top + Int(rows)) {
                let first = (y * width + left) * channels
                for i in first..<(first + Int(columns) * channels) { output[i] = 0 }
            }
            return
        }
    }
}
