import Foundation
import Tensors
import TestSupport
import Testing

@testable import Pictures

/// What is printed and no digit: rules, combs, tables; and the written bars that are none of these.
@Suite struct PrintedInkTests {
    private func segmentation(_ sheet: Sheet) throws -> Segmentation {
        Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))), ofDigits: true)
    }

    /// Rectangles of known sides at known slants, sampled at pixel centres, and what is no rectangle.
    @Test(arguments: [(40.0, 6.0, 90.0), (120, 3, 80), (60, 12, 10), (200, 9, 45)])
    func barsAreMeasured(length: Double, thickness: Double, degrees: Double) throws {
        let angle = degrees * .pi / 180
        var oblong = Oblong(), ring = Oblong()
        for y in 0..<300 {
            for x in 0..<300 {
                let (u, v) = (Double(x) - 150.3, Double(y) - 149.6)
                let (along, across) = (u * cos(angle) + v * sin(angle), v * cos(angle) - u * sin(angle))
                if abs(along) < length / 2, abs(across) < thickness / 2 { oblong.add(x, y) }
                if (80...90).contains((u * u + v * v).squareRoot()) { ring.add(x, y) }
            }
        }
        #expect(abs(oblong.sides.length - length) < 1 && abs(oblong.sides.thickness - thickness) < 0.5)
        #expect(abs(oblong.steepness * 180 / .pi - degrees) < 1 && (0.93...1.07).contains(oblong.fill))
        #expect(ring.fill < 0.3)
    }

    /// Ellipses and triangles, the holes of digits, are no cells.
    @Test func holesOfDigitsAreNoRectangles() {
        var ellipse = Oblong(), triangle = Oblong(), cell = Oblong()
        for y in 0..<60 {
            for x in 0..<60 {
                let (u, v) = (Double(x) - 29.5, Double(y) - 29.5)
                if u * u / 400 + v * v / 800 < 1 { ellipse.add(x, y) }
                if x > y { triangle.add(x, y) }
                if abs(u) < 20, abs(v - 0.1 * u) < 14 { cell.add(x, y) }
            }
        }
        #expect(abs(ellipse.fill - .pi / 3) < 0.01 && abs(triangle.fill - 0.866) < 0.01 && abs(cell.fill - 1) < 0.01)
    }

    /// Too long for any pen, from one end of the picture to the other, or lying.
    @Test func rulesAreNoCharacters() throws {
        var hair = Sheet(width: 400, height: 1700)
        hair.fill(x: 200, y: 50, width: 3, height: 1600)
        var column = Sheet(width: 300, height: 400)
        for x in [90, 210] { column.fill(x: x, y: 0, width: 4, height: 400) }
        var dash = Sheet(width: 200, height: 100)
        dash.fill(x: 60, y: 40, width: 60, height: 8)
        for sheet in [hair, column, dash] {
            let found = try segmentation(sheet)
            #expect(found.groups.isEmpty && found.single == nil && found.lines.isEmpty)
        }
        #expect(try segmentation(hair).marksInLines == 1 && segmentation(column).marksInLines == 2)
        // Beside digits a rule is not worth a word.
        column.fill(x: 140, y: 150, width: 10, height: 90)
        let beside = try segmentation(column)
        #expect(beside.lines.map { $0.map(\.box.x) } == [[140]] && beside.marksInLines == 0)
    }

    /// A long and thin 1 is one: free in the picture, or in one that is cropped to it.
    @Test(arguments: [(400, 2, 280), (400, 1, 380), (60, 4, 400), (300, 16, 400)])
    func writtenBarsAreKept(width: Int, pen: Int, height: Int) throws {
        var sheet = Sheet(width: width, height: 400)
        sheet.fill(x: width / 2, y: (400 - height) / 2, width: pen, height: height)
        #expect(try segmentation(sheet).single != nil)
    }

    /// Separators, ticks, dotted lines and columns of dashes repeat exactly.
    @Test(arguments: [(2, 60, 5, 70, 0), (3, 120, 3, 90, 0), (3, 18, 7, 25, 0), (4, 5, 9, 14, 0), (4, 26, 8, 0, 40)])
    func combsAreNoCharacters(width: Int, height: Int, count: Int, across: Int, down: Int) throws {
        var sheet = Sheet(width: 500, height: 440)
        for index in 0..<count {
            sheet.fill(x: 40 + index * across, y: 30 + index * down, width: width, height: height)
        }
        let found = try segmentation(sheet)
        #expect(found.groups.isEmpty && found.marksInLines == count, "\(found.groups.map(\.box))")
    }

    /// Digits between separators are kept, also where one of these is missing; the separators are counted.
    @Test func digitsInACombAreKept() throws {
        var sheet = Sheet(width: 560, height: 140)
        for index in [0, 1, 2, 4, 5, 6] { sheet.fill(x: 30 + 80 * index, y: 20, width: 3, height: 100) }
        let digits = [(62, 42, 56), (147, 39, 60), (226, 44, 53), (380, 40, 58), (468, 43, 55)]
        for (x, y, height) in digits { sheet.fill(x: x, y: y, width: 9, height: height) }
        let found = try segmentation(sheet)
        #expect(found.lines.map { $0.map(\.box.x) } == [digits.map(\.0)] && found.marksInLines == 6)
    }

    /// Six 1s, whose heights and places differ by some 4 % of their height, are no comb.
    @Test func writtenOnesAreKept() throws {
        var kept = 0
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test))
        for _ in 0..<100 {
            var sheet = Sheet(width: 420, height: 140)
            for index in 0..<6 {
                // Sums of two even numbers: a deviation of 0.04·80 pixels.
                let (dx, dy, dh) = (
                    stream.integer(below: 9) + stream.integer(below: 9) - 8,
                    stream.integer(below: 9) + stream.integer(below: 9) - 8,
                    stream.integer(below: 9) + stream.integer(below: 9) - 8
                )
                sheet.fill(x: 30 + 60 * index + dx, y: 30 + dy, width: 4, height: 80 + dh)
            }
            if try segmentation(sheet).groups.count == 6 { kept += 1 }
        }
        #expect(kept >= 99, "\(kept) of 100")
    }

    /// Tables and squared paper, askew or not, with lines that end in a frame, stick out, or run to the picture's edge.
    @Test(arguments: [(0, 30), (9, 30), (60, 0)], [0, 2])
    func latticesAreNoCharacters(kind: (overhang: Int, edge: Int), skew: Int) throws {
        let (overhang, edge) = kind
        var sheet = Sheet(width: 400, height: 300)
        for column in 0...8 {
            for v in max(0, edge - overhang)..<min(300, edge + 240 + overhang) {
                sheet.fill(x: edge + 40 * column - skew * v / 100, y: v, width: 5, height: 1)
            }
        }
        for row in 0...8 {
            for u in max(0, edge - overhang)..<min(400, edge + 325 + overhang) {
                sheet.fill(x: u, y: edge + 30 * row + skew * u / 100, width: 1, height: 5)
            }
        }
        #expect(try segmentation(sheet).groups.isEmpty)
    }

    /// The holes of an 8 and the paper around it are no cells: every digit of MNIST's sample is kept.
    @Test func digitsAreNoLattices() throws {
        var lost: [Int] = []
        for index in 0..<400 {
            var sheet = Sheet(width: 300, height: 200)
            sheet.put(try SampleDigits.digit(index).pixels, x: 5 * index % 150, y: 3 * index % 70, zoom: 4)
            if try segmentation(sheet).single == nil { lost.append(index) }
        }
        #expect(lost.isEmpty)
    }

    /// Nor are the holes and gaps of digits that touch.
    @Test func touchingDigitsAreNoLattices() throws {
        var lost: [Int] = []
        for first in stride(from: 0, to: 500, by: 5) {
            var sheet = Sheet(width: 640, height: 160), x = 20
            for index in first..<(first + 5) {
                let digit = try SampleDigits.digit(index).pixels
                let (left, right) = SampleDigits.columns(digit)
                sheet.put(digit, x: x - 4 * left, y: 24, zoom: 4)
                x += 4 * (right - left) - 8
            }
            if try segmentation(sheet).groups.isEmpty { lost.append(first) }
        }
        #expect(lost.isEmpty)
    }

    /// Among letters and signs a dash, a frame and a bar from edge to edge may be characters.
    @Test func otherCharactersMayBeBars() throws {
        var dash = Sheet(width: 200, height: 100)
        dash.fill(x: 60, y: 40, width: 60, height: 16)
        #expect(Segmentation(try #require(InkMap(dash.image(paper: 240, pen: 20)))).groups.count == 1)
        var bar = Sheet(width: 300, height: 400)
        bar.fill(x: 150, y: 0, width: 8, height: 400)
        #expect(Segmentation(try #require(InkMap(bar.image(paper: 240, pen: 20)))).groups.count == 1)
    }

    /// Bars that are closer than the tolerance are no comb, and end.
    @Test func aDoubleRuleEnds() {
        for (gap, thickness) in [(2, 2), (1, 1), (9, 2)] {
            var pixels = [UInt8](repeating: 255, count: 240_000)
            for x in [100, 100 + thickness + gap] {
                for y in 150..<430 { for dx in 0..<thickness { pixels[y * 400 + x + dx] = 0 } }
            }
            let image = GreyImage(width: 400, height: 600, pixels: pixels)
            #expect(InkMap.clearest(image).map { Segmentation($0, ofDigits: true).groups.count } == 2)
        }
    }
}
