import Foundation
import Tensors
import Testing

@testable import Formats

@Suite("NumPy's archives")
struct ArrayFileTests {
    private func read(_ data: Data, limit: Int = 1 << 20) throws -> [TensorRecord] {
        try withFile(data) { try NPZ.read(path: $0, limit: limit) }
    }

    private func refusal(_ data: Data, limit: Int = 1 << 20) throws -> String {
        try withFile(data) { path in
            do throws(InputError) {
                _ = try NPZ.read(path: path, limit: limit)
                return ""
            } catch {
                #expect(error.place.hasPrefix(path) && !error.description.contains("\n"))
                return error.description
            }
        }
    }

    @Test("of every number type, order and rank, as NumPy wrote them")
    func numpy() throws {
        let expected = try Oracle.load().arrays
        let found = try NPZ.read(path: fixturePath("arrays.npz"), limit: 1 << 20)
        #expect(Set(found.map(\.name)) == Set(expected.keys))
        for tensor in found {
            #expect(tensor.shape == expected[tensor.name]?.shape, "\(tensor.name)")
            #expect(tensor.values == expected[tensor.name]?.values, "\(tensor.name)")
        }
    }

    @Test("come back bit for bit, the same bytes each time")
    func roundTrip() throws {
        let tensors = [
            TensorRecord(name: "a/b", shape: [2, 3], values: [0, -0.0, .infinity, 0x1p-149, 3, -4]),
            TensorRecord(name: "scalar", shape: [], values: [7]), TensorRecord(name: "é", shape: [0, 4], values: []),
            TensorRecord(name: "v", shape: [3], values: [1, 2, 3]),
        ]
        let data = try NPZ.encode(tensors)
        let found = try read(data)
        #expect(found.map(\.name) == tensors.map(\.name) && found.map(\.shape) == tensors.map(\.shape))
        #expect(found.map { $0.values.map(\.bitPattern) } == tensors.map { $0.values.map(\.bitPattern) })
        #expect(try NPZ.encode(tensors) == data)
    }

    @Test("are refused at every truncation, and survive every flip of a bit")
    func damage() throws {
        let data = try NPZ.encode([TensorRecord(name: "w", shape: [2], values: [1, 2])])
        #expect(try refusal(data) == "")
        for count in stride(from: 0, to: data.count, by: 3) { #expect(try refusal(data.prefix(count)) != "") }
        var refused = 0
        for index in data.indices {
            var flipped = data
            flipped[index] ^= 1 << UInt8(index % 8)
            if try refusal(flipped) != "" { refused += 1 }
        }
        // Times, attributes and versions may change; nothing that is read may.
        #expect(refused > data.count * 7 / 10)
    }

    @Test("with damaged compressed members are refused")
    func compressed() throws {
        let data = try fixtureData("torch.npz")
        for index in stride(from: 40, to: data.count, by: 97) {
            var flipped = data
            flipped[index] ^= 0x10
            _ = try refusal(flipped)
        }
        #expect(try refusal(data) == "")
        #expect(try refusal(data, limit: 1000).contains("expected arrays of at most 1000 bytes"))
    }

    /// An archive of one array with this header, checksums right.
    private func archive(_ header: String, bytes: Int, name: String = "w") throws -> Data {
        let plain = try NPZ.encode([
            TensorRecord(name: name, shape: [bytes / 4], values: [Float](repeating: 0, count: bytes / 4))
        ])
        // The same length, so that sizes hold; then the checksum is mended.
        let start = try #require(plain.range(of: Data("{'descr'".utf8)))
        let end = try #require(plain.range(of: Data("\n".utf8), in: start.lowerBound..<plain.count))
        var text = Data(header.utf8)
        precondition(text.count <= end.lowerBound - start.lowerBound)
        text += Data(repeating: 0x20, count: end.lowerBound - start.lowerBound - text.count)
        var changed = plain
        changed.replaceSubrange(start.lowerBound..<end.lowerBound, with: text)
        let member = try #require(plain.range(of: Data([0x93] + Array("NUMPY".utf8))))
        let size = Int(changed[18]) | Int(changed[19]) << 8 | Int(changed[20]) << 16
        let crc = Self.crc32(changed[member.lowerBound..<member.lowerBound + size])
        let directory = try #require(changed.range(of: Data([0x50, 0x4B, 1, 2])))
        for byte in 0..<4 {
            changed[14 + byte] = UInt8(truncatingIfNeeded: crc >> (8 * UInt32(byte)))
            changed[directory.lowerBound + 16 + byte] = UInt8(truncatingIfNeeded: crc >> (8 * UInt32(byte)))
        }
        return changed
    }

    /// ISO 3309, bit by bit.
    private static func crc32(_ bytes: Data) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }

    static let headers: [(header: String, words: String)] = [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", ""),
        ("{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<f4\"}", ""),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", "header"),
        ("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", "received '>f4'"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "Python objects (pickled)"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "received '<c8'"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "shape [3]"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "another length"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", "True or False"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "an extent"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': 2, }", "'('"),
        ("{'descr': '<f4', 'fortran_order': False}", "and nothing else"),
        ("{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}", "once each"),
        ("{'descr': '<f4', 'x': False, 'shape': (2,)}", "once each"),
        ("{'descr':'<f4','fortran_order':False,'shape':(4611686018427387904,4)}", "shape"),
        ("{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,)}", "an extent"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x", "nothing else"), ("", "'{'"),
    ]

    @Test("a header is read strictly", arguments: headers)
    func header(header: String, words: String) throws {
        let message = try refusal(archive(header, bytes: 8))
        #expect(words.isEmpty ? message == "" : message.contains(words), "\(message)")
    }

    @Test("hold nothing but arrays, each once")
    func names() throws {
        var data = try NPZ.encode([TensorRecord(name: "w", shape: [1], values: [1])])
        while let range = data.range(of: Data("w.npy".utf8)) { data.replaceSubrange(range, with: Data("w.txt".utf8)) }
        #expect(try refusal(data).contains("received \"w.txt\""))
        data = try NPZ.encode(["v", "w"].map { TensorRecord(name: $0, shape: [1], values: [1]) })
        while let range = data.range(of: Data("v.npy".utf8)) { data.replaceSubrange(range, with: Data("w.npy".utf8)) }
        #expect(try refusal(data).contains("each once · received \"w.npy\""))
    }

    @Test("safetensors of other types become float32 where that is asked for")
    func safetensors() throws {
        func file(_ dtype: String, _ shape: String, _ bytes: [UInt8]) -> Data {
            let header = #"{"w":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[0,\#(bytes.count)]}}"#
            return Data([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0]) + Data(header.utf8) + Data(bytes)
        }
        let cases: [(String, [UInt8], Float)] = [
            ("F64", [0, 0, 0, 0, 0, 0, 0x04, 0xC0], -2.5), ("F16", [0, 0xC1], -2.5), ("BF16", [0x20, 0xC0], -2.5),
            ("I64", [0xFE] + [UInt8](repeating: 0xFF, count: 7), -2), ("I8", [0xFD], -3), ("U8", [0xFD], 253),
            ("U16", [1, 1], 257), ("I32", [0, 0, 0, 0x80], -0x1p31), ("BOOL", [1], 1),
        ]
        for (dtype, bytes, value) in cases {
            let data = file(dtype, "[1]", bytes)
            #expect(
                try SafetensorsFile.decode(data, name: "f", formats: nil).tensors[0].values == [value], "\(dtype)")
            #expect(throws: InputError.self) { try SafetensorsFile.decode(data, name: "f") }
            #expect(throws: InputError.self) {
                try SafetensorsFile.decode(file(dtype, "[2]", bytes), name: "f", formats: nil)
            }
        }
        #expect(throws: InputError.self) {
            try SafetensorsFile.decode(file("F8_E4M3", "[1]", [0]), name: "f", formats: nil)
        }
    }
}
