import Experiments
import Foundation
import Pictures
import TestSupport
import Testing
import Workers

@testable import Recognition

/// Digits where and how people have them: in a corner, in a thin pen, cut at their ink.
@Suite struct UnusualPicturesTests {
    private static func reader() throws -> DigitReader {
        try DigitReader(try BoxModel.load(), pool: WorkerPool(threads: 1))
    }

    private static func ink(_ pixels: [UInt8]) -> (left: Int, right: Int, top: Int, bottom: Int) {
        let inked = pixels.indices.filter { pixels[$0] > 127 }
        let xs = inked.map { $0 % 28 }, ys = inked.map { $0 / 28 }
        return (xs.min() ?? 0, xs.max() ?? 0, ys.min() ?? 0, ys.max() ?? 0)
    }

    /// 28×28 and light on dark, as the network's input, but small and in a corner.
    @Test func aSmallDigitInACornerIsPrepared() throws {
        let reader = try Self.reader()
        var right = 0
        for index in 0..<60 {
            let digit = try SampleDigits.digit(index)
            let image = GreyImage(width: 28, height: 28, pixels: digit.pixels).resized(width: 17, height: 17)
            var pixels = [UInt8](repeating: 0, count: 784)
            let (left, top) = (index % 2 * 11, index / 2 % 2 * 11)
            for y in 0..<17 { for x in 0..<17 { pixels[(top + y) * 28 + left + x] = image.pixels[y * 17 + x] } }
            let reading = try reader.read(GreyImage(width: 28, height: 28, pixels: pixels), .single)
            if reading.characters.first?.classIndex == digit.label { right += 1 }
        }
        #expect(right >= 58, "\(right) of 60")
    }

    @Test(arguments: [0, 2, 4, 8], [true, false])
    func aDigitCutAtItsInkIsRead(margin: Int, isDark: Bool) throws {
        let reader = try Self.reader()
        var right = 0
        for index in 0..<60 {
            let digit = try SampleDigits.digit(index)
            let (left, right_, top, bottom) = Self.ink(digit.pixels)
            let (w, h) = (right_ + 1 - left, bottom + 1 - top)
            let zoom = 4
            var sheet = Sheet(width: zoom * w + 2 * margin, height: zoom * h + 2 * margin)
            for y in 0..<(zoom * h) {
                for x in 0..<(zoom * w) {
                    sheet.ink[(y + margin) * sheet.width + x + margin] =
                        Float(digit.pixels[(top + y / zoom) * 28 + left + x / zoom]) / 255
                }
            }
            let image = sheet.image(paper: isDark ? 255 : 0, pen: isDark ? 0 : 255)
            if try reader.read(image, .single).characters.first?.classIndex == digit.label { right += 1 }
        }
        #expect(right >= 57, "\(right) of 60")
    }

    /// Of a bold digit cut at its ink, most is ink: it is the edge that tells what is paper.
    @Test(arguments: [true, false]) func aBoldDigitCutAtItsInkIsRead(isDark: Bool) throws {
        let reader = try Self.reader(), zoom = 4, bold = 4
        var right = 0, wrong = 0
        for index in 0..<60 {
            let digit = try SampleDigits.digit(index)
            var page = Sheet(width: 28 * zoom, height: 28 * zoom)
            for y in 0..<page.height {
                for x in 0..<page.width where digit.pixels[y / zoom * 28 + x / zoom] > 100 {
                    page.fill(x: x - bold, y: y - bold, width: 2 * bold + 1, height: 2 * bold + 1)
                }
            }
            let inked = page.ink.indices.filter { page.ink[$0] > 0 }
            let columns = inked.map { $0 % page.width }, rows = inked.map { $0 / page.width }
            let (left, top) = (try #require(columns.min()), try #require(rows.min()))
            var sheet = Sheet(
                width: try #require(columns.max()) + 1 - left, height: try #require(rows.max()) + 1 - top)
            for y in 0..<sheet.height {
                for x in 0..<sheet.width {
                    sheet.ink[y * sheet.width + x] = page.ink[(y + top) * page.width + x + left]
                }
            }
            let image = sheet.image(paper: isDark ? 235 : 20, pen: isDark ? 30 : 230)
            let found = try reader.read(image, .single).characters.first
            if found?.classIndex == digit.label { right += 1 } else if found?.familiarity ?? 0 >= 0.05 { wrong += 1 }
        }
        // Digits this bold are strange: what is read wrong must not be taken for known.
        #expect(right >= 55 && wrong <= 2, "\(right) of 60, \(wrong) known and wrong")
    }

    /// 0, 1, 4 and 7 in straight strokes of a pen of so many pixels.
    @Test(arguments: [1, 2, 3, 4, 8, 24]) func aThinPenIsRead(pen: Int) throws {
        let reader = try Self.reader()
        let ring = (0...24).map { step -> (Double, Double) in
            let angle = Double(step) / 24 * 2 * .pi
            return (200 + 80 * cos(angle), 200 + 130 * sin(angle))
        }
        let strokes: [Int: [[(Double, Double)]]] = [
            0: [ring], 1: [[(205, 70), (195, 330)]],
            4: [[(170, 70), (120, 230), (280, 225)], [(240, 150), (235, 330)]],
            7: [[(120, 75), (280, 70), (180, 330)]],
        ]
        for (label, lines) in strokes {
            var sheet = Sheet(width: 400, height: 400)
            for line in lines {
                for (a, b) in zip(line, line.dropFirst()) {
                    for step in 0...400 {
                        let t = Double(step) / 400
                        let (x, y) = (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
                        sheet.fill(x: Int(x) - pen / 2, y: Int(y) - pen / 2, width: pen, height: pen)
                    }
                }
            }
            let reading = try reader.read(sheet.image(paper: 255, pen: 0), .single)
            #expect(reading.characters.first?.classIndex == label, "\(label) with a pen of \(pen)")
        }
    }

    @Test func mnistsOwnAreStillTakenAsTheyAre() throws {
        let preparation = GlyphPreparation(height: 28, width: 28)
        let prepared = try (0..<200).count { index in
            preparation.isPrepared(GreyImage(width: 28, height: 28, pixels: try SampleDigits.digit(index).pixels))
        }
        #expect(prepared >= 190, "\(prepared) of 200")
    }
}
