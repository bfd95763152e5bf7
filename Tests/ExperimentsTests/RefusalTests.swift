import Formats
import Foundation
import Testing

@testable import Experiments
@testable import Tensors

/// Configurations that must be refused, from `Fixtures/refused.json`. Each is `Fixtures/complete.json` after some
/// changes, the last of which is the mistake; `check_schema.py` puts the same through a JSON Schema validator.
struct Refusal: Sendable, CustomStringConvertible {
    let kind: String
    let key: String
    /// Paths, empty for the whole document, and what is put there.
    let changes: [(path: String, value: JSONValue)]
    let message: String

    var description: String { "\(kind) of \(key): \(changes.last.map { "\($0.path)=\($0.value.text)" } ?? "")" }

    init(_ json: JSONValue) throws {
        let object = try #require(json.object)
        kind = try #require(object["kind"]?.string)
        key = try #require(object["key"]?.string)
        message = object["message"]?.string ?? ""
        changes = try #require(object["changes"]?.array).map { change in
            let pair = try #require(change.array)
            return (try #require(pair[0].string), pair[1])
        }
    }

    func applied(to complete: JSONValue) throws -> JSONValue {
        var result = complete
        for (path, value) in changes {
            result = path.isEmpty ? value : try Overrides.apply(["\(path)=\(value.text)"], to: result)
        }
        return result
    }

    static func all() throws -> [Refusal] {
        try #require(try Fixtures.json("refused.json").array).map(Refusal.init)
    }
}

@Suite struct RefusalTests {
    @Test func everyMistakeHasItsMessage() throws {
        let complete = try Fixtures.json("complete.json")
        _ = try Experiment.decode(complete, name: "complete.json")
        for refusal in try Refusal.all() {
            let changed = try refusal.applied(to: complete)
            let received = message { _ = try Experiment.decode(changed, name: "") }
            #expect(received == refusal.message, "\(refusal)")
            #expect(!received.contains { $0.isNewline }, "\(refusal)")
        }
    }
}
