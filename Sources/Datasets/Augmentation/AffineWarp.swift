import Foundation
import Tensors

/// The affine warp: rotation, scale, shear, shift and mirroring in one resampling. The formula is at ``Augmenter``.
extension Augmenter {
    /// The source position of an output pixel: `x = originX + xx·dx + xy·dy`, `y = originY + yx·dx + yy·dy` with
    /// `(dx, dy) = q − c − t`.
    struct Map {
        var xx: Float, xy: Float, yx: Float, yy: Float
        var shiftX: Float, shiftY: Float

        /// Creates the inverse of mirroring (left to right, applied first), shear, rotation (degrees), scale and shift;
        /// exact for quarter turns.
        init(rotation: Float, scale: Float, shear: Float, shiftX: Float, shiftY: Float, isMirrored: Bool = false) {
            let quarters = (Double(rotation) / 90).rounded()
            let rest = (Double(rotation) - 90 * quarters) * .pi / 180
            var (sine, cosine) = (sin(rest), cos(rest))
            for _ in 0..<((Int(quarters) % 4 + 4) % 4) { (sine, cosine) = (cosine, -sine) }
            let (k, s) = (Double(shear), Double(scale))
            let sign = isMirrored ? -1.0 : 1
            xx = Float(sign * (cosine + k * sine) / s)
            xy = Float(sign * (sine - k * cosine) / s)
            yx = Float(-sine / s)
            yy = Float(cosine / s)
            self.shiftX = shiftX
            self.shiftY = shiftY
        }
    }

    /// Returns whether an image is mirrored in an epoch; with alternating flips, the draw is that at the address of
    /// epoch 0.
    func drawsMirror(_ address: RandomAddress) -> Bool {
        guard options.horizontalFlip > 0 else { return false }
        var drawn = address
        if options.alternatingFlip { drawn.major = 0 }
        let isMirrored = Float(drawn.block(Self.mirrorBlock)[0] >> 8) * 0x1p-24 < options.horizontalFlip
        return isMirrored != (options.alternatingFlip && address.major % 2 == 1)
    }

    func drawMap(_ stream: inout RandomStream, isMirrored: Bool) -> Map {
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
            // Positions in the padded image, whose pixel (1, 1) is the image's (0, 0).
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
                // Integers below 2^23, read from the mantissa.
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

    /// Interpolates bilinearly between four pixels, the upper left one at `corner`.
    @inline(__always)
    private static func blend(
        _ pixels: borrowing MutableSpan<Float>, _ corner: Int, _ step: Int, _ stride: Int, _ fx: Float, _ fy: Float
    ) -> Float {
        let a = pixels[corner], b = pixels[corner &+ step]
        let c = pixels[corner &+ stride], d = pixels[corner &+ stride &+ step]
        let upper = a + fx * (b - a), lower = c + fx * (d - c)
        return upper + fy * (lower - upper)
    }

    /// Splits `x`, clamped to 0...last, into an integer of at most last − 1 and the remainder, in 0...1.
    @inline(__always)
    private static func cell(_ x: SIMD16<Float>, last: Float) -> (SIMD16<Float>, SIMD16<Float>) {
        var clamped = x.replacing(with: 0, where: x .< 0)
        clamped.replace(with: last, where: clamped .> last)
        // Adding and subtracting 2^23 rounds to the nearest integer, which is then corrected to round down.
        var whole = (clamped + 0x1p23) - 0x1p23
        whole.replace(with: whole - 1, where: whole .> clamped)
        whole.replace(with: last - 1, where: whole .> last - 1)
        return (whole, clamped - whole)
    }
}
