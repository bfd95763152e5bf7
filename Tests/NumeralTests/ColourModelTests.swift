import Numeral
import Pictures
import Recognition
import Tensors
import Testing
import Workers

/// Networks that see colours: pictures reach them in colour, and what is for ink is refused.
@Suite struct ColourModelTests {
    private static let side = 8

    /// Images of one brightness on average, in which one colour is stronger than the others.
    private static func images(_ count: Int, seed: UInt64) throws -> ImageSet {
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
        var pixels: [UInt8] = []
        for index in 0..<count {
            for _ in 0..<side * side {
                for c in 0..<3 { pixels.append(UInt8(60 + stream.integer(below: 60) + (c == index % 3 ? 60 : 0))) }
            }
        }
        return try ImageSet(
            pixels: pixels, labels: (0..<count).map { $0 % 3 }, height: side, width: side, channels: 3,
            classNames: ["red", "green", "blue"])
    }

    private static let trained = Result {
        let graph = try Graph(inputShape: [side, side, 3]) {
            Layer.globalAveragePooling2d
            Layer.dense(units: 3)
        }
        var experiment = Experiment(name: "colours", seed: 5, model: graph)
        experiment.training.epochs = 40
        experiment.training.optimizer = .adam(learningRate: 0.05)
        experiment.training.batchSize = 16
        return try Model.train(experiment, on: images(120, seed: 1), threads: 1)
    }

    private static func reader() throws -> (DigitReader, WorkerPool) {
        let pool = WorkerPool(threads: 1)
        return (try DigitReader(try trained.get().saved, pool: pool), pool)
    }

    @Test func picturesAreReadInColour() throws {
        let (reader, pool) = try Self.reader()
        defer { pool.shutdown() }
        let test = try Self.images(30, seed: 2)
        for index in 0..<30 {
            let (pixels, label) = test[index]
            // As a file, and larger than the network's input.
            let png = PNG(width: Self.side, height: Self.side, colour: .rgb, pixels: pixels)
            let picture = try reader.decode([UInt8](png.encoded()), place: "p")
            let reading = try reader.read(picture, .raw)
            #expect(reading.characters.first?.ranking.first == label)
            let larger = try reader.read(picture.resized(width: 20, height: 13), .single)
            #expect(larger.characters.first?.ranking.first == label)
            let direct = try Self.trained.get().classify(pixels).probabilities
            for (a, b) in zip(reader.probabilities(of: [pixels])[0], reading.characters[0].probabilities) {
                #expect(abs(a - b) < 1e-12)
            }
            #expect(direct.firstIndex(of: direct.max() ?? 0) == label)
        }
    }

    @Test func whatIsForInkIsRefused() throws {
        let (reader, pool) = try Self.reader()
        defer { pool.shutdown() }
        let grey = GreyImage(width: 8, height: 8, pixels: [UInt8](repeating: 200, count: 64))
        for error in [
            #expect(throws: InputError.self) { _ = try reader.read(grey, .single) },
            #expect(throws: InputError.self) {
                _ = try reader.read(ColourImage(planes: [grey, grey, grey]), .segment)
            },
        ] { #expect(error?.received == "one that sees colours") }
        let error = #expect(throws: InputError.self) {
            _ = try reader.read(ColourImage(planes: [grey, grey, grey]).resized(width: 9, height: 8), .raw, place: "p")
        }
        #expect(error?.received == "9×8")
    }
}
