import Foundation
import Testing

/// The bytes of `Fixtures/<name>`.
func fixtureData(_ name: String) throws -> Data {
    let folder = try #require(Bundle.module.resourceURL)
    return try Data(contentsOf: folder.appendingPathComponent("Fixtures").appendingPathComponent(name))
}

/// `Fixtures/<name>` decoded from JSON.
func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: fixtureData(name))
}
