import Formats
import Foundation
import Testing

@testable import Experiments
@testable import Tensors

/// Every value of the complete configuration replaced by odd ones, every member removed or renamed: some 6,000 documents.
///
/// Here every sixth is decoded and comes back from its own text or is refused in one line. `Tests/Oracles/check_schema.py` puts
/// the same documents, with the decoder's verdicts, through a JSON Schema validator: with `NUMERAL_WRITE_VERDICTS=FILE`
/// they are written there, one JSON object a line.
@Suite struct SchemaAgreementTests {
    /// What may stand where something else belongs.
    static let oddities: [JSONValue] = [
        .null, .boolean(true), .boolean(false), .string(""), .string("x"), .string("same"), .string("input"),
        .string("a\0b"), .string(String(repeating: "é", count: 65)), .string(String(repeating: "a", count: 4_097)),
        .array([]), .array([.integer(1)]), .array([.integer(1), .integer(2)]), .array([.null, .null]),
        .array([.integer(0), .integer(0), .integer(0), .integer(0)]), .array([.number(0.5), .number(0.25)]), [:],
        ["type": "relu"], ["type": .null], ["type": "sgd", "learningRate": .number(0.1)], ["norm": .integer(1)],
        ["norm": .integer(1), "value": .integer(1)], .integer(0), .integer(1), .integer(-1), .integer(2), .integer(3),
        .integer(1_000), .integer(1 << 53), .integer(1 << 53 + 1), .integer(.max), .number(0.5), .number(1e-300),
        .number(JSONNumber(literal: "1.0")), .number(JSONNumber(literal: "-0.0")),
        .number(JSONNumber(literal: "1e400")), .number(1e-50), .number(1e30), .number(0.99999999), .number(0.9999999),
    ]

    /// `value` with one place changed, for each place and each change.
    static func variants(of value: JSONValue) -> [JSONValue] {
        var result = oddities
        switch value {
        case .object(let object):
            for member in object.members {
                var without = object
                without[member.key] = nil
                result.append(.object(without))
                var renamed = without
                renamed[member.key + "s"] = member.value
                result.append(.object(renamed))
                for changed in variants(of: member.value) {
                    var other = object
                    other[member.key] = changed
                    result.append(.object(other))
                }
            }
        case .array(let elements):
            for index in elements.indices {
                var shorter = elements
                shorter.remove(at: index)
                result.append(.array(shorter))
                for changed in variants(of: elements[index]) {
                    var other = elements
                    other[index] = changed
                    result.append(.array(other))
                }
            }
            if let last = elements.last { result.append(.array(elements + [last])) }
        default: break
        }
        return result
    }

    @Test func everyVariantIsRefusedInOneLineOrComesBack() throws {
        let path = ProcessInfo.processInfo.environment["NUMERAL_WRITE_VERDICTS"]
        let stride = path == nil ? 6 : 1
        var lines: [String] = []
        var accepted = 0, refused = 0
        for (index, document) in Self.variants(of: try Fixtures.json("complete.json")).enumerated()
        where index.isMultiple(of: stride) {
            var verdict = ""
            do {
                let experiment = try Experiment.decode(document, name: "")
                #expect(try Experiment.decode(experiment.jsonText, name: "") == experiment)
                accepted += 1
            } catch {
                verdict = "\(error)"
                #expect(!verdict.contains { $0.isNewline } && !verdict.isEmpty)
                refused += 1
            }
            guard path != nil else { continue }
            lines.append(JSONValue.object(["message": .string(verdict), "document": document]).text)
        }
        #expect(accepted > 500 / stride && refused > 5_000 / stride)
        if let path {
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
    }
}
