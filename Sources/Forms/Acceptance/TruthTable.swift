import Formats
import Tensors

/// The ground truth of fields: a table with the columns `file`, `field` and `value`; other columns are ignored. The
/// audit file of reviewed forms is such a table, of which only the rows keyed by a person count, as given by its column
/// `status`.
package struct TruthTable: Sendable {
    private var values: [String: String] = [:]

    /// Reads a table.
    /// - Throws: An `InputError` if the table cannot be read, or if a row and the header differ in length.
    package init(_ path: String) throws(InputError) {
        var table = try TableText.load(path)
        let head = try table.nextRow() ?? []
        let places = ["file", "field", "value"].map { head.firstIndex(of: $0) }
        guard let name = places[0], let field = places[1], let value = places[2] else {
            throw InputError(
                path, expected: "the columns file, field, value",
                received: head.isEmpty ? "an empty file" : head.prefix(8).joined(separator: ", "))
        }
        let status = head.firstIndex(of: "status")
        while let row = try table.nextRow(columns: head.count) {
            // Values accepted by the reader are not ground truth, and undecided fields are not empty.
            if let status, !row[status].hasPrefix("keyed") { continue }
            values[Self.key(CSV.unquoted(row[name]), row[field])] = CSV.unquoted(row[value])
        }
    }

    private static func key(_ file: String, _ field: String) -> String { "\(file)\u{0}\(field)" }

    /// Returns the value of a field; nil if it is unknown.
    package func value(of field: String, in file: String) -> String? { values[Self.key(file, field)] }
}
