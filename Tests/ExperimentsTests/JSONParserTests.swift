import Foundation
import Testing

@testable import Experiments
@testable import Formats
@testable import Tensors

@Suite struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue.parse(text, name: "t") }
    private func refusal(_ text: String) -> String { message { _ = try parse(text) } }
    private func refusal(_ bytes: [UInt8]) -> String { message { _ = try JSONValue.parse(bytes, name: "t") } }

    @Test func everyKindOfValue() throws {
        let value = try parse(#" {"b": [1, -2.5e3, true, false, null], "a": {"": "é\u00e9\ud83d\ude00\n\/\\\""}} "#)
        let expected: JSONValue = [
            "b": .array([.integer(1), .number(JSONNumber(literal: "-2.5e3")), .boolean(true), .boolean(false), .null]),
            "a": ["": "éé😀\n/\\\""],
        ]
        #expect(value == expected)
        #expect(value.object?.keys == ["b", "a"])
    }

    @Test(arguments: [
        ("", "t:1:1: expected a JSON value · received the end of the text"),
        ("{\n  \"a\": 1,\n}", "t:3:1: expected a key in double quotes · received \"}\""),
        ("[1, 2,]", "t:1:7: expected a JSON value · received \"]\""),
        ("[1 2]", "t:1:4: expected ',' or ']' · received \"2\""),
        ("{\"a\" 1}", "t:1:6: expected ':' · received \"1\""),
        ("{\"a\": 1 \"b\": 2}", "t:1:9: expected ',' or '}' · received \"\\\"\""),
        ("{a: 1}", "t:1:2: expected a key in double quotes · received \"a\""),
        ("{\"é\": é}", "t:1:7: expected a JSON value · received \"é\""),
        ("// no\n1", "t:1:1: expected a JSON value · received \"/\""),
        ("1\u{FEFF}", "t:1:2: expected the end of the text · received \"\\ufeff\""),
        ("1 2", "t:1:3: expected the end of the text · received \"2\""),
        ("{\"a\": 1, \"a\": 1}", "t:1:10: expected each key once · received \"a\" again · remove one of the two"),
        ("{\"a\": 1, \"\\u0061\": 1}", "t:1:10: expected each key once · received \"a\" again · remove one of the two"),
        ("01", "t:1:2: expected the end of the text · received \"1\""),
        ("+1", "t:1:1: expected a JSON value · received \"+\""),
        (".5", "t:1:1: expected a JSON value · received \".\""),
        ("1.", "t:1:3: expected a digit · received the end of the text"),
        ("-", "t:1:2: expected a digit · received the end of the text"),
        ("1e+", "t:1:4: expected a digit · received the end of the text"),
        ("NaN", "t:1:1: expected a JSON value · received \"N\""),
        ("-Infinity", "t:1:2: expected a digit · received \"I\""),
        ("nul", "t:1:4: expected null · received the end of the text"),
        ("True", "t:1:1: expected a JSON value · received \"T\""),
        ("'a'", "t:1:1: expected a JSON value · received \"'\""),
        ("\"a\nb\"", "t:1:3: expected the rest of a string and '\"' · received \"\\n\""),
        ("\"a\0b\"", "t:1:3: expected the rest of a string and '\"' · received \"\\u0000\""),
        ("\0", "t:1:1: expected a JSON value · received \"\\u0000\""),
        (#""\x""#, #"t:1:3: expected one of \" \\ \/ \b \f \n \r \t \u · received "x""#),
        (#""\u12g4""#, "t:1:6: expected four hexadecimal digits · received \"g\""),
        (#""\ud800""#, "t:1:2: expected a surrogate pair · received a lone surrogate"),
        (#""\udc00\ud800""#, "t:1:2: expected a surrogate pair · received a lone surrogate"),
        (#""\ud800\u0041""#, "t:1:2: expected a surrogate pair · received a lone surrogate"),
        (#""\ud83d\ud83d""#, "t:1:2: expected a surrogate pair · received a lone surrogate"),
    ])
    func refusesWithPlace(text: String, expected: String) {
        #expect(refusal(text) == expected)
    }

    @Test func refusesBytesThatAreNotUTF8() {
        let expected = "t:1:2: expected a string in UTF-8 · received bytes that are not"
        // A stray continuation, an overlong slash, a surrogate in three bytes, past the last scalar, cut short.
        for bytes: [UInt8] in [[0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] {
            #expect(refusal([0x5B, 0x22] + bytes + [0x22, 0x5D]) == expected)
        }
        #expect(refusal([0xFF]).hasPrefix("t:1:1: expected a JSON value · received"))
    }

    @Test func limitsHold() throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try parse(nested(JSONValue.depthLimit))
        #expect(refusal(nested(65)) == "t:1:65: expected at most 64 levels of nesting · received more")
        #expect(refusal(String(repeating: "[", count: 100_000)).contains("64 levels"))
        #expect(refusal(String(repeating: "{\"a\":", count: 100_000)).contains("64 levels"))
        _ = try parse(String(repeating: "9", count: 100))
        #expect(
            refusal(String(repeating: "9", count: 101))
                == "t:1:1: expected a number of at most 100 characters · received 101 characters")
        _ = try parse(String(repeating: " ", count: JSONValue.sizeLimit - 1) + "1")
        #expect(
            refusal(String(repeating: " ", count: JSONValue.sizeLimit) + "1")
                == "t: expected at most 1048576 bytes of JSON · received 1048577 bytes")
    }

    /// Many keys are compared by hash: a quadratic search would take minutes here.
    @Test func manyKeysAreRead() throws {
        let text = "{" + (0..<60_000).map { "\"key\($0)\":0" }.joined(separator: ",") + "}"
        #expect(try parse(text).object?.members.count == 60_000)
    }

    @Test func numbersKeepTheirDigits() throws {
        let number = { (text: String) throws -> JSONNumber in
            guard case .number(let number) = try parse(text) else { throw InputError("t", expected: "", received: "") }
            return number
        }
        #expect(try number("0.1000").text == "0.1000")
        #expect(try number("9223372036854775807").integer == .max)
        #expect(try number("-9223372036854775808").integer == .min)
        #expect(try number("9223372036854775808").integer == nil)
        #expect(try number("9007199254740993").integer == 9_007_199_254_740_993)
        #expect(try number("9007199254740993.0").integer == 9_007_199_254_740_993)
        #expect(try number("3.000").integer == 3)
        #expect(try number("-12e2").integer == -1200)
        #expect(try number("1200e-2").integer == 12)
        #expect(try number("0e999999999999999999999").integer == 0)
        #expect(try number("-0").integer == 0)
        #expect(try number("1.5").integer == nil)
        #expect(try number("15e-1").integer == nil)
        #expect(try number("1e19").integer == nil)
        #expect(try number("1e999999999999999999999").integer == nil)
        #expect(try number("1e999").double == .infinity)
        #expect(try number("1e-999").double == 0)
    }

    @Test func numbersAreWrittenShort() {
        #expect(JSONValue.number(5.0).text == "5")
        #expect(JSONValue.number(0.1).text == "0.1")
        #expect(JSONValue.number(1e-5).text == "1e-05")
        #expect(JSONValue.number(JSONNumber(Float(0.1))).text == "0.1")
        #expect(JSONValue.number(JSONNumber(Float(1.1))).text == "1.1")
        #expect(JSONValue.number(JSONNumber(Float(10))).text == "10")
        #expect(JSONValue.number(1e300).text == "1e+300")
    }

    @Test func textsAreEscaped() throws {
        let string = "\"\\\n\r\t\u{0}\u{1F}\u{7F}\u{85}\u{2028}\u{202E}\u{FEFF}é😀"
        let text = JSONValue.string(string).text
        #expect(text == #""\"\\\n\r\t\u0000\u001f\u007f\u0085\u2028\u202e\ufeffé😀""#)
        #expect(try parse(text) == .string(string))
    }

    @Test func longContainersTakeSeveralLines() throws {
        let value: JSONValue = [
            "short": .array([.integer(1), .integer(2)]), "empty": .array([]),
            "long": .array((0..<12).map { .string("element \($0)") }),
        ]
        #expect(
            value.prettyText.hasPrefix(
                "{\n  \"short\": [1, 2],\n  \"empty\": [],\n  \"long\": [\n    \"element 0\",\n"))
        #expect(try parse(value.prettyText) == value)
        #expect(try parse(value.text) == value)
    }

    @Test func everyTruncationIsRefused() throws {
        let bytes = try Fixtures.bytes("complete.json")
        let end = try #require(bytes.lastIndex(of: UInt8(ascii: "}")))
        for length in 0...end {
            let received = refusal(Array(bytes[..<length]))
            #expect(received.contains("received the end of the text"), "\(length) bytes: \(received)")
        }
    }

    /// A flipped bit is either refused in one line or read as something that its own text gives again: every bit of
    /// the least configuration, one bit of each byte of the complete one.
    @Test func everyFlipIsRefusedOrRead() throws {
        let least = Array(Fixtures.minimal.utf8)
        let complete = Array(try Fixtures.json("complete.json").text.utf8)
        let flips =
            least.indices.flatMap { index in (0..<8).map { (least, index, $0) } }
            + complete.indices.map { (complete, $0, $0 % 7) }
        for (bytes, index, bit) in flips {
            var flipped = bytes
            flipped[index] ^= 1 << UInt8(bit)
            do {
                let value = try JSONValue.parse(flipped, name: "t")
                #expect(try JSONValue.parse(value.text, name: "t") == value)
                #expect(!message { _ = try Experiment.decode(value, name: "t") }.contains { $0.isNewline })
            } catch {
                #expect(!"\(error)".contains { $0.isNewline })
            }
        }
    }
}
