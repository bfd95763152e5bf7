import Pictures
import TestSupport
import Testing

@testable import Recognition

@Suite struct GlyphSplitterTests {
    /// A score that is sure of parts about 24 wide and of nothing else.
    @Test func whatIsTooWideIsCutWhereTheScoreIsSurest() throws {
        var sheet = Sheet(width: 200, height: 100)
        for x in [30, 56, 82] { sheet.fill(x: x, y: 20, width: 24, height: 60) }
        // Bridges.
        sheet.fill(x: 54, y: 45, width: 2, height: 4)
        sheet.fill(x: 80, y: 60, width: 2, height: 4)
        let map = try #require(InkMap(sheet.image(paper: 240, pen: 20)))
        let segmentation = Segmentation(map)
        #expect(segmentation.groups.count == 1)
        let splitter = GlyphSplitter(characterHeight: 60) { glyphs in
            glyphs.map { abs($0.box.width - 24) <= 3 ? 0.99 : 0.3 }
        }
        let parts = splitter.parts(of: segmentation.glyph(segmentation.groups[0]))
        #expect(parts.count == 3)
        for (part, x) in zip(parts, [30, 56, 82]) {
            #expect(abs(part.box.x - x) <= 2 && abs(part.box.width - 24) <= 3 && part.box.y == 20, "\(part.box)")
        }
        // All ink is in exactly one part: what was cut off is white in the others.
        let ink = parts.reduce(0) { $0 + $1.ink.reduce(0, +) }
        let all = segmentation.glyph(segmentation.groups[0]).ink.reduce(0, +)
        #expect(abs(ink - all) < 0.02 * all)
        // Surer of the whole.
        let whole = GlyphSplitter(characterHeight: 60) { glyphs in glyphs.map { $0.box.width > 70 ? 0.99 : 0.4 } }
        #expect(whole.parts(of: segmentation.glyph(segmentation.groups[0])).count == 1)
    }
}
