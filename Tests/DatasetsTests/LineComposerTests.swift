import Foundation
import Tensors
import TestSupport
import Testing
import Workers

@testable import Datasets

/// Composed lines: by address, within their width, and with the ink where it is said to be.
@Suite struct LineComposerTests {
    private static func characters() throws -> ImageSet {
        var options = DataOptions()
        options.source = .sample
        return try DatasetLoader.load(options, seed: 0).train
    }

    private static func plain() -> LineOptions {
        var options = LineOptions()
        (options.touching, options.noise, options.blur, options.remnants, options.stroke) = (0, 0, 0, 0, 0)
        options.distortion = 0
        return options
    }

    @Test func aLineIsItsAddressAlone() throws {
        let data = try LineData(LineOptions(), height: 32, width: 256)
        let composer = try LineComposer(Self.characters(), data, seed: 9, columns: [32, 64, 96, 128])
        var a = composer.makeScratch(), b = composer.makeScratch()
        let text = composer.draw(77, epoch: 3, bucket: 2, scratch: &a)
        _ = composer.draw(5, epoch: 1, bucket: 3, scratch: &b)
        let again = composer.draw(77, epoch: 3, bucket: 2, scratch: &b), size = 32 * data.widths[2]
        #expect(text == again && a.pixels[..<size] == b.pixels[..<size])
        for (number, epoch, seed) in [(78, 3, 9), (77, 4, 9), (77, 3, 10)] as [(Int, Int, UInt64)] {
            let other = try LineComposer(Self.characters(), data, seed: seed, columns: [32, 64, 96, 128])
            _ = other.draw(number, epoch: epoch, bucket: 2, scratch: &b)
            #expect(a.pixels[..<size] != b.pixels[..<size])
        }
    }

    /// Lines with the traces of a JPEG are near those without, by how much the quality says; others stay as they were.
    @Test func linesMayHaveBeenJPEGs() throws {
        var options = LineOptions()
        func lines(_ share: Float) throws -> [[Float]] {
            options.jpeg = share
            let data = try LineData(options, height: 32, width: 256)
            let composer = try LineComposer(Self.characters(), data, seed: 2, columns: [32, 64, 96, 128])
            var scratch = composer.makeScratch()
            return (0..<40).map { number in
                _ = composer.draw(number, epoch: 1, bucket: 1, scratch: &scratch)
                return Array(scratch.pixels[..<(32 * data.widths[1])])
            }
        }
        let none = try lines(0), all = try lines(1), some = try lines(0.5)
        for (a, b) in zip(none, all) {
            let distance = (zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(a.count)).squareRoot()
            #expect(a != b && distance < 0.1 && b.allSatisfy { $0 >= 0 && $0 <= 1 })
        }
        #expect((8...32).contains(zip(none, some).count { $0 == $1 }))
        #expect(try lines(1) == all)
    }

    /// Lengths, columns and margins as they are asked for; the ink's box as high as the frame.
    @Test func linesFitTheirWidth() throws {
        for (kind, options) in [("all", LineOptions()), ("plain", Self.plain())] {
            let data = try LineData(options, height: 32, width: 256)
            // Repeats need a column more: few columns leave less text.
            for columns in [[32, 64, 96, 128], [3, 3, 3, 3]] {
                let composer = try LineComposer(Self.characters(), data, seed: 1, columns: columns)
                var scratch = composer.makeScratch(), lengths = Set<Int>()
                for number in 0..<200 {
                    let bucket = number % 4, width = data.widths[bucket]
                    let text = composer.draw(number, epoch: 1, bucket: bucket, scratch: &scratch)
                    lengths.insert(text.count)
                    let repeats = zip(text, text.dropFirst()).count { $0 == $1 }
                    #expect(!text.isEmpty && text.count + repeats <= columns[bucket], "\(kind) \(number)")
                    let line = scratch.pixels[..<(32 * width)]
                    #expect(line.allSatisfy { $0 >= 0 && $0 <= 1 } && line.contains { $0 > 0.3 })
                    guard kind == "plain", columns[0] > 3 else { continue }
                    let rows = (0..<32).filter { y in (0..<width).contains { line[y * width + $0] > 0.4 } }
                    let places = (0..<width).filter { x in (0..<32).contains { line[$0 * width + x] > 0.4 } }
                    #expect((rows.last ?? 0) - (rows.first ?? 0) >= 22, "\(number)")
                    #expect((places.first ?? 0) >= 3 && (places.last ?? 0) < width - 3, "\(number)")
                }
                if columns[0] > 3 { #expect(lengths.isSuperset(of: [1, 2, 4, 6, 8])) }
            }
        }
    }

    /// One character, nothing varied: the picture is the character's own, brought to height.
    @Test func aCharacterIsBroughtToHeight() throws {
        var options = Self.plain()
        (options.slant, options.rotation, options.size, options.baseline, options.slope) = (0, 0, 0, 0, 0)
        options.length = .init(1, 1)
        options.widths = 1
        let set = try Self.characters(), data = try LineData(options, height: 32, width: 64)
        let composer = try LineComposer(set, data, seed: 4, columns: [32])
        // The mean of a hundred images of each class, brought to the frame in the same way.
        let means = (0..<10).map { label in
            let own = (0..<set.count).filter { set.labels[$0] == label }.prefix(100)
            return own.reduce([Double](repeating: 0, count: 400)) { sum, index in
                let image = set.bytes(of: index).map(Double.init)
                return zip(sum, Self.framed(image, width: 28, height: 28)).map(+)
            }
        }
        var scratch = composer.makeScratch(), right = 0
        for number in 0..<40 {
            let text = composer.draw(number, epoch: 1, bucket: 0, scratch: &scratch)
            let profile = (0..<32).map { y in (0..<64).reduce(0) { $0 + scratch.pixels[y * 64 + $1] } }
            #expect(text.count == 1 && profile.reduce(0, +) > 10)
            #expect(profile[..<1].allSatisfy { $0 < 1 } && profile[31...].allSatisfy { $0 < 1 }, "\(profile)")
            let drawn = Self.framed(scratch.pixels[..<(32 * 64)].map(Double.init), width: 64, height: 32)
            let alike = means.map { Self.correlation($0, drawn) }
            if alike.firstIndex(of: alike.max() ?? 0) == text.first.map({ Int($0) }) { right += 1 }
        }
        // By the means alone one digit in five is taken for another; of wrong labels, nine in ten.
        #expect(right >= 26, "\(right) of 40")
    }

    /// The box of the ink, by nearest pixels on 20×20.
    private static func framed(_ pixels: [Double], width: Int, height: Int) -> [Double] {
        let least = 0.3 * (pixels.max() ?? 0)
        let rows = (0..<height).filter { y in (0..<width).contains { pixels[y * width + $0] > least } }
        let columns = (0..<width).filter { x in (0..<height).contains { pixels[$0 * width + x] > least } }
        guard let top = rows.first, let bottom = rows.last, let left = columns.first, let right = columns.last else {
            return [Double](repeating: 0, count: 400)
        }
        return (0..<400).map { place in
            let y = top + (place / 20) * (bottom - top + 1) / 20, x = left + (place % 20) * (right - left + 1) / 20
            return pixels[y * width + x]
        }
    }

    private static func correlation(_ a: [Double], _ b: [Double]) -> Double {
        let (meanA, meanB) = (a.reduce(0, +) / 400, b.reduce(0, +) / 400)
        let (x, y) = (a.map { $0 - meanA }, b.map { $0 - meanB })
        return dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot()
    }

    @Test func setsOfLinesAreOfTheirSplit() throws {
        let set = try Self.characters(), data = try LineData(LineOptions(), height: 32, width: 256)
        func lines(_ split: LineSplit) throws -> LineSet {
            try data.composed(of: set, count: 10, split: split, seed: 2, columns: [32, 64, 96, 128])
        }
        let test = try lines(.test)
        #expect(test.count == 10 && test.buckets.map(\.width) == [64, 128, 192, 256])
        #expect(test.buckets.map(\.texts.count) == [3, 3, 2, 2])
        #expect(test.texts.count == 10 && test.texts.allSatisfy { !$0.isEmpty })
        #expect(try lines(.test).buckets.map(\.pixels) == test.buckets.map(\.pixels))
        #expect(try lines(.validation).texts != test.texts)
        #expect(try lines(.training(epoch: 1)).texts != lines(.training(epoch: 2)).texts)
    }

    /// Batches hold what the composer draws, each of one width, on any number of threads and for any part of a batch.
    @Test func batchesAreTheComposersLines() throws {
        var options = LineOptions()
        options.count = 50
        let data = try LineData(options, height: 32, width: 256)
        let composer = try LineComposer(Self.characters(), data, seed: 3, columns: [32, 64, 96, 128])
        var scratch = composer.makeScratch(), widths = Set<Int>()
        for threads in [1, 3] {
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            let loader = LineLoader(composer, batchSize: 16, pool: pool, part: { $0 / 4..<$0 })
            #expect(loader.batchCount == 4)
            for epoch in 1...3 {
                loader.start(epoch: epoch, at: 1)
                var number = 1
                while let batch = loader.next() {
                    let total = number == 3 ? 2 : 16, first = total / 4
                    #expect(batch.total == total && batch.count == total - first)
                    #expect(batch.bucket == composer.bucket(ofBatch: number, epoch: epoch))
                    widths.insert(batch.bucket)
                    let size = 32 * data.widths[batch.bucket]
                    for slot in 0..<batch.count {
                        let text = composer.draw(
                            number * 16 + first + slot, epoch: epoch, bucket: batch.bucket, scratch: &scratch)
                        #expect(batch.lengths?[slot] == Int32(text.count))
                        for (place, label) in text.enumerated() {
                            #expect(batch.labels[slot * LineOptions.mostCharacters + place] == Int32(label))
                        }
                        #expect((0..<size).allSatisfy { batch.images[slot * size + $0] == scratch.pixels[$0] })
                    }
                    number += 1
                }
                #expect(number == 4)
            }
        }
        #expect(widths.count > 1)
    }
}
