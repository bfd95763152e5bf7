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
/// with it in the same resampling (bilinear, zero outside), then ``Adjustment``s, then random erasing.
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
    let vectors: Int
    /// `g[d]`, the Gaussian at distance d, up to its radius.
    let gaussian: [Float]
    /// The Gaussian under 16 columns seen from column k: entry `16·v − k + width − 1`, lane l is `g[|16·v + l − k|]`.
    let gaussianLanes: [SIMD16<Float>]

    /// The block that says whether an image is mirrored.
    static let mirrorBlock: UInt32 = 15
    /// First block of the elastic field.
    static let fieldBlock: UInt32 = 16

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
        for (index, adjustment) in options.adjustments.enumerated() {
            if let needed = adjustment.kind.obstacle(Shape([height, width, channels])) {
                throw InputError(
                    "augmentation.adjustments[\(index)]", expected: "\(needed), for \(adjustment.type)",
                    received: "images of \(height)×\(width)×\(channels)")
            }
        }
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
        adjust(&output, epoch: epoch, sampleIndex: sampleIndex)
        if let erasing = options.erasing, erasingDraw < erasing.probability { erase(erasing, &stream, &output) }
    }
}
