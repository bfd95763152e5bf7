import Evaluation
import Experiments
import Foundation
import NeuralNetwork
import Pictures
import Tensors
import TestSupport
import Testing
import Workers

@testable import Recognition

/// Lines read whole by the network of lines in the box. Digits are those of the sample, most of which it has seen: what is tried
/// is everything around the network.
@Suite struct LineReaderTests {
    private static func reader() throws -> DigitReader {
        try DigitReader(BoxModel.load(), lines: BoxModel.loadLines(), pool: WorkerPool(threads: 1))
    }

    /// Digits of the sample from `first` on, their ink `gap` pixels of 28 apart.
    private static func line(_ first: Int, _ count: Int, gap: Int, zoom: Int) throws -> (Sheet, String, [Int]) {
        var sheet = Sheet(width: 40 + (count * 30 + max(0, gap) * count) * zoom, height: 60 + 28 * zoom)
        var x = 20, text = "", places: [Int] = []
        for index in first..<first + count {
            let digit = try SampleDigits.digit(index)
            let (left, right) = SampleDigits.columns(digit.pixels)
            sheet.put(digit.pixels, x: x - left * zoom, y: 30, zoom: zoom)
            places.append(x)
            x += (right - left + 1 + gap) * zoom
            text += "\(digit.label)"
        }
        return (sheet, text, places)
    }

    @Test func theBoxIsSmall() throws {
        let files = try ["mnist.safetensors", "lines.safetensors"].map {
            try Data(contentsOf: BoxModel.folder.appendingPathComponent($0)).count
        }
        #expect(files.reduce(0, +) <= 3_000_000)
        let lines = try BoxModel.loadLines()
        #expect(lines.graph.readsLines && lines.temperature != nil && lines.classNames.count == 10)
        #expect(lines.strangers != nil)
        // Its run's own figures lie beside it.
        struct Figures: Decodable {
            struct Test: Decodable { var lines: Int, accuracy: Double }
            var temperature: Double, parameters: Int, test: Test
        }
        let figures = try JSONDecoder().decode(
            Figures.self, from: Data(contentsOf: BoxModel.folder.appendingPathComponent("lines-figures.json")))
        #expect(figures.test.lines == 2_000 && figures.test.accuracy > 0.95)
        #expect(figures.parameters == lines.graph.parameterCount)
        #expect(lines.temperature.map { abs($0 - figures.temperature) < 1e-9 } ?? false)
    }

    /// A network that takes no line as narrow as one thin digit gets paper behind it; one of other pixels is refused.
    @Test func narrowLinesFitAnyNetworkOfLines() throws {
        func model(channels: Int, normalization: (mean: Float, standardDeviation: Float)? = nil) throws -> SavedModel {
            let text = """
                {"name": "n", "data": {"lines": {}}, "training": {"loss": {"type": "ctc"}},
                 "model": {"inputShape": [32, 192, \(channels)], "layers":
                 [{"type": "conv2d", "filters": 4, "kernelSize": [32, 31]}, {"type": "conv2d", "filters": 11, "kernelSize": 1}]}}
                """
            let experiment = try Experiment.decode(text, name: ""), graph = try ResolvedGraph(experiment.model)
            return SavedModel(
                experiment: experiment, graph: graph, classNames: (0..<10).map { "\($0)" },
                normalization: normalization,
                parameters: try graph.initialParameters(seed: 1), state: graph.initialState())
        }
        var sheet = Sheet(width: 60, height: 60)
        sheet.fill(x: 28, y: 10, width: 3, height: 40)
        let map = try #require(InkMap(sheet.image(paper: 240, pen: 20))), segmentation = Segmentation(map)
        let glyph = try #require(segmentation.glyph(segmentation.lines.flatMap { $0 }))
        #expect(try #require(LinePreparation(height: 32, step: 16).line(glyph)).width == 16)
        let narrow = try model(channels: 1)
        #expect(throws: InputError.self) { try narrow.graph.widened(to: 16) }
        let pool = WorkerPool(threads: 1)
        #expect(throws: Never.self) { try LineReader(narrow, pool: pool).readings(glyph) }
        #expect(throws: InputError.self) { try LineReader(try model(channels: 3), pool: pool) }
        #expect(throws: InputError.self) {
            try LineReader(try model(channels: 1, normalization: (0.1, 0.3)), pool: pool)
        }
    }

    @Test(arguments: [(6, 3, 0.9), (0, 3, 0.7), (-2, 4, 0.7), (14, 2, 0.9)])
    func linesAreReadWhole(gap: Int, zoom: Int, least: Double) throws {
        let reader = try Self.reader()
        var right = 0
        for number in 0..<20 {
            let (sheet, text, places) = try Self.line(200 + 5 * number, 5, gap: gap, zoom: zoom)
            let image =
                number % 2 == 0
                ? sheet.image(paper: 220, pen: 30, slope: 0.2) : sheet.image(paper: 50, pen: 230, slope: -0.2)
            let reading = try reader.read(image, .segment)
            #expect(reading.lineProbabilities.count == 1)
            let read = reading.characters.map { reader.classNames[$0.classIndex] }.joined()
            guard read == text else { continue }
            right += 1
            for (character, x) in zip(reading.characters, places) {
                // Where it stands, half a digit or less aside.
                #expect(abs(character.box.x - x) <= 10 * zoom, "\(character.box) \(x)")
                #expect(character.probabilities.count == 10 && character.line == 0)
                #expect(character.probabilities.reduce(0, +) <= 1 + 1e-9)
                #expect(character.input.count == 784)
            }
        }
        #expect(Double(right) >= least * 20, "\(right)")
    }

    /// Characters that touch have a familiarity too; digits whose halves are exchanged are unknown as a line.
    @Test func strangersInLinesAreTold() throws {
        let reader = try Self.reader()
        func familiarities(_ change: (inout Sheet) -> Void) throws -> [[Double]] {
            try (0..<20).map { number in
                var (sheet, _, _) = try Self.line(200 + 5 * number, 5, gap: -2, zoom: 3)
                change(&sheet)
                let characters = try reader.read(sheet.image(paper: 220, pen: 30), .segment).characters
                return try characters.map { try #require($0.familiarity) }
            }
        }
        let digits = try familiarities { _ in }
        #expect(digits.joined().count { $0 < 0.01 } <= 3 && digits.joined().count > 80)
        let exchanged = try familiarities { sheet in
            // The digits stand from row 30 on, 84 rows.
            let (from, half) = (30 * sheet.width, 42 * sheet.width)
            for i in from..<from + half { sheet.ink.swapAt(i, i + half) }
        }
        #expect(exchanged.count { $0.allSatisfy { $0 < 0.01 } } >= 15, "\(exchanged)")
    }

    @Test func severalLinesAreReadInOrder() throws {
        let reader = try Self.reader()
        var page = Sheet(width: 700, height: 500), texts: [String] = []
        for number in 0..<3 {
            let (sheet, text, _) = try Self.line(300 + 4 * number, 4, gap: 5, zoom: 3)
            for y in 0..<sheet.height {
                for x in 0..<sheet.width {
                    page.ink[(y + 150 * number) * 700 + x + 60] = sheet.ink[y * sheet.width + x]
                }
            }
            texts.append(text)
        }
        let reading = try reader.read(page.image(paper: 230, pen: 20), .segment)
        #expect(reading.lineProbabilities.count == 3 && Set(reading.characters.map(\.line)) == [0, 1, 2])
        let read = (0..<3).map { line in
            reading.characters.filter { $0.line == line }.map { "\($0.classIndex)" }.joined()
        }
        #expect(zip(read, texts).count { $0 == $1 } >= 2, "\(read) \(texts)")
    }

    @Test func emptyPicturesAndOtherNetworksAreToldApart() throws {
        let reader = try Self.reader()
        let empty = try reader.read(Sheet(width: 200, height: 80).image(paper: 200, pen: 10), .segment)
        #expect(empty.characters.isEmpty && empty.lineProbabilities.isEmpty)
        #expect(throws: InputError.self) { try LineReader(BoxModel.load(), pool: WorkerPool(threads: 1)) }
        #expect(throws: InputError.self) { try DigitReader(BoxModel.loadLines(), pool: WorkerPool(threads: 1)) }
    }

    /// Paper between characters that is wider than most gaps is shortened, and places are kept.
    @Test func wideGapsAreShortened() throws {
        func line(_ gap: Int) throws -> (line: LinePreparation.Line, glyph: Glyph) {
            var sheet = Sheet(width: 400 + gap, height: 100)
            for x in [50, 90 + gap] {
                sheet.fill(x: x, y: 20, width: 12, height: 60)
                sheet.fill(x: x, y: 20, width: 30, height: 12)
            }
            let segmentation = Segmentation(try #require(InkMap(sheet.image(paper: 240, pen: 20))))
            let glyph = try #require(segmentation.glyph(segmentation.lines.flatMap { $0 }))
            return (try #require(LinePreparation(height: 32, step: 16).line(glyph)), glyph)
        }
        let (near, nearGlyph) = try line(0), (far, glyph) = try line(250), (farther, _) = try line(150)
        #expect(far.pixels == farther.pixels && near.width < far.width && far.width <= 96)
        #expect(far.places.count == far.width + 1 && near.pixels.count == 32 * near.width)
        for (line, glyph) in [(near, nearGlyph), (far, glyph)] {
            #expect(zip(line.places, line.places.dropFirst()).allSatisfy { $0 <= $1 })
            // The first and the last column of ink are those of the glyph.
            let inked = (0..<line.width).filter { x in (0..<32).contains { line.pixels[$0 * line.width + x] > 128 } }
            let (first, last) = (try #require(inked.first), try #require(inked.last))
            #expect(abs(line.places[first] - Double(glyph.margin)) <= 3, "\(line.places[first])")
            #expect(abs(line.places[last + 1] - Double(glyph.stride - glyph.margin)) <= 3)
            let rows = (0..<32).filter { y in (0..<line.width).contains { line.pixels[y * line.width + $0] > 128 } }
            #expect(rows.first == 2 && rows.last == 29)
        }
    }
}
