import Foundation
import Numeral
import Pictures
import Testing

@Suite struct PictureTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/examples")

    /// The pictures that the documents show, through the model in the box, from a path and from memory.
    @Test func theModelInTheBoxReadsPictures() throws {
        let model = try Model.inTheBox(threads: 1)
        for (name, digit) in [("seven.jpg", "7"), ("three.png", "3")] {
            let path = Self.examples.appendingPathComponent(name).path
            let found = try model.read(path)
            #expect(found.map(\.classification.className) == [digit], "\(name)")
            let first = try #require(found.first)
            #expect(first.line == 0 && first.width > 0 && first.height > 0 && first.classification.confidence > 0.5)
            #expect(try model.read(picture: [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))) == found)
        }
    }

    @Test func whatIsNoPictureIsRefused() throws {
        let model = try Model.inTheBox(threads: 1)
        let error = #expect(throws: InputError.self) { try model.read(picture: Array("no picture".utf8), name: "x") }
        #expect(error?.description.hasPrefix("x: expected a picture: PNG, JPEG, PBM, PGM or PPM") == true)
        #expect(throws: InputError.self) { try model.read("no-such-picture.png") }
    }

    /// A network of lines classifies no images: it is refused where it is loaded, and its word in the command line too.
    @Test func aNetworkOfLinesIsNoModelOfImages() throws {
        let error = #expect(throws: InputError.self) { try Model.load("box-lines", threads: 1) }
        #expect(error?.received == "one that reads lines of text")
        #expect(try Model.load("box", threads: 1).classNames.count == 10)
    }
}
