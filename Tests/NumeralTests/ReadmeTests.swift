import Foundation
import Testing

/// What README and guide show of the library is code that `Examples/Classify` compiles and runs.
@Suite struct ReadmeTests {
    @Test func itsSwiftIsTheExamples() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        func text(_ path: String) throws -> String {
            try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
        }
        let example = try text("Examples/Classify/main.swift")
        let blocks = try ["README.md", "docs/library.md"].flatMap { file in
            try text(file).components(separatedBy: "```swift\n").dropFirst().map {
                $0.components(separatedBy: "```")[0]
            }
        }
        #expect(blocks.count == 3)
        for block in blocks {
            for part in block.components(separatedBy: "\n\n") {
                #expect(example.contains(part.trimmingCharacters(in: .newlines)), "\(part)")
            }
        }
    }
}
