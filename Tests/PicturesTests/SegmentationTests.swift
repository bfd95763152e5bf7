import Foundation
import Tensors
import TestSupport
import Testing

@testable import Pictures

/// What belongs together, what is left out, and in which order.
@Suite struct SegmentationTests {
    private func boxes(_ sheet: Sheet) throws -> [[PixelBox]] {
        let map = try #require(InkMap(sheet.image(paper: 240, pen: 20)))
        return Segmentation(map).lines.map { $0.map(\.box) }
    }

    @Test func linesAreReadFromAboveAndFromTheLeft() throws {
        var sheet = Sheet(width: 300, height: 200)
        // Two slanting lines of bars; heights differ.
        let places = [(20, 30), (60, 34), (100, 38), (140, 42), (25, 120), (70, 124), (115, 118)]
        for (x, y) in places.shuffled() { sheet.fill(x: x, y: y, width: 12, height: 50) }
        let found = try boxes(sheet)
        #expect(found.map(\.count) == [4, 3])
        #expect(found.joined().map { [$0.x, $0.y] } == places.map { [$0.0, $0.1] })
    }

    @Test func fragmentsAreJoinedAndSpecksDropped() throws {
        var sheet = Sheet(width: 260, height: 120)
        for x in [20, 180] { sheet.fill(x: x, y: 30, width: 14, height: 60) }
        // A five in two pieces: its bar above the bow and to the right of it.
        sheet.fill(x: 90, y: 50, width: 30, height: 8)
        sheet.fill(x: 112, y: 50, width: 8, height: 40)
        sheet.fill(x: 90, y: 82, width: 30, height: 8)
        sheet.fill(x: 98, y: 32, width: 32, height: 7)
        // Specks, one of them near a bar, where it counts as a part.
        sheet.fill(x: 230, y: 100, width: 3, height: 3)
        sheet.fill(x: 60, y: 10, width: 5, height: 4)
        sheet.fill(x: 37, y: 40, width: 4, height: 4)
        let found = try boxes(sheet)
        #expect(
            found == [
                [
                    PixelBox(x: 20, y: 30, width: 21, height: 60), PixelBox(x: 90, y: 32, width: 40, height: 58),
                    PixelBox(x: 180, y: 30, width: 14, height: 60),
                ]
            ])
    }

    /// In a line cut at its ink the first character lies along the edge with half of its height, and is no margin; what
    /// runs along a whole side is.
    @Test func theFirstCharacterOfALineCutAtItsInkIsKept() throws {
        var line = Sheet(width: 200, height: 60)
        func two(_ x: Int) {
            line.fill(x: x, y: 0, width: 30, height: 7)
            line.fill(x: x, y: 30, width: 7, height: 30)
            line.fill(x: x, y: 27, width: 30, height: 7)
            line.fill(x: x + 23, y: 0, width: 7, height: 30)
            line.fill(x: x, y: 53, width: 30, height: 7)
        }
        for x in [0, 60, 115, 170] { two(x) }
        #expect(try boxes(line).joined().map(\.x) == [0, 60, 115, 170])
        var scan = Sheet(width: 220, height: 100)
        scan.fill(x: 0, y: 0, width: 12, height: 100)
        for x in [40, 90, 140] { scan.fill(x: x, y: 20, width: 10, height: 60) }
        #expect(try boxes(scan).joined().map(\.x) == [40, 90, 140])
    }

    /// Points and dashes between characters are no characters, but they are counted; dust elsewhere is not.
    @Test func marksAreCounted() throws {
        var sheet = Sheet(width: 300, height: 200)
        for x in [60, 110, 160, 210] { sheet.fill(x: x, y: 80, width: 9, height: 50) }
        let plain = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))))
        #expect(plain.marksInLines == 0)
        sheet.fill(x: 88, y: 122, width: 8, height: 8)
        sheet.fill(x: 15, y: 102, width: 24, height: 6)
        sheet.fill(x: 150, y: 20, width: 8, height: 8)
        let marked = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))))
        #expect(marked.lines.map(\.count) == [4] && marked.marksInLines == 2, "\(marked.marks)")
    }

    /// Characters in ink that is much paler than the others' are taken for paper, but counted; frames, rules and dust in
    /// such ink are not.
    @Test(arguments: [(Float(0.35), 2), (0.25, 2), (0.05, 0)])
    func paleCharactersAreCounted(level: Float, count: Int) throws {
        var sheet = Sheet(width: 460, height: 200)
        for x in [60, 110, 260, 310] { sheet.fill(x: x, y: 80, width: 9, height: 50) }
        let plain = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))))
        #expect(plain.marksInLines == 0)
        sheet.fill(x: 160, y: 82, width: 9, height: 46, level)
        sheet.fill(x: 205, y: 82, width: 26, height: 8, level)
        sheet.fill(x: 222, y: 82, width: 9, height: 46, level)
        let pale = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))))
        #expect(pale.lines.map(\.count) == [4] && pale.marksInLines == count)
        // A pale frame about a further character, and one that is empty; a pale rule; dust.
        for x in [350, 405] {
            for (u, v, w, h) in [(x, 74, 46, 3), (x, 134, 46, 3), (x, 74, 3, 63), (x + 43, 74, 3, 63)] {
                sheet.fill(x: u, y: v, width: w, height: h, level)
            }
        }
        sheet.fill(x: 370, y: 80, width: 9, height: 50)
        sheet.fill(x: 20, y: 150, width: 420, height: 3, level)
        sheet.fill(x: 140, y: 100, width: 5, height: 5, level)
        let framed = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))))
        #expect(framed.marksInLines == count)
    }

    /// Of two characters one above the other the larger one is read, and the other counted.
    @Test func aCharacterBelowIsNotPassedOver() throws {
        var sheet = Sheet(width: 120, height: 260)
        sheet.fill(x: 40, y: 20, width: 12, height: 80)
        sheet.fill(x: 40, y: 160, width: 12, height: 70)
        let found = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20)))).single
        #expect(found?.others == 1)
    }

    /// Boxes, combs and lines to write on, with digits that stand free, touch them or cross them.
    @Test(arguments: [0, 1]) func rulesAreNoDigits(skew: Int) throws {
        var sheet = Sheet(width: 420, height: 130)
        func rule(x: Int, y: Int, width: Int) {
            for u in 0..<width { sheet.fill(x: x + u, y: y + skew * u / 60, width: 1, height: 3) }
        }
        rule(x: 20, y: 20, width: 363)
        rule(x: 20, y: 100, width: 363)
        for cell in 0...4 { sheet.fill(x: 20 + 90 * cell, y: 20 + skew * cell * 90 / 60, width: 3, height: 83) }
        // Free, on the bottom rule, across it, free.
        sheet.fill(x: 60, y: 40, width: 9, height: 45)
        sheet.fill(x: 150, y: 50, width: 9, height: 60)
        sheet.fill(x: 240, y: 60, width: 9, height: 55)
        sheet.fill(x: 330, y: 45, width: 9, height: 40)
        let found = try boxes(sheet)
        #expect(found.count == 1 && found[0].map(\.x) == [60, 150, 240, 330], "\(found)")
        #expect(found[0].allSatisfy { $0.width <= 13 && $0.height >= 38 && $0.height <= 62 }, "\(found)")
        // A line under digits, touched by one of them.
        var line = Sheet(width: 400, height: 120)
        line.fill(x: 30, y: 90, width: 340, height: 3)
        for (x, height) in [(60, 50), (140, 60), (220, 52)] { line.fill(x: x, y: 30, width: 10, height: height) }
        #expect(try boxes(line).joined().map(\.x) == [60, 140, 220])
    }

    /// Small digits that touch stand on one line, and their heads and feet are nearly straight; they are no rule. MNIST's
    /// sample, 20 pixels high, its ink put edge to edge on one foot line.
    @Test func touchingDigitsAreNoRules() throws {
        var kept = 0, cut: [Int] = []
        for first in 0..<200 {
            var sheet = Sheet(width: 200, height: 68), x = 20
            for index in (5 * first)..<(5 * first + 5) {
                let digit = try SampleDigits.digit(index).pixels
                let (left, right) = SampleDigits.columns(digit)
                sheet.put(digit, x: x - left, y: 20, zoom: 1)
                x += right - left - 1
            }
            let map = try #require(InkMap(sheet.image(paper: 235, pen: 35)))
            if RuledLines.removed(from: map).ink == map.ink { kept += 1 } else { cut.append(first) }
        }
        #expect(kept == 200, "ink was taken from lines \(cut)")
    }

    /// A writing line may be bowed, as on photographs, and uneven, as drawn by hand.
    @Test(arguments: [0.0, 3]) func bowedLinesAreRules(bow: Double) throws {
        var sheet = Sheet(width: 300, height: 90)
        for x in 10..<290 {
            let middle = 60 + bow * sin(.pi * Double(x - 10) / 280) + 0.6 * sin(Double(x) / 9)
            sheet.fill(x: x, y: Int(middle.rounded()), width: 1, height: 2)
        }
        for x in [40, 100, 170, 240] { sheet.fill(x: x, y: 20, width: 8, height: 38 + Int(bow)) }
        // Beside the bars, which it crosses, a little of it may be left.
        let found = try boxes(sheet).flatMap { $0 }
        #expect(
            found.count == 4 && zip(found, [40, 100, 170, 240]).allSatisfy { (-8...0).contains($0.x - $1) }, "\(found)")
    }

    /// What fills the picture and touches its edges in places is the digit, not a margin; what runs along one is a margin.
    @Test func marginsRunAlongTheEdge() throws {
        var sheet = Sheet(width: 100, height: 120)
        // A ring, cut at its ink, and a fragment beside it.
        for y in 0..<120 {
            for x in 0..<80 {
                let (u, v) = (Double(x) - 39.5, Double(y) - 59.5)
                if (0.78...1).contains((u * u / 1600 + v * v / 3600).squareRoot()) {
                    sheet.fill(x: x, y: y, width: 1, height: 1)
                }
            }
        }
        sheet.fill(x: 92, y: 90, width: 8, height: 24)
        let map = try #require(InkMap(sheet.image(paper: 240, pen: 20)))
        let single = try #require(Segmentation(map).single)
        #expect(single.glyph.box.width >= 79 && single.glyph.box.height == 120, "\(single.glyph.box)")

        var lid = Sheet(width: 100, height: 120)
        lid.fill(x: 0, y: 0, width: 100, height: 9)
        for y in 9..<30 { lid.fill(x: 0, y: y, width: 30 - y, height: 1) }
        lid.fill(x: 50, y: 50, width: 8, height: 40)
        #expect(try boxes(lid) == [[PixelBox(x: 50, y: 50, width: 8, height: 40)]])
    }

    /// A thousand pieces and more end in seconds, without memory that grows with their square.
    @Test func aPageOfSpecksEnds() throws {
        var sheet = Sheet(width: 400, height: 400)
        var stream = RandomStream(RandomAddress(seed: 2, purpose: .test))
        for y in stride(from: 0, to: 400, by: 4) {
            for x in stride(from: 0, to: 400, by: 4) {
                sheet.fill(x: x, y: y, width: 1 + stream.integer(below: 2), height: 1 + stream.integer(below: 2))
            }
        }
        let map = InkMap(sheet.image(paper: 240, pen: 20))
        #expect(map.map { Segmentation($0).groups.count } ?? 0 <= Segmentation.mostPieces)
    }
}
