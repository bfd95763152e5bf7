import Tensors
import TestSupport
import Testing

@testable import Formats

/// JSON as editors outside the English-speaking and the Unix world write it.
@Suite struct JSONEncodingTests {
    private static let text = "{\"rate\": 0.5, \"name\": \"é\"}"

    private func message(_ bytes: [UInt8]) -> String { inputError { _ = try JSONValue.parse(bytes, name: "c.json") } }

    @Test func aByteOrderMarkOfUTF8IsPassedOver() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(try JSONValue.parse(mark + Array(Self.text.utf8), name: "t") == JSONValue.parse(Self.text, name: "t"))
        // Columns count from what an editor shows as the first.
        #expect(message(mark + Array("{x".utf8)).hasPrefix("c.json:1:2: expected a key"))
        #expect(message(mark).hasPrefix("c.json:1:1: expected a JSON value"))
        #expect(message(mark + mark + [0x31]).hasPrefix("c.json:1:1: expected a JSON value"))
    }

    private func units(_ bigEndian: Bool) -> [UInt8] {
        Self.text.utf16.flatMap { unit in
            let bytes = [UInt8(unit >> 8), UInt8(unit & 255)]
            return bigEndian ? bytes : bytes.reversed()
        }
    }

    @Test func otherEncodingsAreNamed() {
        let wide = Self.text.unicodeScalars.flatMap { [0, 0, UInt8($0.value >> 8), UInt8($0.value & 255)] }
        let cases: [([UInt8], String)] = [
            ([0xFF, 0xFE] + units(false), "UTF-16"), ([0xFE, 0xFF] + units(true), "UTF-16"),
            (units(false), "UTF-16LE"), (units(true), "UTF-16BE"),
            ([0xFF, 0xFE, 0, 0], "UTF-32"), ([0, 0, 0xFE, 0xFF] + wide, "UTF-32"), (wide, "UTF-32BE"),
            ([0x7B, 0, 0, 0, 0x7D, 0, 0, 0], "UTF-32LE"),
        ]
        for (bytes, encoding) in cases {
            #expect(
                message(bytes)
                    == "c.json: expected JSON in UTF-8 · received \(encoding) · save it as UTF-8: iconv -f \(encoding) "
                    + "-t UTF-8 FILE > NEW")
        }
    }

    @Test(arguments: [
        ("{\"rate\": 0,001}", "c.json:1:10", "0,001", "0.001"),
        ("{\"rate\": -1,5, \"b\": 2}", "c.json:1:10", "-1,5", "-1.5"),
        ("{\"a\": {\"rate\":0,9\n}}", "c.json:1:15", "0,9", "0.9"), ("[1, 0,001]", "c.json:1:5", "0,001", "0.001"),
        ("{\"s\": [0,05]}", "c.json:1:8", "0,05", "0.05"),
    ])
    func aDecimalCommaIsNamed(_ text: String, _ place: String, _ comma: String, _ point: String) {
        #expect(
            message(Array(text.utf8))
                == "\(place): expected a number with a decimal point · received a decimal comma, \(comma) · write \(point)"
        )
    }

    @Test(arguments: ["[0,0,5]", "[1,2]", "{\"a\": 1, \"b\": 2}", "{\"a\": 1,\"b\": [0,0.5]}", "[[0,0],[10,20]]"])
    func otherCommasAreNone(_ text: String) throws {
        #expect(try JSONValue.parse(text, name: "t").text.filter { $0 != " " } == text.filter { $0 != " " })
    }
}
