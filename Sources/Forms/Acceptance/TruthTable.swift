import Formats
import Tensors

/// The values of fields as people know them: a table with the columns `file`, `field` and `value`, others passed over. The audit
/// file of forms that were reviewed is one: of its rows those that a person keyed, which its column `status` says.
package struct TruthTable: Sendable {
    private var values: [String: String] = [:]

    /// - Throws: an `InputError` where it cannot be read, or a row has other columns than the first.
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
            // What the reader accepted is no truth, and what nobody decided is not empty.
            if let status, !row[status].hasPrefix("keyed") { continue }
            values[Self.key(row[name], row[field])] = row[value]
        }
    }

    private static func key(_ file: String, _ field: String) -> String { "\(file)\u{0}\(field)" }

    /// Nil where it is not known.
    package func value(of field: String, in file: String) -> String? { values[Self.key(file, field)] }
}
