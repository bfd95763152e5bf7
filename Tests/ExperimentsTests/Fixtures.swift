import Formats
import Foundation
import Testing

@testable import Experiments
@testable import Tensors

/// Files beside these tests, and the configurations that the project ships.
enum Fixtures {
    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    static func json(_ name: String) throws -> JSONValue { try JSONValue.parse(try bytes(name), name: name) }

    /// `config/`, found from this file's place in the sources.
    static let configurations = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "config")

    static let schemaFile = configurations.appending(path: "schema.json")

    /// The least that a configuration must say.
    static let minimal = """
        {"name": "least", "model": {"layers": [{"type": "flatten"}, {"type": "dense", "units": 10}]}}
        """
}

/// The one line of the error that `body` throws.
func message(of body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch {
        return "\(error)"
    }
}
