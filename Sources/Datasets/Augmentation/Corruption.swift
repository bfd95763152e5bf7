import Foundation
import Tensors

/// A way to spoil images by degrees, to see how well a classifier holds.
///
/// After D. Hendrycks, T. Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
/// 2019, arXiv:1903.12261, and N. Mu, J. Gilmer, "MNIST-C", 2019, arXiv:1906.02337, with strengths for small images.
package enum CorruptionKind: String, CaseIterable, Sendable {
    /// Turned by the strength either way, degrees.
    case rotation
    /// Made larger or smaller by the factor 1 + strength.
    case scale
    /// Moved by the strength in some direction, pixels.
    case shift
    /// Sheared by the strength either way: `x += s·y`.
    case shear
    /// Gaussian noise of this deviation on pixels in [0, 1], cut off there.
    case noise
    /// Gaussian blur of this deviation, pixels; zero outside.
    case blur
    /// `m + (1 − strength)·(x − m)`, m the mean of the image.
    case contrast

    /// What the strength is measured in.
    package var unit: String {
        switch self {
        case .rotation: "degrees"
        case .scale: "factor − 1"
        case .shift, .blur: "pixels"
        case .shear: "slope"
        case .noise: "deviation"
        case .contrast: "share lost"
        }
    }

    /// The graded strengths, ascending; none of them changes nothing.
    package var strengths: [Float] {
        switch self {
        case .rotation: [10, 20, 30, 40, 50]
        case .scale: [0.1, 0.2, 0.3, 0.4, 0.5]
        case .shift: [1, 2, 3, 4, 5]
        case .shear: [0.2, 0.4, 0.6, 0.8, 1]
        case .noise: [0.1, 0.2, 0.3, 0.4, 0.5]
        case .blur: [0.5, 1, 1.5, 2, 2.5]
        case .contrast: [0.2, 0.4, 0.6, 0.8, 0.9]
        }
    }

    /// Part of the random addresses; never renumber.
    fileprivate var number: UInt32 {
        switch self {
        case .rotation: 1
        case .scale: 2
        case .shift: 3
        case .shear: 4
        case .noise: 5
        case .blur: 6
        case .contrast: 7
        }
    }
}

/// Spoils images of one size in one way at one strength.
///
/// What is left to chance (the way a turn or a scaling goes, the direction of a shift, the noise before its deviation)
/// is drawn at the address (seed, corruption, kind, sample): the same for every strength, so that a curve over strengths
/// follows one set of images, and for every model and thread.
package struct Corruption: Sendable {
    package let kind: CorruptionKind
    package let strength: Float
    private let warp: Augmenter
    private let seed: UInt64
    /// `g[d]`, the blur's Gaussian at distance d.
    private let gaussian: [Float]

    /// - Parameter strength: from 0, in ``CorruptionKind/unit``; 0 changes nothing.
    /// - Throws: `InputError` where images are larger than ``Augmenter`` takes.
    package init(
        _ kind: CorruptionKind, strength: Float, height: Int, width: Int, channels: Int, seed: UInt64
    ) throws(InputError) {
        precondition(strength >= 0 && strength.isFinite, "Corruption: strength must be 0 or more, received \(strength)")
        self.kind = kind
        self.strength = strength
        self.seed = seed
        warp = try Augmenter(AugmentationOptions(), height: height, width: width, channels: channels, seed: seed)
        gaussian = kind == .blur ? Augmenter.gaussian(strength, radius: max(height, width) - 1) : []
    }

    /// Memory for one thread, used for every image.
    package struct Scratch: Sendable {
        /// For the warp: the image with a border of one zero pixel.
        fileprivate var padded: [Float]
        /// For the blur: the image smoothed along rows.
        fileprivate var rows: [Float]
    }

    package func makeScratch() -> Scratch {
        Scratch(
            padded: [Float](repeating: 0, count: (warp.height + 2) * (warp.width + 2) * warp.channels),
            rows: [Float](repeating: 0, count: warp.height * warp.width * warp.channels))
    }

    /// Writes the spoilt image, in [0, 1], into `output`.
    /// - Parameters:
    ///   - image: `[H, W, C]`, as is `output`.
    ///   - sampleIndex: in 0..<2^32, part of the random address.
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
        case .noise: addNoise(&output, &stream)
        case .blur: blur(&output, &scratch.rows)
        case .contrast:
            var sum = 0.0
            for i in 0..<output.count { sum += Double(output[i]) }
            let mean = Float(sum / Double(output.count))
            for i in 0..<output.count { output[i] = mean + (1 - strength) * (output[i] - mean) }
        case .rotation, .scale, .shift, .shear: break
        }
    }

    /// The warp of an image; nil where the corruption is none.
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
        case .noise, .blur, .contrast: return nil
        }
    }

    private func addNoise(_ output: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        for i in stride(from: 0, to: output.count, by: 2) {
            let (first, second) = stream.normalPair()
            output[i] = min(max(output[i] + strength * Float(first), 0), 1)
            if i + 1 < output.count { output[i + 1] = min(max(output[i + 1] + strength * Float(second), 0), 1) }
        }
    }

    /// Along rows, then along columns.
    private func blur(_ output: inout MutableSpan<Float>, _ buffer: inout [Float]) {
        let (height, width, channels) = (warp.height, warp.width, warp.channels)
        let taps = gaussian.span
        let radius = taps.count - 1
        var rows = buffer.mutableSpan
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    var sum: Float = 0
                    for k in max(x - radius, 0)...min(x + radius, width - 1) {
                        sum += taps[abs(k &- x)] * output[(y &* width &+ k) &* channels &+ c]
                    }
                    rows[(y &* width &+ x) &* channels &+ c] = sum
                }
            }
        }
        let pitch = width * channels
        for y in 0..<height {
            for i in 0..<pitch {
                var sum: Float = 0
                for k in max(y - radius, 0)...min(y + radius, height - 1) {
                    sum += taps[abs(k &- y)] * rows[k &* pitch &+ i]
                }
                output[y &* pitch &+ i] = sum
            }
        }
    }
}
