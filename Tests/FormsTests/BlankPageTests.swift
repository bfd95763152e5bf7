import Foundation
import Pictures
import Tensors
import TestSupport
import Testing

@testable import Forms

@Suite struct BlankPageTests {
    /// A4 at 100 dpi, with what is drawn on it, noise of a standard deviation, and light that falls to one side.
    private static func page(
        paper: Float = 235, deviation: Double = 3, slope: Float = 0.1, _ draw: (inout Sheet) -> Void = { _ in }
    ) -> GreyImage {
        var sheet = Sheet(width: 827, height: 1169)
        draw(&sheet)
        let clean = sheet.image(paper: paper, pen: 60, slope: slope)
        var stream = RandomStream(RandomAddress(seed: 8, purpose: .test, major: 1))
        let pixels = clean.pixels.map { level in
            // Twelve uniform numbers have a variance of 1.
            let sum = (0..<12).reduce(-6.0) { sum, _ in sum + Double(stream.nextWord()) / Double(UInt32.max) }
            return UInt8(min(max((Double(level) + deviation * sum).rounded(), 0), 255))
        }
        return GreyImage(width: clean.width, height: clean.height, pixels: pixels)
    }

    @Test func paperIsBlank() {
        #expect(BlankPage.isBlank(Self.page(deviation: 0, slope: 0)))
        #expect(BlankPage.isBlank(Self.page()) && BlankPage.isBlank(Self.page(paper: 150)))
        // The edge of the sheet, ten grains of dust, and the other side shining through by 9 levels.
        #expect(BlankPage.isBlank(Self.page { $0.fill(x: 0, y: 0, width: 12, height: 1169, 0.7) }))
        #expect(
            BlankPage.isBlank(
                Self.page { sheet in
                    for i in 0..<10 { sheet.fill(x: 100 + 60 * i, y: 200 + 70 * i, width: 2, height: 2) }
                }))
        #expect(
            BlankPage.isBlank(
                Self.page(deviation: 1) { sheet in
                    for i in 0..<20 { sheet.fill(x: 100, y: 100 + 50 * i, width: 600, height: 3, 0.05) }
                }))
    }

    /// Whatever could be of a form is not skipped: one stroke of pencil, a dotted line, a large area.
    @Test func inkIsNotBlank() {
        #expect(!BlankPage.isBlank(Self.page { $0.fill(x: 400, y: 500, width: 2, height: 12, 0.35) }))
        #expect(
            !BlankPage.isBlank(
                Self.page { sheet in
                    for i in 0..<60 { sheet.fill(x: 100 + 10 * i, y: 607, width: 2, height: 2) }
                }))
        #expect(!BlankPage.isBlank(Self.page { $0.fill(x: 200, y: 300, width: 300, height: 200, 0.3) }))
        #expect(!BlankPage.isBlank(Self.page { $0.fill(x: 0, y: 0, width: 827, height: 500) }))
    }

    /// What cannot be judged is not blank: darkness, noise, and pictures too small for strokes.
    @Test func whatIsNotSeenIsNotBlank() {
        #expect(!BlankPage.isBlank(GreyImage(width: 600, height: 800, pixels: [UInt8](repeating: 0, count: 480_000))))
        #expect(!BlankPage.isBlank(GreyImage(width: 300, height: 400, pixels: randomBytes(120_000, 4))))
        #expect(!BlankPage.isBlank(Self.page(paper: 180, deviation: 12)))
        #expect(!BlankPage.isBlank(GreyImage(width: 200, height: 280, pixels: [UInt8](repeating: 240, count: 56_000))))
        #expect(!BlankPage.isBlank(GreyImage(width: 7, height: 900, pixels: [UInt8](repeating: 240, count: 6_300))))
    }
}
