import Foundation

/// Numbers that another tool made: who, which version, with what seed and command.
package struct Provenance: Decodable, Sendable {
    package var tool, version, command: String
    package var seed: Int
}

/// Decodes `name`.json of `bundle`'s Fixtures.
package func fixture<Content: Decodable>(_ name: String, in bundle: Bundle, as type: Content.Type) throws -> Content {
    guard let url = bundle.url(forResource: name, withExtension: "json", subdirectory: "Fixtures") else {
        throw CocoaError(.fileNoSuchFile)
    }
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}
