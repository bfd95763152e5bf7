import Foundation
import Tensors
import Testing

@testable import Numeral

@Suite struct ModelTests {
    private func model() throws -> Model { try Stripes.trained.get() }

    private func pixels(of image: Int, in all: [UInt8]) -> [UInt8] { Array(all[(image * 144)..<((image + 1) * 144)]) }

    /// The network was learnt, and one image alone is read as in a batch, to rounding.
    @Test func oneImageIsReadAsMany() throws {
        let model = try model()
        let (pixels, labels) = Stripes.pixels(60, seed: 2)
        let together = try model.classify(images: pixels)
        let alone = try (0..<60).map { try model.classify(self.pixels(of: $0, in: pixels)) }
        #expect(together.count == 60)
        #expect(zip(alone, labels).filter { $0.label == $1 }.count >= 57)
        for (a, b) in zip(alone, together) {
            #expect(a.label == b.label && a.className == Stripes.names[a.label])
            #expect(abs(a.probabilities.reduce(0, +) - 1) < 1e-5)
            #expect(a.confidence == a.probabilities.max())
            for (p, q) in zip(a.probabilities, b.probabilities) { #expect(abs(p - q) < 1e-5) }
        }
        let figures = try model.evaluate(on: try Stripes.images(60, seed: 2))
        #expect(figures.confusionMatrix.correct == zip(together, labels).filter { $0.label == $1 }.count)
        #expect(figures.predictions.probabilities == together.flatMap(\.probabilities))
        #expect(figures.bootstrap == nil)
        #expect(try model.evaluate(on: try Stripes.images(60, seed: 2), bootstrap: true).bootstrap != nil)
    }

    /// With bytes it is as often right, and comes back from its file as it was: whether or not this machine gains by it.
    @Test func quantized() throws {
        let model = try model(), images = try Stripes.images(60, seed: 9), (pixels, _) = Stripes.pixels(60, seed: 10)
        var untimed = Quantizer.Options()
        untimed.isUntimed = true
        let bytes = try model.quantized(on: images, threads: 1, options: untimed)
        let again = try Model(decoding: bytes.encoded())
        let answers = try bytes.classify(images: pixels)
        #expect(try again.classify(images: pixels) == answers)
        #expect(try bytes.classify(self.pixels(of: 7, in: pixels)) == answers[7])
        let floats = try model.classify(images: pixels)
        #expect(zip(floats, answers).filter { $0.label != $1.label }.count <= 3)
        #expect(floats != answers)
        #expect(throws: InputError.self) { try model.quantized(on: images, threads: 0) }
        let wrong = try ImageSet(
            pixels: [UInt8](repeating: 0, count: 4), labels: [0], height: 2, width: 2, classNames: Stripes.names)
        #expect(throws: InputError.self) { try model.quantized(on: wrong) }
    }

    @Test func numbersAreReadAsTheirBytes() throws {
        let model = try model()
        let (pixels, _) = Stripes.pixels(9, seed: 5)
        for image in 0..<9 {
            let bytes = self.pixels(of: image, in: pixels)
            #expect(try model.classify(bytes) == (try model.classify(bytes.map { Float($0) / 255 })))
        }
        #expect(try model.classify(images: pixels) == (try model.classify(images: pixels.map { Float($0) / 255 })))
        #expect(try model.classify(images: [UInt8]()).isEmpty)
    }

    /// Eight tasks at once, each with single images, batches and evaluations, get what one alone gets, bit for bit.
    @Test func anyNumberOfTasksMayAsk() async throws {
        let model = try Model(decoding: model().encoded(), threads: 2)
        let (pixels, _) = Stripes.pixels(48, seed: 6)
        let alone = try (0..<48).map { try model.classify(self.pixels(of: $0, in: pixels)) }
        let together = try model.classify(images: pixels)
        let answers = try await withThrowingTaskGroup(of: ([Classification], [Classification]).self) { group in
            for task in 0..<8 {
                group.addTask {
                    var single: [Int: Classification] = [:]
                    for step in 0..<96 {
                        let image = (step * 5 + task * 7) % 48
                        single[image] = try model.classify(self.pixels(of: image, in: pixels))
                    }
                    return (try (0..<48).map { try #require(single[$0]) }, try model.classify(images: pixels))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 8)
        for (single, batch) in answers { #expect(single == alone && batch == together) }
    }

    @Test func aSavedModelComesBack() throws {
        let model = try model()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("numeral-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("stripes.safetensors").path
        try model.save(to: path)
        let loaded = try Model.load(path, threads: 1)
        #expect(loaded.encoded() == model.encoded())
        #expect(loaded.experiment.training == model.experiment.training)
        #expect(loaded.classNames == Stripes.names && loaded.inputShape == Shape([12, 12, 1]))
        #expect(loaded.parameterCount == 72 + 16 + 8 * 36 * 3 + 3)
        #expect(loaded.workingBytes > 4 * loaded.parameterCount)
        let (pixels, _) = Stripes.pixels(3, seed: 7)
        for image in 0..<3 {
            let one = self.pixels(of: image, in: pixels)
            #expect(try loaded.classify(one) == (try model.classify(one)))
        }
        #expect(throws: OperationError.self) { try model.save(to: folder.appendingPathComponent("no/model").path) }
    }

    @Test func wrongInputIsRefused() throws {
        let model = try model()
        func line(_ body: () throws -> Void) -> String? {
            (#expect(throws: InputError.self) { try body() })?.description
        }
        #expect(
            line { _ = try model.classify([UInt8](repeating: 0, count: 100)) }
                == "pixels: expected 144 (12×12×1) · received 100")
        #expect(
            line { _ = try model.classify([UInt8](repeating: 0, count: 288)) }
                == "pixels: expected 144 (12×12×1) · received 288")
        #expect(
            line { _ = try model.classify(images: [Float](repeating: 0, count: 145)) }
                == "pixels: expected a multiple of 144 (12×12×1) · received 145")
        var spoilt = [Float](repeating: 0, count: 144)
        spoilt[143] = .nan
        #expect(
            line { _ = try model.classify(spoilt) } == "pixels[143]: expected a number in [0, 1] · received nan")
        spoilt[143] = .infinity
        #expect(
            line { _ = try model.classify(images: spoilt) }?.hasPrefix("pixels[143]: expected a number") == true)
        let none = try ImageSet(pixels: [UInt8](), labels: [], height: 12, width: 12, classNames: Stripes.names)
        #expect(line { _ = try model.evaluate(on: none) } == "images: expected at least one image · received none")
        let digits = try ImageSet(pixels: [UInt8](repeating: 0, count: 144), labels: [0], height: 12, width: 12)
        #expect(
            line { _ = try model.evaluate(on: digits) }
                == "model.layers[6] (dense_1): expected 10 outputs, the classes of images · received 3 · "
                + "\"units\": \"classes\" in the last dense layer takes as many as there are")
        #expect(line { _ = try Model.load("no-such-file") } != nil)
        #expect(line { _ = try Model(decoding: Data([1, 2, 3])) }?.hasPrefix("model: ") == true)
        #expect(
            line { _ = try Model(decoding: model.encoded(), threads: 0) }
                == "threads: expected an integer in 1…1024 · received 0")
    }
}
