import CInterface
import Foundation
import Numeral
import Testing

/// What `numeral.h` declares, called as C calls it.
@Suite struct CInterfaceTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/examples")

    /// Gives `body` the model in the box and a place for errors.
    private func withModel(_ body: (OpaquePointer, UnsafeMutablePointer<CChar>) throws -> Void) throws {
        var model: OpaquePointer?
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { error in
            let place = try #require(error.baseAddress)
            #expect(CInterface.load("box", 1, &model, place, 512) == 0, "\(String(cString: place))")
            try body(try #require(model), place)
        }
        CInterface.free(model)
    }

    @Test func whatTheModelIs() throws {
        #expect(CInterface.abiVersion() == 1)
        #expect(CInterface.version().map { String(cString: $0) } == Numeral.version)
        // Seven fields of four bytes, as in the header.
        #expect(MemoryLayout<CCharacter>.size == 28 && MemoryLayout<CCharacter>.offset(of: \.confidence) == 4)
        try withModel { model, _ in
            var shape: [Int32] = [0, 0, 0]
            CInterface.inputShape(model, &shape)
            #expect(shape == [28, 28, 1])
            #expect(CInterface.classCount(model) == 10)
            #expect(CInterface.className(model, 7).map { String(cString: $0) } == "7")
            #expect(CInterface.className(model, 10) == nil && CInterface.className(model, -1) == nil)
        }
    }

    @Test func classifiesAsTheModelDoes() throws {
        let pixels: [UInt8] = (0..<2352).map { index in UInt8((index * 31 + index / 28) % 256) }
        let expected = try Model.inTheBox(threads: 1).classify(images: pixels)
        try withModel { model, error in
            var probabilities = [Float](repeating: -1, count: 30)
            #expect(CInterface.classifyBytes(model, pixels, 3, &probabilities, error, 512) == 0)
            #expect(probabilities == expected.flatMap(\.probabilities))
            let numbers = pixels.map { Float($0) / 255 }
            #expect(CInterface.classifyFloats(model, numbers, 3, &probabilities, error, 512) == 0)
            for (a, b) in zip(probabilities, expected.flatMap(\.probabilities)) { #expect(abs(a - b) < 1e-6) }
            #expect(
                CInterface.classifyFloats(model, [Float](repeating: 2, count: 784), 1, &probabilities, error, 512) == 2)
            #expect(String(cString: error).hasPrefix("pixels[0]: expected a number in [0, 1]"))
            #expect(CInterface.classifyBytes(model, pixels, -1, &probabilities, error, 512) == 2)
            #expect(CInterface.classifyBytes(model, pixels, .max, &probabilities, error, 512) == 2)
            #expect(CInterface.classifyBytes(model, nil, 1, &probabilities, error, 512) == 2)
            #expect(CInterface.classifyBytes(nil, pixels, 1, &probabilities, error, 512) == 2)
            #expect(CInterface.classifyBytes(model, pixels, 0, &probabilities, error, 512) == 0)
        }
    }

    @Test func readsPictures() throws {
        let path = Self.examples.appendingPathComponent("form.jpg").path
        let expected = try Model.inTheBox(threads: 1).read(path)
        try withModel { model, error in
            var characters = [CCharacter](repeating: CCharacter(), count: 16), count: Int64 = -1
            #expect(CInterface.readFile(model, path, &characters, 16, &count, error, 512) == 0)
            #expect(count == Int64(expected.count))
            for (c, found) in zip(characters, expected) {
                #expect(c.label == found.classification.label && c.confidence == found.classification.confidence)
                #expect(
                    (c.x, c.y, c.width, c.height) == (
                        Int32(found.x), Int32(found.y), Int32(found.width), Int32(found.height)
                    ))
            }
            // A place that is too small is filled, and the whole number told.
            var two = [CCharacter](repeating: CCharacter(), count: 3)
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(CInterface.readBytes(model, bytes, Int64(bytes.count), &two, 2, &count, error, 512) == 0)
            #expect(count == Int64(expected.count) && two[1].label == characters[1].label && two[2].width == 0)
            #expect(CInterface.readFile(model, path, nil, 0, &count, error, 512) == 0)
            #expect(CInterface.readFile(model, "nope.png", &two, 2, &count, error, 512) == 2)
            #expect(String(cString: error) == "nope.png: expected a file · received nothing there")
            #expect(count == 0)
        }
    }

    @Test func whatCannotBeLoadedIsSaid() {
        var model: OpaquePointer? = OpaquePointer(bitPattern: 1)
        var error = [CChar](repeating: 1, count: 64)
        #expect(CInterface.load("no-such-model", 0, &model, &error, 20) == 2)
        #expect(model == nil)
        let text = String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(text.count <= 19 && text.hasPrefix("no-such-model: "))
        #expect(error[20] == 1)
        #expect(CInterface.load(nil, 0, &model, nil, 0) == 2)
        #expect(CInterface.load("box", -1, &model, nil, 0) == 2)
        CInterface.free(nil)
    }
}
