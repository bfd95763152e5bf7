import Experiments
import Formats
import Foundation
import NeuralNetwork
import Pictures
import Runs
import Tensors
import TestSupport
import Testing
import Workers

@testable import Recognition

/// Pictures read from end to end by the model in the box.
@Suite struct ReaderTests {
    private static func reader() throws -> DigitReader {
        try DigitReader(try BoxModel.load(), pool: WorkerPool(threads: 1))
    }

    @Test func theModelInTheBoxIsSmallCalibratedAndCarriesItsFigures() throws {
        let file = BoxModel.folder.appendingPathComponent("mnist.safetensors")
        #expect(try Data(contentsOf: file).count <= 1_000_000)
        let model = try BoxModel.load()
        #expect(model.classNames == (0..<10).map { "\($0)" } && model.graph.inputShape == Shape([28, 28, 1]))
        let temperature = try #require(model.temperature)
        let figures = try JSONDecoder().decode(
            MetricsRecord.self, from: Data(contentsOf: BoxModel.folder.appendingPathComponent("figures.json")))
        #expect(figures.dataSource == .full && figures.test.count == 10_000 && figures.test.accuracy > 0.995)
        #expect(figures.parameters == model.graph.parameterCount)
        #expect(figures.temperature.map { abs($0 - temperature) < 1e-12 } ?? false)
    }

    /// Digits of the sample (the network has seen most of them) in every light: what is tried is everything before it.
    @Test(arguments: [(Float(215), Float(40), 2), (60, 235, 3), (160, 60, 5), (90, 200, 4)])
    func digitsAreReadInAnyLight(paper: Float, pen: Float, zoom: Int) throws {
        let reader = try Self.reader()
        var right = 0
        for index in 0..<50 {
            let digit = try SampleDigits.digit(index)
            var sheet = Sheet(width: 300, height: 200)
            sheet.put(digit.pixels, x: 7 * index % 140, y: 5 * index % 60, zoom: zoom)
            let reading = try reader.read(sheet.image(paper: paper, pen: pen, slope: 0.4), .single)
            #expect(reading.characters.count == 1)
            if reading.characters.first?.classIndex == digit.label { right += 1 }
        }
        #expect(right >= 49)
    }

    @Test func aLineIsReadInOrder() throws {
        let reader = try Self.reader()
        var right = 0
        for line in 0..<8 {
            var sheet = Sheet(width: 700, height: 180)
            var labels: [Int] = []
            for place in 0..<6 {
                let digit = try SampleDigits.digit(100 + 6 * line + place)
                sheet.put(digit.pixels, x: 20 + 105 * place, y: 30 + 3 * place, zoom: 4)
                labels.append(digit.label)
            }
            let reading = try reader.read(sheet.image(paper: 220, pen: 30, slope: -0.3), .segment)
            if reading.characters.map(\.classIndex) == labels { right += 1 }
            #expect(reading.characters.allSatisfy { $0.line == 0 })
        }
        #expect(right >= 7)
    }

    @Test func anEmptyPictureHoldsNothing() throws {
        let reader = try Self.reader()
        let empty = GreyImage(width: 90, height: 50, pixels: [UInt8](repeating: 200, count: 4500))
        #expect(try reader.read(empty, .single).characters.isEmpty)
        #expect(try reader.read(empty, .segment).characters.isEmpty)
    }

    @Test func mnistsOwnPicturesAreTakenAsTheyAre() throws {
        let reader = try Self.reader()
        let digit = try SampleDigits.digit(3)
        let image = GreyImage(width: 28, height: 28, pixels: digit.pixels)
        let raw = try reader.read(image, .raw), single = try reader.read(image, .single)
        #expect(raw.characters[0].input == digit.pixels && single.characters[0].input == digit.pixels)
        #expect(raw.characters[0].probabilities == single.characters[0].probabilities)
        // Dark on light it is a picture like any other.
        let inverted = try reader.read(image.inverted, .single)
        #expect(inverted.characters[0].classIndex == digit.label && inverted.characters[0].input != digit.pixels)
        let error = #expect(throws: InputError.self) {
            try reader.read(
                GreyImage(width: 27, height: 28, pixels: [UInt8](repeating: 0, count: 756)), .raw, place: "p")
        }
        #expect(error?.description.hasPrefix("p: expected 28×28 pixels") == true)
    }

    @Test func boxesOfLargePicturesAreInTheirOwnPixels() throws {
        let digit = try SampleDigits.digit(5)
        var sheet = Sheet(width: 3000, height: 2000)
        sheet.put(digit.pixels, x: 1200, y: 700, zoom: 30)
        let reading = try Self.reader().read(sheet.image(paper: 230, pen: 20), .single)
        let columns = (0..<28).filter { x in (0..<28).contains { digit.pixels[28 * $0 + x] > 127 } }
        let box = try #require(reading.characters.first).box
        #expect(reading.characters[0].classIndex == digit.label)
        #expect(abs(box.x - (1200 + 30 * (columns.first ?? 0))) <= 20)
        #expect(abs(box.right - (1200 + 30 * ((columns.last ?? 0) + 1))) <= 20)
    }

    @Test func probabilitiesAreThoseOfTheLogitsOverTheTemperature() throws {
        let reader = try Self.reader()
        let inputs = try (0..<70).map { try SampleDigits.digit($0).pixels }
        let all = reader.probabilities(of: inputs)
        for index in [0, 31, 32, 69] {
            let alone = reader.probabilities(of: [inputs[index]])[0]
            #expect(zip(all[index], alone).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(abs(all[index].reduce(0, +) - 1) < 1e-12)
        }
    }

    @Test func otherNetworksAreReadByTheirShape() throws {
        func model(_ shape: String) throws -> SavedModel {
            let text = """
                {"name": "n", "model": {"inputShape": \(shape), "layers": [{"type": "flatten"}, {"type": "dense", "units": 3}]}}
                """
            let experiment = try Experiment.decode(text, name: "")
            let graph = try ResolvedGraph(experiment.model)
            return SavedModel(
                experiment: experiment, graph: graph, classNames: ["a", "b", "c"], normalization: nil,
                parameters: try graph.initialParameters(seed: 1), state: graph.initialState())
        }
        var sheet = Sheet(width: 60, height: 60)
        sheet.fill(x: 20, y: 20, width: 10, height: 20)
        let image = sheet.image(paper: 255, pen: 0)
        for (shape, count) in [("[12, 20, 1]", 240), ("[12, 20, 3]", 720)] {
            let reader = try DigitReader(try model(shape), pool: WorkerPool(threads: 1))
            #expect(!reader.isCalibrated && reader.temperature == 1)
            let picture = ColourImage(planes: reader.seesColour ? [image, image, image] : [image])
            let character = try #require(try reader.read(picture, .single).characters.first)
            #expect(character.input.count == count && character.probabilities.count == 3)
        }
        #expect(throws: InputError.self) { try DigitReader(try model("[12, 20, 2]"), pool: WorkerPool(threads: 1)) }
        #expect(throws: InputError.self) { try DigitReader(try model("[12]"), pool: WorkerPool(threads: 1)) }
    }

    /// What a network cannot be used for is said before it is used.
    @Test func networksThatCannotReadAreRefused() throws {
        func model(classes: Int, names: [String]? = nil, change: (inout Experiment) -> Void = { _ in }) throws
            -> SavedModel
        {
            let text = """
                {"name": "n", "model": {"inputShape": [12, 20, 1], "layers":
                 [{"type": "flatten"}, {"type": "dense", "units": \(classes)}]}}
                """
            var experiment = try Experiment.decode(text, name: "")
            change(&experiment)
            let graph = try ResolvedGraph(experiment.model)
            return SavedModel(
                experiment: experiment, graph: graph, classNames: names ?? (0..<classes).map { "\($0)" },
                normalization: nil, dataset: "pictures", parameters: try graph.initialParameters(seed: 1),
                state: graph.initialState())
        }
        func reader(_ model: SavedModel) throws -> DigitReader { try DigitReader(model, pool: WorkerPool(threads: 1)) }
        #expect(throws: Never.self) { try reader(try model(classes: 256)) }
        #expect(throws: InputError.self) { try reader(try model(classes: 257)) }
        #expect(throws: InputError.self) { try reader(try model(classes: 2, names: ["a", "a"])) }
        // Whole pictures have no characters to be cut out.
        var sheet = Sheet(width: 60, height: 60)
        sheet.fill(x: 20, y: 20, width: 10, height: 20)
        let image = sheet.image(paper: 255, pen: 0),
            whole = try reader(
                try model(classes: 2) { ($0.data.directory, $0.data.prepare) = ("d", false) })
        #expect(try !whole.takesPrepared && whole.read(image, .single).characters.count == 1)
        #expect(throws: InputError.self) { try whole.read(image, .segment) }
    }

    /// One pixel of the map by its definition, patch by patch.
    @Test func theOcclusionMapIsItsDefinition() throws {
        let reader = try Self.reader()
        let digit = try SampleDigits.digit(8)
        let character = try #require(
            try reader.read(GreyImage(width: 28, height: 28, pixels: digit.pixels), .raw).characters.first)
        let map = OcclusionMap(reader, character)
        for (x, y) in [(14, 14), (10, 9), (0, 0), (27, 13)] {
            var sum = 0.0, count = 0.0
            for v in max(0, y - 2)...min(27, y + 2) {
                for u in max(0, x - 2)...min(27, x + 2) {
                    var covered = digit.pixels
                    for q in 0..<28 {
                        for p in 0..<28 where abs(p - u) <= 2 && abs(q - v) <= 2 { covered[28 * q + p] = 0 }
                    }
                    let after = reader.probabilities(of: [covered])[0][character.classIndex]
                    sum += log(character.confidence) - log(after)
                    count += 1
                }
            }
            #expect(abs(Double(map.values[28 * y + x]) - sum / count) < 1e-3 * max(1, abs(sum / count)), "\(x), \(y)")
        }
    }

    @Test func anExplanationIsAPicture() throws {
        let reader = try Self.reader()
        var sheet = Sheet(width: 300, height: 100)
        for place in 0..<3 { sheet.put(try SampleDigits.digit(place).pixels, x: 10 + 90 * place, y: 8, zoom: 3) }
        let image = sheet.image(paper: 230, pen: 30)
        let reading = try reader.read(image, .segment)
        let bytes = [UInt8](try Explanation(image, reading, reader: reader).encoded())
        let picture = try ImageDecoder.decode(bytes, place: "explanation")
        #expect(picture.width >= 300 && picture.height > 300)
        // The same for the same picture.
        #expect([UInt8](try Explanation(image, reading, reader: reader).encoded()) == bytes)
    }

    @Test func recordsSayWhatWasLeftOut() throws {
        func character(_ line: Int, _ probabilities: [Double], _ familiarity: Double? = nil) -> ReadCharacter {
            ReadCharacter(
                box: PixelBox(x: 1, y: 2, width: 3, height: 4), line: line, input: [], probabilities: probabilities,
                familiarity: familiarity)
        }
        let reading = Reading(
            characters: [
                character(0, [0.1, 0.9], 0.05), character(0, [0.55, 0.45]), character(1, [1, 0]),
                character(1, [1, 0], 0.049),
            ])
        let record = ReadingRecord(
            file: "a,b.png", reading: reading, classNames: ["x", "y"], reject: 0.6, known: 0.95)
        #expect(record.lines == ["y?", "x?"])
        var table = CSV(header: ReadingRecord.header(classes: 2))
        record.appendRows(to: &table)
        #expect(
            table.text == """
                file,line,index,x,y,width,height,class,probability,rejected,p0,p1,familiarity,unknown
                "a,b.png",0,0,1,2,3,4,y,0.9,0,0.1,0.9,0.05,0
                "a,b.png",0,1,1,2,3,4,x,0.55,1,0.55,0.45,,0
                "a,b.png",1,0,1,2,3,4,x,1.0,0,1.0,0.0,,0
                "a,b.png",1,1,1,2,3,4,x,1.0,0,1.0,0.0,0.049,1

                """)
        var file = ReadingsFile(model: "m", temperature: nil)
        file.add(record)
        file.add(file: "c.png", error: "c.png: expected …")
        let json = try JSONSerialization.jsonObject(with: Data(try file.encoded())) as? [String: Any]
        let files = json?["files"] as? [[String: Any]]
        #expect(files?.count == 2 && files?[0]["text"] as? [String] == ["y?", "x?"])
        #expect(files?[1]["error"] as? String == "c.png: expected …")
        let words = ReadingRecord(file: "f", reading: reading, classNames: ["ten", "one"], reject: 0, known: 1)
        #expect(words.lines == ["one ten", "ten ten"])
    }

    @Test("In a line, what is read with confidence is unknown only if it is five times as strange")
    func unknownInLines() {
        func unknown(_ probability: Double, _ familiarity: Double, ofLine: Bool) -> Bool {
            let character = ReadCharacter(
                box: PixelBox(x: 0, y: 0, width: 1, height: 1), line: 0, input: [],
                probabilities: [probability, 1 - probability], familiarity: familiarity)
            let reading = Reading(characters: [character], lineProbabilities: ofLine ? [probability] : [])
            return ReadingRecord(file: "f", reading: reading, classNames: ["x", "y"], reject: 0, known: 0.99)
                .isUnknown(character)
        }
        for (probability, ofLine, limit) in [(0.89, true, 0.01), (0.9, true, 0.002), (0.9, false, 0.01)] {
            #expect(unknown(probability, limit - 0.001, ofLine: ofLine))
            #expect(!unknown(probability, limit, ofLine: ofLine))
        }
    }
}
