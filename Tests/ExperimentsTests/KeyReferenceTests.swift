import Formats
import Foundation
import Testing

@testable import Experiments

/// `docs/keys.md`, made of the schema: every key, what it may be, what it is where it is left out.
@Suite struct KeyReferenceTests {
    private static let file = Fixtures.configurations.deletingLastPathComponent().appending(path: "docs/keys.md")

    /// `NUMERAL_WRITE_SCHEMA=1 swift test --filter KeyReferenceTests` writes the file anew after a change of keys.
    @Test func theReferenceIsTheSchemas() throws {
        let text = KeyReference(Experiment.schema).text
        if ProcessInfo.processInfo.environment["NUMERAL_WRITE_SCHEMA"] == "1" {
            try text.write(to: Self.file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Self.file, encoding: .utf8) == text)
    }
}

/// A table for each object of the configuration.
private struct KeyReference {
    private(set) var text = """
        # Every key

        Made of `config/schema.json`. Keys in **bold** must be given. [configuration.md](configuration.md) shows a whole file.


        """

    init(_ schema: JSONValue) { section(schema, path: "", title: "The file") }

    private mutating func section(_ schema: JSONValue, path: String, title: String) {
        guard let object = schema.object else { return }
        let required = Set((object["required"]?.array ?? []).compactMap(\.string))
        let members = object["properties"]?.object?.members.filter { $0.key != "$schema" } ?? []
        let cases = variants(object)
        let own = cases.isEmpty ? members : members.filter { $0.key != "type" }
        if !own.isEmpty {
            text += "## \(title)\n\n| key | is | default | |\n|---|---|---|---|\n"
            for (key, value) in own.map({ ($0.key, $0.value) }) {
                let member = value.object ?? JSONObject(distinct: [])
                let name = required.contains(key) ? "**`\(key)`**" : "`\(key)`"
                let fallback = member["default"].map { $0.object == nil ? "`\(compact($0))`" : "below" } ?? ""
                text += "| \(name) | \(kind(value)) | \(fallback) | \(member["description"]?.string ?? "") |\n"
            }
            text += "\n"
        }
        for member in own { inside(member.value, path: path.isEmpty ? member.key : "\(path).\(member.key)") }
        for (name, branch) in cases {
            section(withoutType(branch), path: "\(path) (\(name))", title: "`\(path)` of type `\(name)`")
        }
    }

    /// The objects within a value: its own, those of a list, those of each alternative.
    private mutating func inside(_ value: JSONValue, path: String) {
        guard let object = value.object else { return }
        if object["properties"] != nil { section(value, path: path, title: "`\(path)`") }
        if let items = object["items"] { inside(items, path: path + "[]") }
        for alternative in object["anyOf"]?.array ?? [] { inside(alternative, path: path) }
    }

    private func variants(_ object: JSONObject) -> [(name: String, JSONValue)] {
        (object["allOf"]?.array ?? []).compactMap { branch in
            guard let then = branch.object?["then"],
                let name = then.object?["properties"]?.object?["type"]?.object?["const"]?.string
            else { return nil }
            return (name, then)
        }
    }

    private func withoutType(_ value: JSONValue) -> JSONValue {
        guard var object = value.object, let properties = object["properties"]?.object else { return value }
        object["properties"] = .object(JSONObject(distinct: properties.members.filter { $0.key != "type" }))
        return .object(object)
    }

    private func kind(_ value: JSONValue) -> String {
        guard let object = value.object else { return "anything" }
        if let constant = object["const"] { return "`\(compact(constant))`" }
        if let values = object["enum"]?.array { return values.map { "`\(compact($0))`" }.joined(separator: ", ") }
        if let alternatives = object["anyOf"]?.array {
            return alternatives.map { $0.object?["type"]?.string == "null" ? "`null`" : kind($0) }.joined(
                separator: " or ")
        }
        switch object["type"]?.string {
        case "array":
            let count =
                object["minItems"] == object["maxItems"] ? object["minItems"].map { " of \(compact($0))" } ?? "" : ""
            return "list\(count): \(object["items"].map(kind) ?? "anything")"
        case "object": return "object"
        case "string": return "text"
        case "boolean": return "`true` or `false`"
        case let type?: return type + range(object)
        case nil:
            let names = variants(object).map { "`\($0.name)`" }
            return names.isEmpty ? "anything" : "object of type " + names.joined(separator: ", ")
        }
    }

    private func range(_ object: JSONObject) -> String {
        let low = object["minimum"].map { "[" + compact($0) } ?? object["exclusiveMinimum"].map { "(" + compact($0) }
        let high = object["maximum"].map { compact($0) + "]" } ?? object["exclusiveMaximum"].map { compact($0) + ")" }
        return low == nil && high == nil ? "" : " in \(low ?? "(−∞"), \(high ?? "∞)")"
    }

    private func compact(_ value: JSONValue) -> String { value.text }
}
