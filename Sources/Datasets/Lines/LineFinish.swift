import Foundation
import Pictures
import Tensors

/// Simulates what pens, scanners and the removal of paper, boxes and ruled lines do to a composed line.
struct LineFinish: Sendable {
    private let options: LineOptions

    init(_ options: LineOptions) { self.options = options }

    /// Treats `[height, width]` at the start of `scratch.pixels` in place.
    func apply(
        height: Int, width: Int, content: (columns: ClosedRange<Float>, edges: [Float]),
        scratch: inout LineScratch, _ stream: inout RandomStream
    ) {
        let stroke = stream.uniform(in: -options.stroke...options.stroke)
        let blur = options.blur * stream.uniform() * stream.uniform()
        let level = stream.uniform(in: 0...0.25), gain = stream.uniform(in: 1...2)
        let noise = options.noise * stream.uniform() * stream.uniform()
        let strength = stream.uniform(in: 0.75...1)
        if abs(stroke) > 0.05 { widen(height, width, by: stroke, &scratch) }
        if stream.uniform() < options.remnants { leave(height, width, content, &scratch.pixels, &stream) }
        if blur > 0.15 { soften(height, width, deviation: blur, &scratch) }
        var pixels = scratch.pixels.mutableSpan
        var bits = SIMD4<UInt32>(), used = 4
        // The sum of two random bytes has the standard deviation 104.
        let unit = noise / 104
        for i in 0..<(height * width) {
            var value = min(max((pixels[i] - level) * gain, 0), 1) * strength
            if noise > 0.004 {
                if used == 4 {
                    for lane in 0..<4 { bits[lane] = stream.nextWord() }
                    used = 0
                }
                let word = bits[used]
                used += 1
                let sum = Float(Int(word & 255) + Int(word >> 8 & 255) - 255)
                value += sum * unit
            }
            pixels[i] = min(max(value, 0), 1)
        }
        // Drawn last, so that lines without it are what they were before there was this option.
        if options.jpeg > 0, stream.uniform() < options.jpeg {
            compress(height, width, quality: 20 + stream.integer(below: 71), &scratch.pixels)
        }
    }

    /// Stores the line as a JPEG in between.
    private func compress(_ height: Int, _ width: Int, quality: Int, _ pixels: inout [Float]) {
        let levels = (0..<height * width).map { UInt8((pixels[$0] * 255).rounded()) }
        do throws(OperationError) {
            let stored = try JPEGArtifacts.applied(to: levels, width: width, height: height, quality: quality)
            for (i, level) in stored.enumerated() { pixels[i] = Float(level) / 255 }
        } catch {
            preconditionFailure("LineFinish: \(error)")
        }
    }

    /// Blends each pixel with the largest value of itself and its four neighbours, or with the smallest.
    private func widen(_ height: Int, _ width: Int, by stroke: Float, _ scratch: inout LineScratch) {
        let grows = stroke > 0, share = abs(stroke)
        func best(_ a: Float, _ b: Float) -> Float { grows ? max(a, b) : min(a, b) }
        var widened: [Float] = []
        swap(&widened, &scratch.spare)
        do {
            let source = scratch.pixels.span
            var target = widened.mutableSpan
            for y in 0..<height {
                for x in 0..<width {
                    let i = y &* width &+ x
                    var value = source[i]
                    if x > 0 { value = best(value, source[i &- 1]) }
                    if x + 1 < width { value = best(value, source[i &+ 1]) }
                    if y > 0 { value = best(value, source[i &- width]) }
                    if y + 1 < height { value = best(value, source[i &+ width]) }
                    target[i] = source[i] + share * (value - source[i])
                }
            }
        }
        swap(&scratch.pixels, &widened)
        swap(&scratch.spare, &widened)
    }

    /// Blurs along both axes with a binomial filter of at most this standard deviation.
    private func soften(_ height: Int, _ width: Int, deviation: Float, _ scratch: inout LineScratch) {
        // [b, 1 − 2b, b] has the variance 2b.
        let passes = deviation * deviation > 0.6 ? 2 : 1
        let b = min(deviation * deviation / Float(2 * passes), 1.0 / 3)
        var softened: [Float] = []
        swap(&softened, &scratch.spare)
        for _ in 0..<passes {
            for step in [1, width] {
                do {
                    let source = scratch.pixels.span
                    var target = softened.mutableSpan
                    let size = height * width
                    for i in 0..<size {
                        let before = i >= step ? source[i &- step] : 0, after = i &+ step < size ? source[i &+ step] : 0
                        target[i] = source[i] + b * (before + after - 2 * source[i])
                    }
                }
                swap(&scratch.pixels, &softened)
            }
        }
        swap(&scratch.spare, &softened)
    }

    /// Draws one of: a piece of a ruled line below, a box's side, a cut where a ruled line crossed the ink, or specks.
    private func leave(
        _ height: Int, _ width: Int, _ content: (columns: ClosedRange<Float>, edges: [Float]), _ pixels: inout [Float],
        _ stream: inout RandomStream
    ) {
        let kind = stream.integer(below: 4), strength = stream.uniform(in: 0.2...1)
        let first = min(max(Int(content.columns.lowerBound), 0), width - 1)
        let last = min(max(Int(content.columns.upperBound), first), width - 1)
        switch kind {
        case 0:
            let row = min(max(height - 1 - stream.integer(below: max(height / 4, 1)), 0), height - 1)
            let start = first + stream.integer(below: last - first + 1)
            let end = min(last, start + 4 + stream.integer(below: width / 3))
            for x in start...max(start, end) { pixels[row * width + x] = max(pixels[row * width + x], strength) }
        case 1:
            let edges = content.edges + [content.columns.lowerBound - 3, content.columns.upperBound + 3]
            let column = min(max(Int(edges[stream.integer(below: edges.count)]), 0), width - 1)
            let length = height / 8 + stream.integer(below: max(height / 3, 1))
            let isTop = stream.uniform() < 0.5
            for y in 0..<length {
                let i = (isTop ? y : height - 1 - y) * width + column
                pixels[i] = max(pixels[i], strength)
            }
        case 2:
            let row = stream.integer(below: height), isLying = stream.uniform() < 0.7
            let column = first + stream.integer(below: last - first + 1)
            for k in 0..<(isLying ? width : height) {
                let i = isLying ? row * width + k : k * width + column
                pixels[i] *= 1 - strength
            }
        default:
            for _ in 0..<(1 + stream.integer(below: 4)) {
                let x = first + stream.integer(below: last - first + 1), y = stream.integer(below: height)
                pixels[y * width + x] = max(pixels[y * width + x], strength)
                if x + 1 < width { pixels[y * width + x + 1] = max(pixels[y * width + x + 1], strength * 0.7) }
            }
        }
    }
}
