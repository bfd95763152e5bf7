import Evaluation
import Formats
import Foundation
import Pictures
import Tensors

/// What was read in one file, as programs take it.
package struct ReadingRecord: Sendable {
    package var file: String
    package var reading: Reading
    package var classNames: [String]
    /// Below this confidence a character is left out; 0 leaves none out.
    package var reject: Double
    /// The share of known images that are taken for known: what looks stranger than all of these is read as unknown. 1: nothing is.
    package var known: Double

    /// What is said of a character that is none the network knows.
    package static let unknown = "unknown"

    package init(
        file: String, reading: Reading, classNames: [String], reject: Double, known: Double
    ) {
        (self.file, self.reading, self.classNames) = (file, reading, classNames)
        (self.reject, self.known) = (reject, known)
    }

    /// ``known`` where nobody says otherwise. A line has many characters, and one in twenty that is refused would spoil most lines.
    package static func usualShare(_ mode: DigitReader.Mode) -> Double {
        mode == .segment ? 0.99 : StrangerDetector.usualShare
    }

    package func isRejected(_ character: ReadCharacter) -> Bool { character.confidence < reject }

    /// Whether it looks like none of what the network was trained on.
    package func isUnknown(_ character: ReadCharacter) -> Bool {
        // Shares are in steps of 1/1000.
        character.familiarity.map { $0 < 1 - known - 1e-9 } ?? false
    }

    /// The class, or `?` where it is left out or unknown.
    package func text(of character: ReadCharacter) -> String {
        isRejected(character) || isUnknown(character) ? "?" : classNames[character.classIndex]
    }

    /// The lines; classes whose names are one letter stand together, others apart.
    package var lines: [String] {
        let separator = classNames.allSatisfy { $0.count == 1 } ? "" : " "
        let last = reading.characters.map(\.line).max() ?? -1
        return (0..<(last + 1)).map { line in
            reading.characters.filter { $0.line == line }.map(text(of:)).joined(separator: separator)
        }
    }

    /// Columns of ``appendRows(to:)``.
    package static func header(classes: Int) -> [String] {
        ["file", "line", "index", "x", "y", "width", "height", "class", "probability", "rejected"]
            + (0..<classes).map { "p\($0)" } + ["familiarity", "unknown"]
    }

    /// A row for each character: lines and indices from 0, the index along its line.
    package func appendRows(to table: inout CSV) {
        var index = 0
        for (position, character) in reading.characters.enumerated() {
            let isFirst = position == 0 || reading.characters[position - 1].line != character.line
            index = isFirst ? 0 : index + 1
            table.add(file)
            for number in [character.line, index] { table.add(number) }
            let box = character.box
            for number in [box.x, box.y, box.width, box.height] { table.add(number) }
            table.add(classNames[character.classIndex])
            table.add(character.confidence)
            table.add(isRejected(character) ? 1 : 0)
            for probability in character.probabilities { table.add(probability) }
            table.add(character.familiarity)
            table.add(isUnknown(character) ? 1 : 0)
            table.endLine()
        }
    }
}

/// `trainer predict --json`.
package struct ReadingsFile: Encodable {
    struct Character: Encodable {
        var line: Int
        var box: PixelBox
        var `class`: String
        var probability: Double
        var rejected: Bool
        /// The share of known images that look at least as strange; absent where the model cannot tell, or it touches others.
        var familiarity: Double?
        /// Whether it looks like none of what the network was trained on.
        var unknown: Bool
        /// By class name.
        var probabilities: [String: Double]
    }

    struct File: Encodable {
        var file: String
        /// Line by line; null where it could not be read.
        var text: [String]?
        /// Of each line's text as a whole; null where characters were cut apart.
        var lineProbabilities: [Double]?
        var characters: [Character]?
        /// A PNG of what the network saw and where it looked, in Base64; absent where nobody asked.
        var explanation: Data?
        var error: String?
    }

    var model: String
    /// Null where the model knows none: probabilities are then as the network gives them.
    var temperature: Double?
    var files: [File] = []

    package init(model: String, temperature: Double?) {
        self.model = model
        self.temperature = temperature
    }

    package mutating func add(_ record: ReadingRecord, explanation: Data? = nil) {
        let characters = record.reading.characters.map { character in
            Character(
                line: character.line, box: character.box, class: record.classNames[character.classIndex],
                probability: character.confidence, rejected: record.isRejected(character),
                familiarity: character.familiarity, unknown: record.isUnknown(character),
                probabilities: Dictionary(
                    zip(record.classNames, character.probabilities), uniquingKeysWith: { first, _ in first }))
        }
        let lines = record.reading.lineProbabilities
        files.append(
            File(
                file: record.file, text: record.lines, lineProbabilities: lines.isEmpty ? nil : lines,
                characters: characters, explanation: explanation))
    }

    package mutating func add(file: String, error: String) { files.append(File(file: file, error: error)) }

    package func encoded() throws(OperationError) -> Data { try JSONText.encode(self, named: "readings") }
}
