import Foundation
import Tensors

/// Composes lines of text from pictures of single characters, each line at its own address (seed, lines, epoch, line).
///
/// Characters drawn from the whole set are scaled, rotated and slanted by one affine map each and placed side by side
/// by their ink's bounding boxes. The line is then scaled as ``LinePreparation`` scales pictures of lines: the ink's
/// box takes 7/8 of the height, with a margin of 3/16 of the height at either end. Each pixel is sampled once,
/// bilinearly. Then ``LineFinish`` treats the strokes.
package struct LineComposer: LineSource {
    let characters: ImageSet
    let data: LineData
    let seed: UInt64
    /// The number of columns of the network's output, by width.
    let columns: [Int]
    private let finish: LineFinish

    /// The least ink, of 255, for which a pixel belongs to a character's box.
    private static let edge: UInt8 = 100
    /// The number of attempts to draw a character that has ink.
    private static let attempts = 20

    /// - Throws: an `InputError` if the characters are not grey byte images, or there are none.
    package init(_ characters: ImageSet, _ data: LineData, seed: UInt64, columns: [Int]) throws(InputError) {
        guard characters.channels == 1, characters.numbers == nil, characters.count > 0 else {
            throw InputError(
                "data.lines", expected: "grey pictures of bytes to compose lines of",
                received: characters.count == 0
                    ? "none" : characters.channels > 1 ? "\(characters.channels) channels" : "numbers")
        }
        (self.characters, self.data, self.seed, self.columns) = (characters.inMemory, data, seed, columns)
        finish = LineFinish(data.options)
    }

    package var count: Int { data.options.count }
    package var height: Int { data.height }
    package var widths: [Int] { data.widths }

    package func makeScratch() -> LineScratch { LineScratch(count: height * (widths.last ?? 0)) }

    package func batchCount(size: Int) -> Int { data.batchCount(size: size) }

    /// Returns the lines in order of number, in batches; the width of each batch is drawn at random.
    package func batches(ofEpoch epoch: Int, size: Int) -> [LineBatch] {
        (0..<batchCount(size: size)).map { number in
            LineBatch(
                bucket: bucket(ofBatch: number, epoch: epoch),
                lines: Array(number * size..<min((number + 1) * size, count)))
        }
    }

    /// Returns the index of the width of batch `number` of an epoch.
    package func bucket(ofBatch number: Int, epoch: Int) -> Int {
        var stream = RandomStream(
            RandomAddress(
                seed: seed, purpose: .lines, major: UInt32(truncatingIfNeeded: epoch), minor: UInt32(number), stream: 1)
        )
        return stream.integer(below: data.widths.count)
    }

    /// Draws line `number` of `epoch` for the width of `bucket` into the start of `scratch.pixels`, and returns its
    /// text.
    package func draw(_ number: Int, epoch: Int, bucket: Int, scratch: inout LineScratch) -> [UInt8] {
        var stream = RandomStream(
            RandomAddress(
                seed: seed, purpose: .lines, major: UInt32(truncatingIfNeeded: epoch), minor: UInt32(number)))
        var layout = LineLayout(
            options: data.options, height: data.height, width: data.widths[bucket], stream: &stream)
        let options = data.options, narrower = bucket == 0 ? 0 : data.widths[bucket - 1]
        // At least as many as fill the next narrower width when each is as wide as the line is high.
        let least = min(max(options.length.least, narrower / data.height), options.length.most)
        let wanted = least + stream.integer(below: options.length.most - least + 1)
        var text: [UInt8] = []
        while text.count < wanted {
            var found: (index: Int, shape: LineLayout.Character)?
            for _ in 0..<Self.attempts where found == nil {
                let index = stream.integer(below: characters.count)
                found = outline(index).map { (index, layout.shape($0, &stream)) }
            }
            guard let found else { break }
            let next = text + [characters.labels[found.index]]
            guard LineSet.columnsNeeded(next) <= columns[bucket], layout.add(found.shape, image: found.index, &stream)
            else { break }
            text = next
        }
        render(layout, into: &scratch)
        finish.apply(
            height: data.height, width: data.widths[bucket], content: layout.content, scratch: &scratch, &stream)
        return text
    }

    /// Returns the positions of a character's ink pixels, relative to its picture's centre; nil if there are none.
    private func outline(_ index: Int) -> [SIMD2<Float>]? {
        let (height, width) = (characters.height, characters.width)
        let image = characters.images.span.extracting((index * height * width)..<((index + 1) * height * width))
        var points: [SIMD2<Float>] = []
        points.reserveCapacity(256)
        let middle = SIMD2(Float(width - 1), Float(height - 1)) / 2
        for y in 0..<height {
            for x in 0..<width where image[y &* width &+ x] >= Self.edge {
                points.append(SIMD2(Float(x), Float(y)) - middle)
            }
        }
        return points.isEmpty ? nil : points
    }

    private func render(_ layout: LineLayout, into scratch: inout LineScratch) {
        let (height, width) = (layout.height, layout.width)
        var output = scratch.pixels.mutableSpan
        for i in 0..<(height * width) { output[i] = 0 }
        let (rows, columns) = (characters.height, characters.width)
        let scale = layout.scale, origin = layout.origin
        for character in layout.characters {
            let image = characters.images.span.extracting(
                (character.image * rows * columns)..<((character.image + 1) * rows * columns))
            // Output pixel q comes from `inverse·((q − origin)/scale − offset) + middle`.
            let low = (character.low + character.offset) * scale + origin
            let high = (character.high + character.offset) * scale + origin
            let pad = 2 + scale
            let firstX = max(0, Int(low.x - pad)), lastX = min(width - 1, Int(high.x + pad))
            let firstY = max(0, Int(low.y - pad)), lastY = min(height - 1, Int(high.y + pad))
            guard firstX <= lastX, firstY <= lastY else { continue }
            let m = character.inverse
            let middle = SIMD2(Float(columns - 1), Float(rows - 1)) / 2, bend = character.bend
            for y in firstY...lastY {
                for x in firstX...lastX {
                    let p = (SIMD2(Float(x), Float(y)) - origin) / scale - character.offset
                    var source = SIMD2(m.0 * p.x + m.1 * p.y, m.2 * p.x + m.3 * p.y)
                    let place = source / middle
                    let square = SIMD3(place.x * place.x, place.x * place.y, place.y * place.y)
                    source += middle + SIMD2((bend.x * square).sum(), (bend.y * square).sum())
                    let value = Self.sample(image, source, rows, columns)
                    guard value > 0 else { continue }
                    let i = y &* width &+ x
                    // Overlapping ink takes the darker of the two values, or adds up a little.
                    output[i] =
                        layout.addsUp ? output[i] + value - output[i] * value : max(output[i], value)
                }
            }
        }
    }

    private static func sample(_ image: Span<UInt8>, _ at: SIMD2<Float>, _ rows: Int, _ columns: Int) -> Float {
        guard at.x > -1, at.y > -1, at.x < Float(columns), at.y < Float(rows) else { return 0 }
        let left = Int(at.x.rounded(.down)), top = Int(at.y.rounded(.down))
        let fx = at.x - Float(left), fy = at.y - Float(top)
        func pixel(_ y: Int, _ x: Int) -> Float {
            y < 0 || x < 0 || y >= rows || x >= columns ? 0 : Float(image[y &* columns &+ x]) / 255
        }
        let upper = pixel(top, left) * (1 - fx) + pixel(top, left + 1) * fx
        let lower = pixel(top + 1, left) * (1 - fx) + pixel(top + 1, left + 1) * fx
        return upper * (1 - fy) + lower * fy
    }
}
