import Foundation
import Tensors

/// The type of a pixel as images store it.
protocol AugmentedPixel: BitwiseCopyable {
    /// The value, in [0, 1].
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
/// With c = ((W−1)/2, (H−1)/2), y pointing down, F = diag(−1, 1) for a mirrored image and the identity otherwise,
/// rotation θ (clockwise as seen), scale s, shear k and shift t, the content at p moves to
/// `c + t + s·R(θ)·[1 k; 0 1]·F·(p − c)`. So the output at q is the input at
/// `c + F·[1 −k; 0 1]·R(−θ)·(q − c − t)/s + α·(G * U)(q)`, where U is uniform in ±1 for each pixel and axis and zero
/// outside the image, and G is a Gaussian of standard deviation σ, truncated at 4σ and normalised to sum 1.
///
/// All random numbers of an image are drawn at the address (seed, augmentation, epoch, sample). Words 0 to 6 are
/// rotation, scale, shear, shift x, shift y, whether to distort elastically and whether to erase; words from 7 on are
/// for erasing. The first word of block 15 decides mirroring. Blocks from 16 on are the field U: first its x, one word
/// per pixel in row-major order, then its y likewise, each starting at a whole block.
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
    /// The number of 16-column vectors per row.
    let vectors: Int
    /// `g[d]`, the Gaussian at distance d, up to its radius.
    let gaussian: [Float]
    /// The Gaussian over 16 columns as seen from column k: lane l of entry `16·v − k + width − 1` is
    /// `g[|16·v + l − k|]`.
    let gaussianLanes: [SIMD16<Float>]

    /// The block of random words that decides mirroring.
    static let mirrorBlock: UInt32 = 15
    /// The first block of the elastic field.
    static let fieldBlock: UInt32 = 16

    /// - Throws: `InputError` if an option is outside the range that ``AugmentationOptions`` gives, an adjustment
    ///   cannot be applied to such images, or an image is empty or has 2^23 pixels or more, including a border of one
    ///   pixel.
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

    /// Memory that one thread needs to augment images of one size; made once and reused for every image.
    package struct Scratch: Sendable {
        /// The image in [0, 1] with a zero border of one pixel, `[H+2, W+2, C]`.
        fileprivate var padded: [Float]
        /// U, `[2, H, W]`, each half rounded up to a multiple of 4 elements.
        fileprivate var field: [Float]
        /// Displacements smoothed along rows, and then along columns too: x and y alternating, `[H, ⌈W/16⌉, 2]`
        /// vectors.
        fileprivate var rows: [SIMD16<Float>]
        fileprivate var displacements: [SIMD16<Float>]

        /// Empty memory for a thread that augments nothing; no augmenter accepts it.
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

    /// Augments image `sampleIndex` for `epoch` and writes it, in [0, 1], to `output`.
    /// - Parameters:
    ///   - image: `[height, width, channels]`, bytes or numbers in [0, 1].
    ///   - output: Of the same shape, as `Float`; a byte b that is not moved becomes exactly `Float(b) / 255`.
    ///   - scratch: From ``makeScratch()`` of this augmenter, not used by another thread at the same time.
    /// - Precondition: `image` and `output` have height·width·channels elements; epoch and index are in 0..<2^32.
    package func apply(
        _ image: Span<UInt8>, into output: inout MutableSpan<Float>, epoch: Int, sampleIndex: Int,
        scratch: inout Scratch
    ) { distort(image, into: &output, epoch: epoch, sampleIndex: sampleIndex, scratch: &scratch) }

    /// Augments an image of numbers in the same way.
    package func apply(
        _ image: Span<Float>, into output: inout MutableSpan<Float>, epoch: Int, sampleIndex: Int,
        scratch: inout Scratch
    ) { distort(image, into: &output, epoch: epoch, sampleIndex: sampleIndex, scratch: &scratch) }

    // Generic within this file only, so that a build that compiles file by file specialises it too.
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
