import Foundation
import Formats
import Pictures
import Tensors
import TestSupport

@testable import Forms

/// A small form that tests draw and fill in: rows of boxes, a line to write on, boxes to tick, marks.
struct DrawnForm {
    static let json = """
        {"name": "small", "pages": [{"width": 900, "height": 1200,
          "marks": [[30, 30, 28, 28], [842, 30, 28, 28], [30, 1142, 28, 28]],
          "lines": [[80, 700, 420, 700], [60, 1060, 400, 1060]],
          "fields": [
            {"name": "number", "type": "boxes", "box": [80, 150, 360, 60], "cells": 6, "checks": [{"type": "luhn"}]},
            {"name": "day", "type": "date", "box": [500, 150, 360, 60], "cells": 6, "format": "DDMMYY", "from": "2000-01-01", "to": "2029-12-31"},
            {"name": "a", "type": "boxes", "box": [80, 300, 180, 60], "cells": 3},
            {"name": "b", "type": "boxes", "box": [80, 420, 180, 60], "cells": 3},
            {"name": "total", "type": "boxes", "box": [80, 540, 240, 60], "cells": 4},
            {"name": "written", "type": "digits", "box": [80, 620, 340, 80], "length": [3, 6]},
            {"name": "answer", "type": "choice", "options": [{"value": "yes", "box": [520, 640, 30, 30]}, {"value": "no", "box": [700, 640, 30, 30]}]}
          ]}],
         "checks": [{"type": "sum", "total": "total", "of": ["a", "b"]}]}
        """

    static func template(_ text: String = json) throws -> FormTemplate {
        try FormTemplate.decode(Array(text.utf8), name: "form.json")
    }

    let template: FormTemplate
    var sheet: Sheet
    /// The next digit of the sample.
    var next = 0

    init(_ template: FormTemplate, page: Int = 0) {
        self.template = template
        let page = template.pages[page]
        sheet = Sheet(width: Int(page.width), height: Int(page.height))
        for mark in page.marks {
            sheet.fill(x: Int(mark.x), y: Int(mark.y), width: Int(mark.width), height: Int(mark.height))
        }
        for rule in FormPagePlan(page).rules {
            let (a, b) = (rule.start, rule.end)
            sheet.fill(
                x: Int(a.x) - 1, y: Int(a.y) - 1, width: max(2, Int(b.x - a.x) + 2), height: max(2, Int(b.y - a.y) + 2),
                0.8)
        }
    }

    /// Digits of the sample, each the next that there is of its class.
    mutating func write(_ text: String, in name: String) throws {
        guard let field = template.fields.first(where: { $0.name == name }) else { return }
        switch field.kind {
        case .choice(let choice):
            for option in choice.options where text == option.value {
                for i in 0..<22 {
                    let (x, y) = (Int(option.box.x) + 4 + i, Int(option.box.y) + 4)
                    sheet.fill(x: x, y: y + i, width: 3, height: 3)
                    sheet.fill(x: x, y: y + 21 - i, width: 3, height: 3)
                }
            }
        case .characters(let options):
            for (index, character) in text.enumerated() {
                let digit = try digit(character)
                let box =
                    options.cells.isEmpty
                    ? PageBox(
                        x: options.box.x + 12 + 50 * Double(index), y: options.box.bottom - 62, width: 56, height: 56)
                    : options.cells[index]
                sheet.put(digit, x: Int(box.x + box.width / 2) - 28, y: Int(box.y + box.height / 2) - 28, zoom: 2)
            }
        }
    }

    private mutating func digit(_ character: Character) throws -> [UInt8] {
        while true {
            let (pixels, label) = try SampleDigits.digit(next % 500)
            next += 1
            if "\(label)" == String(character) { return pixels }
        }
    }

    /// A picture of the sheet under `map`, on a table of its own brightness.
    func picture(_ map: Homography, width: Int, height: Int, table: UInt8 = 200) -> GreyImage {
        let page = sheet.image(paper: 235, pen: 40)
        guard let back = map.inverse else { return page }
        var pixels = [UInt8](repeating: table, count: width * height)
        for y in 0..<height {
            for x in 0..<width {
                // Four samples a pixel, as a camera's area does.
                var sum = 0.0
                for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                    let p = back(Point(Double(x) + dx, Double(y) + dy))
                    let isInside = p.x >= 0 && p.y >= 0 && p.x < Double(page.width) && p.y < Double(page.height)
                    sum += isInside ? Double(page.pixels[Int(p.y) * page.width + Int(p.x)]) : Double(table)
                }
                pixels[y * width + x] = UInt8(sum / 4)
            }
        }
        return GreyImage(width: width, height: height, pixels: pixels)
    }

    /// Turned about its middle by degrees, its corners pulled by up to `pull`, scaled; fitted into a picture that cuts `cut` of each side.
    static func scan(
        _ size: Point, degrees: Double, scale: Double = 1, pull: Double = 0, cut: Double = 0, seed: UInt32
    ) -> (map: Homography, width: Int, height: Int) {
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test, major: seed))
        let angle = degrees * .pi / 180, c = cos(angle) * scale, s = sin(angle) * scale
        let corners = [Point(0, 0), Point(size.x, 0), size, Point(0, size.y)]
        let moved = corners.map { corner -> Point in
            let p = corner - size / 2
            func jitter() -> Double { (Double(stream.nextWord()) / Double(UInt32.max) - 0.5) * 2 * pull }
            return Point(c * p.x - s * p.y + jitter(), s * p.x + c * p.y + jitter())
        }
        let low = moved.reduce(moved[0]) { Point(min($0.x, $1.x), min($0.y, $1.y)) }
        let high = moved.reduce(moved[0]) { Point(max($0.x, $1.x), max($0.y, $1.y)) }
        let inset = Point(cut * (high.x - low.x), cut * (high.y - low.y))
        var sums = LeastSquares(unknowns: 8)
        let unit = 1 / size.length
        for (from, to) in zip(corners, moved.map { $0 - low - inset }) {
            let p = from * unit
            sums.add(SIMD8(p.x, p.y, 1, 0, 0, 0, -to.x * p.x, -to.x * p.y), to.x, weight: 1)
            sums.add(SIMD8(0, 0, 0, p.x, p.y, 1, -to.y * p.x, -to.y * p.y), to.y, weight: 1)
        }
        let h = sums.solution() ?? .zero
        let map = Homography([
            SIMD3(h[0] * unit, h[1] * unit, h[2]), SIMD3(h[3] * unit, h[4] * unit, h[5]),
            SIMD3(h[6] * unit, h[7] * unit, 1),
        ])
        return (map, Int(high.x - low.x - 2 * inset.x), Int(high.y - low.y - 2 * inset.y))
    }
}
