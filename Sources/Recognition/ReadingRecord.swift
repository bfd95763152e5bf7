import Evaluation
import Formats
import Foundation
import Pictures
import Tensors

/// The machine-readable result of reading one file.
package struct ReadingRecord: Sendable {
    package var file: String
    package var reading: Reading
    package var classNames: [String]
    /// The confidence below which a character is rejected; 0 rejects none.
    package var reject: Double
    /// The fraction of known images that is accepted as known: a character that looks stranger than all of these is
    /// unknown. 1 accepts everything.
    package var known: Double

    /// The label of a character that the network does not know.
    package static let unknown = "unknown"

    package init(
        file: String, reading: Reading, classNames: [String], reject: Double, known: Double
    ) {
        (self.file, self.reading, self.classNames) = (file, reading, classNames)
        (self.reject, self.known) = (reject, known)
    }

    /// Returns the default of ``known``. It is higher for lines: they have many characters, and rejecting one in twenty
    /// would spoil most lines.
    package static func usualShare(_ mode: DigitReader.Mode) -> Double {
        mode == .segment ? 0.99 : StrangerDetector.usualShare
    }

    package func isRejected(_ character: ReadCharacter) -> Bool { character.confidence < reject }

    /// The confidence from which on a character of a line must look stranger to be unknown, and how many times.
    ///
    /// Of lines read right, a character that is merely unusual is read with confidence; a letter among digits often is
    /// not. With both together, 1.5 instead of 4.1 % of right lines have an unknown character; of lines with a letter or scribble
    /// among digits, five in six that had one still do.
    private static let sure = (confidence: 0.9, factor: 5.0)

    /// Returns whether the character looks unlike anything the network was trained on.
    package func isUnknown(_ character: ReadCharacter) -> Bool {
        guard let familiarity = character.familiarity else { return false }
        let isSure = !reading.lineProbabilities.isEmpty && character.confidence >= Self.sure.confidence
        // Familiarities are multiples of 1/1000.
        return familiarity * (isSure ? Self.sure.factor : 1) < 1 - known - 1e-9
    }

    /// Returns the character's class name, or `?` if it is rejected or unknown.
    package func text(of character: ReadCharacter) -> String {
        isRejected(character) || isUnknown(character) ? "?" : classNames[character.classIndex]
    }

    /// The text of each line; class names are separated by spaces unless all are single letters.
    package var lines: [String] {
        let separator = classNames.allSatisfy { $0.count == 1 } ? "" : " "
        let last = reading.characters.map(\.line).max() ?? -1
        return (0..<(last + 1)).map { line in
            reading.characters.filter { $0.line == line }.map(text(of:)).joined(separator: separator)
        }
    }

    /// Returns the column names of ``appendRows(to:)``.
    package static func header(classes: Int) -> [String] {
        ["file", "line", "index", "x", "y", "width", "height", "class", "probability", "rejected"]
            + (0..<classes).map { "p\($0)" } + ["familiarity", "unknown"]
    }

    /// Appends the row of a file that could not be read: its name, and nothing else.
    package static func appendUnread(_ file: String, classes: Int, to table: inout CSV) {
        table.add(file)
        for _ in header(classes: classes).dropFirst() { table.add("") }
        table.endLine()
    }

    /// Appends a row per character. Lines are numbered from 0, and so are the characters within each line.
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
