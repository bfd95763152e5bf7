import Tensors
import TestSupport
import Testing

@testable import Pictures

/// Ink, found whatever the paper and the light.
@Suite struct InkTests {
    private func sheet() -> Sheet {
        var sheet = Sheet(width: 120, height: 90)
        sheet.fill(x: 30, y: 20, width: 8, height: 50)
        sheet.fill(x: 70, y: 40, width: 20, height: 6)
        return sheet
    }

    @Test(arguments: [(Float(210), Float(40)), (50, 230), (255, 0), (0, 255), (140, 90)], [Float(0), 0.4, -0.4])
    func inkIsWhereItWasPut(levels: (paper: Float, pen: Float), slope: Float) throws {
        // A light pen on light paper would be lost where the light is.
        if levels.paper == 140, slope != 0 { return }
        let sheet = sheet()
        let map = try #require(InkMap(sheet.image(paper: levels.paper, pen: levels.pen, slope: slope)))
        #expect(map.isDarkOnLight == (levels.paper > levels.pen))
        for (index, ink) in sheet.ink.enumerated() {
            #expect((map.ink[index] > 0.5) == (ink > 0.5), "pixel \(index % 120), \(index / 120): \(map.ink[index])")
        }
    }

    @Test func paperIsEmpty() {
        #expect(InkMap(GreyImage(width: 1, height: 1, pixels: [7])) == nil)
        #expect(InkMap(GreyImage(width: 90, height: 40, pixels: [UInt8](repeating: 255, count: 3600))) == nil)
        // Noise and a gradient, but nothing written.
        var stream = RandomStream(RandomAddress(seed: 4, purpose: .test))
        let noisy = (0..<(200 * 100)).map { index -> UInt8 in
            let noise = (0..<4).reduce(Float(0)) { sum, _ in sum + stream.uniform() - 0.5 } * 6
            return UInt8(150 + Float(index % 200) * 0.25 + noise)
        }
        #expect(InkMap(GreyImage(width: 200, height: 100, pixels: noisy)) == nil)
    }

    /// Fifteen levels of ink on noise of five: the picture as it is has specks, smoothed it has the strokes. Noise alone stays empty.
    @Test(arguments: [Float(-1), 1]) func faintInkIsFound(sign: Float) throws {
        var sheet = Sheet(width: 240, height: 180)
        sheet.fill(x: 60, y: 40, width: 14, height: 100)
        sheet.fill(x: 140, y: 80, width: 40, height: 12)
        var stream = RandomStream(RandomAddress(seed: 6, purpose: .test))
        func picture(_ contrast: Float) -> GreyImage {
            let pixels = sheet.ink.map { ink in
                UInt8((130 + sign * contrast * ink + 5 * Float(stream.normalPair().0)).rounded())
            }
            return GreyImage(width: sheet.width, height: sheet.height, pixels: pixels)
        }
        func wrong(_ map: InkMap) -> Int { zip(map.ink, sheet.ink).filter { ($0 > 0.5) != ($1 > 0.5) }.count }
        let faint = picture(15)
        let map = try #require(InkMap.clearest(faint))
        #expect(map.isDarkOnLight == (sign < 0) && map.noise < 0.12)
        // Two pixels of the strokes' outlines, of 332, are the smoothing's.
        #expect(wrong(map) < 2 * 332, "\(wrong(map)) pixels")
        #expect(InkMap(faint).map(\.noise) ?? 1 > 0.15)
        #expect(InkMap.clearest(picture(0)) == nil)
        // What is clear stays as it is.
        let clear = picture(100)
        #expect(try #require(InkMap.clearest(clear)).ink == #require(InkMap(clear)).ink)
    }

    /// Against plain flooding from every pixel.
    /// A narrow stroke with soft sides, cut at its ink, has two tones; no gradient has, nor has noise.
    @Test func twoTonesAreNoGradient() throws {
        func image(_ width: Int, _ height: Int, _ level: (Int, Int) -> Double) -> GreyImage {
            let pixels = (0..<height).flatMap { y in (0..<width).map { UInt8(min(max(level($0, y), 0), 255)) } }
            return GreyImage(width: width, height: height, pixels: pixels)
        }
        let profile: [Double] = [255, 220, 180, 140, 100, 50, 0, 0, 0, 60, 110, 150, 190, 240]
        #expect(TwoTones(image(14, 70) { x, _ in profile[x] })?.polarities.first == true)
        #expect(TwoTones(image(14, 70) { x, _ in 255 - profile[x] })?.polarities.contains(false) == true)
        #expect(TwoTones(image(200, 200) { x, _ in Double(x) * 255 / 199 }) == nil)
        #expect(TwoTones(image(200, 200) { x, y in Double(x + y) * 255 / 398 }) == nil)
        #expect(
            TwoTones(image(201, 201) { x, y in 255 - Double((x - 100) * (x - 100) + (y - 100) * (y - 100)) / 79 })
                == nil)
        var random = RandomStream(RandomAddress(seed: 3, purpose: .test))
        #expect(TwoTones(image(200, 200) { _, _ in Double(random.integer(below: 256)) }) == nil)
    }

    @Test func componentsAreThoseOfFlooding() {
        var stream = RandomStream(RandomAddress(seed: 9, purpose: .test))
        for _ in 0..<30 {
            let (width, height) = (1 + stream.integer(below: 14), 1 + stream.integer(below: 11))
            let ink = (0..<(width * height)).map { _ in stream.uniform() }
            let found = InkComponents(ink: ink, width: width, height: height, low: 0.45, high: 0.8)
            // Equal labels spread until nothing changes.
            var naive = ink.indices.map { ink[$0] > 0.45 ? $0 + 1 : 0 }
            var changed = true
            while changed {
                changed = false
                for a in ink.indices where naive[a] > 0 {
                    for b in ink.indices where naive[b] > naive[a] {
                        let touches = abs(a % width - b % width) <= 1 && abs(a / width - b / width) <= 1
                        if touches {
                            naive[b] = naive[a]
                            changed = true
                        }
                    }
                }
            }
            let strong = Set(ink.indices.filter { ink[$0] > 0.8 }.map { naive[$0] })
            #expect(found.components.count == strong.count)
            for a in ink.indices {
                #expect((found.labels[a] > 0) == strong.contains(naive[a]))
                for b in ink.indices where found.labels[a] > 0 && found.labels[b] > 0 {
                    #expect((found.labels[a] == found.labels[b]) == (naive[a] == naive[b]))
                }
            }
            for (index, component) in found.components.enumerated() {
                let own = ink.indices.filter { found.labels[$0] == Int32(index + 1) }
                #expect(component.area == own.count)
                #expect(
                    component.box.x == own.map { $0 % width }.min() && component.box.y == own.map { $0 / width }.min())
                #expect(component.box.right - 1 == own.map { $0 % width }.max())
                #expect(component.box.bottom - 1 == own.map { $0 / width }.max())
            }
        }
    }

    /// Soft edges go to the piece they belong to, and not beyond the valley between two.
    @Test func softEdgesGrowDownhill() {
        let ink: [Float] = [0.05, 0.2, 0.3, 1, 0.3, 0.2, 0.25, 0.35, 0.9, 0.3]
        let components = InkComponents(ink: ink, width: 10, height: 1, low: 0.5, high: 0.6)
        #expect(components.grownLabels(ink, floor: 0.1) == [0, 1, 1, 1, 1, 1, 2, 2, 2, 2])
    }

    /// A large picture of little is little work, and a stroke that is long and thin is not mostly margin.
    @Test func memoryIsInProportionToPictures() throws {
        let wide = GreyImage(width: 8192, height: 8192, pixels: [UInt8](repeating: 200, count: 1 << 26))
        #expect(Segmentation.reduced(wide).image.pixels.count <= 1 << 22)
        var sheet = Sheet(width: 20_000, height: 12)
        sheet.fill(x: 100, y: 5, width: 15_000, height: 3)
        let map = try #require(InkMap(sheet.image(paper: 240, pen: 20)))
        let glyph = Glyph(
            map, labels: map.ink.map { $0 > 0.5 ? 1 : 0 }, members: [1],
            box: PixelBox(x: 100, y: 5, width: 15_000, height: 3))
        #expect(glyph.ink.count < 20 * map.ink.count && glyph.ink.reduce(0, +) > 40_000)
    }

    /// Fractions of pixels are kept whole; what is no rectangle in any picture is none.
    @Test func boxesFromFractionsContainThem() {
        #expect(
            PixelBox(columns: (-0.5, 9.25), rows: (3, 4.01)) == PixelBox(x: -1, y: 3, width: 11, height: 2))
        for wrong in [(2.0, 2.0), (3, 1), (.nan, 4), (0, .infinity), (0, 1e9)] {
            #expect(PixelBox(columns: wrong, rows: (0, 1)) == nil && PixelBox(columns: (0, 1), rows: wrong) == nil)
        }
    }
}
