import Foundation
import Testing

/// The Swift code in README and in the library guide is code that `Examples/Classify` compiles.
@Suite struct ReadmeTests {
    @Test func itsSwiftIsTheExamples() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        func text(_ path: String) throws -> String {
            try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
        }
        func unindented(_ code: String) -> String {
            code.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
        }
        let example = try ["main", "Guide"].map { unindented(try text("Examples/Classify/\($0).swift")) }.joined()
        let blocks = try ["README.md", "docs/library.md"].flatMap { file in
            try text(file).components(separatedBy: "```swift\n").dropFirst().map {
                $0.components(separatedBy: "```")[0]
            }
        }
        #expect(blocks.count == 8)
        for block in blocks {
            for part in block.components(separatedBy: "\n\n") {
                #expect(example.contains(unindented(part)), "\(part)")
            }
        }
    }
}
