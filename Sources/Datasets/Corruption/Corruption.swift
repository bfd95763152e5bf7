import Foundation
import Tensors

/// Corrupts images of one size in one way at one strength.
///
/// Random choices (the sign of a rotation or scaling, the direction of a shift, the noise before it is scaled) are
/// drawn at the address (seed, corruption, kind, sample). They are the same for every strength, so that a curve over
/// strengths follows one set of images, and for every model and thread.
package struct Corruption: Sendable {
    package let kind: CorruptionKind
    package let strength: Float
    let warp: Augmenter
    private let seed: UInt64
    /// `g[d]`, the Gaussian at distance d, for the kinds that smooth.
    let gaussian: [Float]

    /// - Parameter strength: At least 0, in ``CorruptionKind/unit``; 0 changes nothing.
    /// - Throws: `InputError` if images are larger than ``Augmenter`` accepts.
    package init(
        _ kind: CorruptionKind, strength: Float, height: Int, width: Int, channels: Int, seed: UInt64
    ) throws(InputError) {
        precondition(strength >= 0 && strength.isFinite, "Corruption: strength must be 0 or more, received \(strength)")
        self.kind = kind
        self.strength = strength
        self.seed = seed
        warp = try Augmenter(AugmentationOptions(), height: height, width: width, channels: channels, seed: seed)
        let deviation: Float? =
            switch kind {
            case .blur: strength
            case .glassBlur: 0.7
            case .spatter: 1.5
            case .cannyEdges: 1
            default: nil
            }
        gaussian = deviation.map { Augmenter.gaussian($0, radius: max(height, width) - 1) } ?? []
    }

    /// Working memory for one thread, reused for every image.
    package struct Scratch: Sendable {
        /// For the warp: the image with a zero border of one pixel.
        fileprivate var padded: [Float]
        /// For smoothing: the image smoothed along rows.
        var rows: [Float]
    }

    package func makeScratch() -> Scratch {
        Scratch(
            padded: [Float](repeating: 0, count: (warp.height + 2) * (warp.width + 2) * warp.channels),
            rows: [Float](repeating: 0, count: warp.height * warp.width * warp.channels))
    }

    /// Writes the corrupted image, in [0, 1], to `output`.
    /// - Parameters:
    ///   - image: `[H, W, C]`, as is `output`.
    ///   - sampleIndex: In 0..<2^32; part of the random address.
    package func apply(
        _ image: Span<UInt8>, into output: inout MutableSpan<Float>, sampleIndex: Int, scratch: inout Scratch
    ) {
        precondition(
            image.count == output.count && image.count == warp.height * warp.width * warp.channels,
            "Corruption: image of another size")
        var stream = RandomStream(
            RandomAddress(seed: seed, purpose: .corruption, major: kind.number, minor: UInt32(sampleIndex)))
        if let map = map(&stream) {
            warp.resample(image, map, displacements: [], padded: &scratch.padded, into: &output)
            return
        }
        for i in 0..<image.count { output[i] = Float(image[i]) / 255 }
        guard strength > 0 else { return }
        switch kind {
        case .rotation, .scale, .shift, .shear: break
        case .noise: addNoise(&output, &stream)
        case .shotNoise: addShotNoise(&output, &stream)
        case .impulseNoise: addImpulses(&output, &stream)
        case .blur: blur(&output, channels: warp.channels, &scratch.rows)
        case .glassBlur: blurAsGlass(&output, &stream, &scratch.rows)
        case .motionBlur: blurAlongWay(&output, &stream, &scratch.padded)
        case .contrast: Contrast.stretch(&output, by: 1 - strength)
        case .brightness: for i in 0..<output.count { output[i] = min(output[i] + strength, 1) }
        case .stripe: invertStripe(&output)
        case .fog: addFog(&output, &stream)
        case .spatter: addDrops(&output, &stream, &scratch.rows)
        case .dottedLine, .zigzag: drawLines(&output, &stream)
        case .cannyEdges: drawEdges(&output, &scratch.rows)
        }
    }

    /// Returns the warp of an image; nil if the corruption is not a warp.
    private func map(_ stream: inout RandomStream) -> Augmenter.Map? {
        func map(rotation: Float = 0, scale: Float = 1, shear: Float = 0, x: Float = 0, y: Float = 0) -> Augmenter.Map {
            Augmenter.Map(rotation: rotation, scale: scale, shear: shear, shiftX: x, shiftY: y)
        }
        let draw = stream.uniform()
        let sign: Float = draw < 0.5 ? -1 : 1
        switch kind {
        case .rotation: return map(rotation: sign * strength)
        case .scale: return map(scale: sign < 0 ? 1 / (1 + strength) : 1 + strength)
        case .shear: return map(shear: sign * strength)
        case .shift:
            let angle = 2 * Double.pi * Double(draw)
            return map(x: strength * Float(cos(angle)), y: strength * Float(sin(angle)))
        default: return nil
        }
    }
}
