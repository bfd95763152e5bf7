import Formats
import Tensors

/// The ground truth of fields: a table with the columns `file`, `field` and `value`; other columns are ignored. The
/// audit file of reviewed forms is such a table, of which only the rows keyed by a person count, as given by its column
/// `status`.
package struct TruthTable: Sendable {
    private struct Key: Hashable {
        var file: String
        var field: String
    }

    /// The values, with the lines on which they stand.
    private var values: [Key: (text: String, line: Int)] = [:]
    /// The pictures of which a value is known.
    package private(set) var files: Set<String> = []
    /// Other pictures that the table names.
    package private(set) var others: Set<String> = []

    /// Reads a table.
    /// - Parameters:
    ///   - fields: The template's fields.
    ///   - scans: The names of the pictures.
    /// - Throws: An `InputError` if the table cannot be read, if a row and the header differ in length, or if a row
    ///   names another field, one that an earlier row names, or a value that the field cannot hold.
    package init(_ path: String, fields: [FormField], scans: [String]) throws(InputError) {
        var table = try TableText.load(path)
        let head = try table.nextRow() ?? []
        let places = ["file", "field", "value"].map { head.firstIndex(of: $0) }
        guard let name = places[0], let field = places[1], let value = places[2] else {
            throw InputError(
                path, expected: "the columns file, field, value",
                received: head.isEmpty ? "an empty file" : head.prefix(8).joined(separator: ", "))
        }
        let status = head.firstIndex(of: "status"), names = Set(scans)
        while let row = try table.nextRow(columns: head.count) {
            // Values accepted by the reader are not ground truth, and undecided fields are not empty.
            if let status, !row[status].hasPrefix("keyed") { continue }
            let key = Key(file: CSV.unquoted(row[name]), field: CSV.unquoted(row[field]))
            guard names.contains(key.file) else {
                others.insert(key.file)
                continue
            }
            guard let target = fields.first(where: { $0.name == key.field }) else {
                throw InputError(
                    table.place, expected: "a field of the template", received: JSONValue.string(key.field).excerpt,
                    remedy: Spelling.remedy(for: key.field, among: fields.map(\.name)))
            }
            if let other = values[key] {
                throw InputError(
                    table.place, expected: "one row for each field of a scan",
                    received: "\(key.field) of \(key.file), which is on line \(other.line) too")
            }
            let text = CSV.unquoted(row[value])
            // A person may have seen that a writer put down what the field is not for.
            let isAsWritten = status.map { row[$0] == "keyed as written" } ?? false
            if !isAsWritten, let expected = Self.misfit(text, target) {
                throw InputError(
                    "\(table.place): \(key.field)", expected: expected, received: JSONValue.string(text).excerpt,
                    remedy: "correct it, or say that it is written so: 'keyed as written' in a column status")
            }
            values[key] = (text, table.line)
            files.insert(key.file)
        }
    }

    private static func misfit(_ value: String, _ field: FormField) -> String? {
        guard !value.isEmpty else { return nil }
        if case .characters(let options) = field.kind, let characters = options.characters,
            !value.allSatisfy(characters.contains)
        {
            return "characters of \(characters)"
        }
        return AnswerChecker.misfit(value, field)
    }

    /// Returns the value of a field; nil if it is unknown.
    package func value(of field: String, in file: String) -> String? { values[Key(file: file, field: field)]?.text }
}
