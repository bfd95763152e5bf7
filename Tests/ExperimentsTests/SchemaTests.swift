import Formats
import Foundation
import Testing

@testable import Experiments

@Suite struct SchemaTests {
    /// `NUMERAL_WRITE_SCHEMA=1 swift test --filter SchemaTests` writes the file anew after a change of keys.
    @Test func committedSchemaIsTheDecodersOwn() throws {
        let text = Experiment.schema.prettyText
        if ProcessInfo.processInfo.environment["NUMERAL_WRITE_SCHEMA"] == "1" {
            try text.write(to: Fixtures.schemaFile, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Fixtures.schemaFile, encoding: .utf8) == text)
    }

    /// Every key of the committed schema has a row in `refused.json` for a wrong type, a misspelling, a value out of
    /// range where it has a range, and its absence where it is required.
    @Test func everyKeyIsTried() throws {
        let schema = try JSONValue.parse(Array(try Data(contentsOf: Fixtures.schemaFile)), name: "schema.json")
        var keys: [String: Traits] = [:]
        collect(from: schema, at: "", into: &keys)
        #expect(keys.count > 80)
        let tried = Set(try Refusal.all().map { "\($0.kind) of \($0.key)" })
        var wanted: [String] = []
        for (key, traits) in keys {
            wanted.append("type of \(key)")
            if !key.hasSuffix(".type"), !key.hasSuffix("[]") { wanted.append("misspelling of \(key)") }
            if traits.hasRange { wanted.append("range of \(key)") }
            if traits.isRequired { wanted.append("missing of \(key)") }
        }
        let untried = wanted.filter { !tried.contains($0) }.sorted()
        #expect(untried.isEmpty)
    }

    private struct Traits {
        var hasRange: Bool
        var isRequired: Bool
    }

    private func collect(from schema: JSONValue, at place: String, into keys: inout [String: Traits]) {
        guard let object = schema.object else { return }
        let prefix = place.isEmpty ? "" : place + "."
        let required = Set((object["required"]?.array ?? []).compactMap(\.string))
        for alternative in object["anyOf"]?.array ?? [] { collect(from: alternative, at: place, into: &keys) }
        for branch in object["allOf"]?.array ?? [] {
            guard let then = branch.object?["then"]?.object, let properties = then["properties"]?.object,
                let type = properties["type"]?.object?["const"]?.string
            else { continue }
            // One case of a union: its keys are told apart by the type. The names and inputs of layers are tried on
            // one layer of each sort, as they share their code.
            var own = then
            own["properties"] = .object(
                JSONObject(
                    distinct: properties.members.filter {
                        $0.key != "type" && (!["name", "inputs"].contains($0.key) || ["conv2d", "add"].contains(type))
                    }))
            collect(from: .object(own), at: "\(place)(\(type))", into: &keys)
        }
        for member in object["properties"]?.object?.members ?? [] {
            let key = prefix + member.key
            keys[key] = Traits(hasRange: hasRange(member.value), isRequired: required.contains(member.key))
            collect(from: member.value, at: key, into: &keys)
        }
        if let items = object["items"], items.object?["properties"] != nil {
            keys[place + "[]"] = Traits(hasRange: false, isRequired: false)
            collect(from: items, at: place + "[]", into: &keys)
        }
    }

    private func hasRange(_ schema: JSONValue) -> Bool {
        guard let object = schema.object else { return false }
        let bounds = [
            "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "enum", "minLength", "maxLength", "minItems",
        ]
        return bounds.contains { object[$0] != nil } || (object["anyOf"]?.array ?? []).contains(where: hasRange)
    }
}
