import Foundation
import Tensors
import Testing

@testable import Formats

@Suite("Safetensors")
struct SafetensorsTests {
    private let small = SafetensorsFile(
        metadata: ["format": "numeral", "a": "quote \" backslash \\ newline \n tab \t é 数 \u{1}"],
        tensors: [
            TensorRecord(
                name: "dense/kernel", shape: [2, 3],
                values: [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude, -3.25]),
            TensorRecord(name: "empty", shape: [0, 4], values: []),
            TensorRecord(name: "a \"b\"", shape: [], values: [7]),
        ])

    /// A file with this header and so many zero bytes after it.
    private func file(_ header: String, bytes: Int = 0) -> Data {
        let length = UInt64(header.utf8.count)
        return Data((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }) + Data(header.utf8)
            + Data(count: bytes)
    }

    /// The error of decoding `data`; nil where it decodes. What decodes must also be something that can be written.
    private func refusal(_ data: Data) -> InputError? {
        do throws(InputError) {
            let read = try SafetensorsFile.decode(data, name: "model.safetensors")
            #expect(read.encoded().count >= 8)
            return nil
        } catch {
            return error
        }
    }

    @Test("gives back what was written, bit for bit")
    func roundTrip() throws {
        let read = try SafetensorsFile.decode(small.encoded(), name: "small")
        #expect(read.metadata == small.metadata)
        #expect(read.tensors.map(\.name) == small.tensors.map(\.name))
        #expect(read.tensors.map(\.shape) == small.tensors.map(\.shape))
        #expect(read.tensors.map { $0.values.map(\.bitPattern) } == small.tensors.map { $0.values.map(\.bitPattern) })
        let empty = SafetensorsFile()
        #expect(try SafetensorsFile.decode(empty.encoded(), name: "empty") == empty)
        // A slice of a longer Data, whose indices do not begin at 0.
        let slice = (Data([1, 2, 3]) + small.encoded()).dropFirst(3)
        #expect(try SafetensorsFile.decode(slice, name: "slice").tensors.count == 3)
    }

    @Test("writes exactly these bytes")
    func bytes() {
        let written = SafetensorsFile(
            metadata: ["b": "2", "a": "1"], tensors: [TensorRecord(name: "w", shape: [2], values: [1, -2])]
        ).encoded()
        let header =
            #"{"__metadata__":{"a":"1","b":"2"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        let padding = String(repeating: " ", count: 7 - (header.utf8.count + 7) % 8)
        #expect(written == file(header + padding) + Data([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]))
    }

    @Test("the header is padded with spaces to a multiple of eight", arguments: 0..<8)
    func padding(length: Int) {
        let data = SafetensorsFile(metadata: ["k": String(repeating: "x", count: length)]).encoded()
        #expect(data.count % 8 == 0 && Int(data[0]) == data.count - 8)
        let text = String(decoding: data.dropFirst(8), as: UTF8.self)
        #expect(text.drop { $0 != "}" }.drop { $0 == "}" }.allSatisfy { $0 == " " })
    }

    @Test("reads a file of the reference package")
    func reference() throws {
        let read = try SafetensorsFile.decode(fixtureData("reference.safetensors"), name: "reference")
        #expect(read.metadata["text"] == "quote \" backslash \\ newline \n é 数")
        #expect(
            read.tensors == [
                TensorRecord(name: "dense/bias", shape: [3], values: [1.5, -2.25, .greatestFiniteMagnitude]),
                TensorRecord(name: "dense/kernel", shape: [2, 3], values: [-0.5, -0.25, 0, 0.25, 0.5, 0.75]),
                TensorRecord(name: "empty", shape: [0, 4], values: []),
                TensorRecord(name: "scalar", shape: [], values: [0.1]),
            ])
    }

    @Test("refuses every truncation and every extension")
    func truncation() {
        let data = small.encoded()
        #expect(refusal(data) == nil)
        for count in 0..<data.count { #expect(refusal(data.prefix(count)) != nil, "\(count) bytes") }
        for extra in 1...9 { #expect(refusal(data + Data(count: extra)) != nil) }
    }

    @Test("survives every flip of a bit: an error or another sound file")
    func flips() {
        let data = small.encoded()
        var refused = 0
        for index in data.indices {
            for bit in 0..<8 {
                var flipped = data
                flipped[index] ^= 1 << UInt8(bit)
                if refusal(flipped) != nil { refused += 1 }
            }
        }
        // A flip of the length or of a bracket is always refused; one of a value or a name need not be.
        #expect(refused > 64 && refused < 8 * data.count)
    }

    @Test("survives bytes replaced by every other value in the header")
    func replacements() {
        let data = SafetensorsFile(tensors: [TensorRecord(name: "w", shape: [1], values: [1])]).encoded()
        for index in 0..<data.count - 4 {
            for value in UInt8.min...UInt8.max {
                var changed = data
                changed[index] = value
                _ = refusal(changed)
            }
        }
    }

    private static func entry(_ shape: String, _ begin: Int, _ end: Int, dtype: String = "F32") -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }

    static let refusals: [(header: String, bytes: Int, words: String)] = [
        ("", 0, "JSON object"), ("[]", 0, "JSON object"), (" {}", 0, "JSON object"), ("{", 0, "header"),
        ("{} x", 0, "header"), (#"{"w":1}"#, 0, "w"), (#"{"__metadata__":{"a":1}}"#, 0, "a"),
        ("{\"w\":\(entry("[1]", 0, 8, dtype: "F64"))}", 8, "expected dtype F32 · received F64"),
        ("{\"w\":\(entry("[1]", 0, 8, dtype: "I64"))}", 8, "expected dtype F32 · received I64"),
        ("{\"w\":\(entry("[4]", 0, 4, dtype: "U8"))}", 4, "expected dtype F32 · received U8"),
        ("{\"w\":\(entry("[2]", 0, 4))}", 4, "shape"), ("{\"w\":\(entry("[1]", 0, 5))}", 5, "shape"),
        ("{\"w\":\(entry("[-1]", 0, 4))}", 4, "shape"), ("{\"w\":\(entry("[-1,-1]", 0, 4))}", 4, "shape"),
        ("{\"w\":\(entry("[4611686018427387904,4]", 0, 0))}", 0, "shape"),
        ("{\"w\":\(entry("[9223372036854775807,9223372036854775807]", 0, 4))}", 4, "shape"),
        ("{\"w\":\(entry("[1e30]", 0, 4))}", 4, "header"), ("{\"w\":\(entry("[1.5]", 0, 4))}", 4, "header"),
        ("{\"w\":\(entry("[1]", 4, 8))}", 8, "begin at 0"), ("{\"w\":\(entry("[1]", -4, 0))}", 0, "begin at 0"),
        ("{\"w\":\(entry("[1]", 0, 9_223_372_036_854_775_807))}", 4, "truncated"),
        ("{\"w\":\(entry("[1]", 0, 4)),\"x\":\(entry("[1]", 0, 4))}", 4, "begin at 4"),
        ("{\"w\":\(entry("[1]", 0, 4)),\"x\":\(entry("[1]", 8, 12))}", 12, "begin at 4"),
        ("{\"w\":\(entry("[1]", 0, 4))}", 8, "belong to no tensor"), ("{}", 4, "belong to no tensor"),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "two offsets"),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}"#, 4, "unknown key"),
        (#"{"w":{"dtype":"F32","shape":[1]}}"#, 4, "data_offsets"),
    ]

    @Test("says what is wrong with a header", arguments: refusals)
    func messages(header: String, bytes: Int, words: String) throws {
        let error = try #require(refusal(file(header, bytes: bytes)))
        #expect(error.description.contains(words), "\(error)")
        #expect(error.place.hasPrefix("model.safetensors"))
        #expect(!error.description.contains("\n"), "\(error)")
    }

    @Test("a header of brackets without end is refused and does not exhaust the stack")
    func nesting() {
        for opening in ["{\"a\":", "{\"a\":["] {
            #expect(refusal(file(String(repeating: opening, count: 50_000))) != nil)
        }
    }

    @Test("tensors may be named in any order and the header need not be aligned")
    func order() throws {
        let header = "{\"x\":\(Self.entry("[1]", 4, 8)),\"w\":\(Self.entry("[1]", 0, 4))}"
        #expect(try SafetensorsFile.decode(file(header, bytes: 8), name: "f").tensors.map(\.name) == ["w", "x"])
    }

    @Test("a header longer than the file or than 100 MB is refused before anything is read")
    func headerLength() {
        let huge = Data([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) + Data("{}".utf8)
        #expect(refusal(huge)?.expected == "a header of at most 2 bytes")
        var long = Data(count: 100_000_020)
        for (index, byte) in [UInt8(0x01), 0xE1, 0xF5, 0x05].enumerated() { long[index] = byte }
        #expect(refusal(long)?.expected == "a header of at most 100000000 bytes")
    }
}
