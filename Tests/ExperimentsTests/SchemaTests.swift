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
}
