import Datasets
import Formats
import Tensors

/// The action for an image whose label looks wrong.
package enum Correction: String, CaseIterable, Sendable {
    case keep, relabel, remove

    /// The probability from which the suggested class is accepted.
    static let sure = 0.9

    static func usual(_ finding: LabelFindings.Finding, part: String) -> Correction {
        part == "test" ? .keep : finding.suggestionProbability >= sure ? .relabel : .remove
    }
}

/// The corrections of a data set, as stored in `labels.csv` of an audit.
package struct Corrections: Sendable {
    private struct Entry {
        /// Nil if the table has none, as those of earlier versions.
        var digest: String?
        var label: UInt8
        var suggestion: UInt8
        var correction: Correction
        var line: Int
    }

    private let path: String
    private var entries: [String: [Int: Entry]] = [:]

    /// - Parameter classNames: the classes of the data set.
    /// - Throws: an `InputError` naming file, line and column.
    package init(_ path: String, classNames: [String]) throws(InputError) {
        self.path = path
        var table = try TableText.load(path)
        let head = try table.nextRow() ?? [], names = ["part", "index", "label", "suggestion", "action"]
        let columns = names.compactMap { head.firstIndex(of: $0) }
        guard columns.count == names.count else {
            throw InputError(
                path, expected: "the columns \(names.joined(separator: ", "))",
                received: head.isEmpty ? "an empty file" : head.joined(separator: ", "))
        }
        let digests = head.firstIndex(of: "digest")
        func classIndex(_ name: String, _ place: String) throws(InputError) -> UInt8 {
            guard let index = classNames.firstIndex(of: name) ?? classNames.firstIndex(of: CSV.unquoted(name)) else {
                throw InputError(place, expected: "a class of the data set", received: name)
            }
            return UInt8(index)
        }
        while let row = try table.nextRow(columns: head.count) {
            let place = table.place
            guard let index = Int(row[columns[1]]), index >= 0 else {
                throw InputError("\(place), index", expected: "a number from 0", received: row[columns[1]])
            }
            guard let correction = Correction(rawValue: row[columns[4]]) else {
                throw InputError(
                    "\(place), action", expected: Correction.allCases.map(\.rawValue).joined(separator: ", "),
                    received: row[columns[4]])
            }
            let part = row[columns[0]]
            guard entries[part]?[index] == nil else {
                throw InputError(place, expected: "each image once", received: "image \(index) of \(part) again")
            }
            entries[part, default: [:]][index] = Entry(
                digest: digests.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 },
                label: try classIndex(row[columns[2]], "\(place), label"),
                suggestion: try classIndex(row[columns[3]], "\(place), suggestion"), correction: correction,
                line: table.line)
        }
    }

    private static let isOfOtherData = "these corrections are of other data"

    /// Returns a copy of the part called `name` with the corrections applied, and the numbers of labels changed and of
    /// images removed.
    /// - Throws: an `InputError` if a row refers to an image that does not exist, or has other bytes or another label.
    package func applied(
        to images: ImageSet, part name: String
    ) throws -> (images: ImageSet, relabelled: Int, removed: Int) {
        let entries = entries[name] ?? [:]
        var labels = images.labels, removed = Set<Int>(), relabelled = 0
        for index in entries.keys.sorted() {
            guard let entry = entries[index] else { continue }
            guard index < images.count, images.labels[index] == entry.label else {
                throw InputError(
                    "\(path):\(entry.line)", expected: "an image of \(name) with its label",
                    received: index < images.count
                        ? "image \(index), whose label is \(images.classNames[Int(images.labels[index])])"
                        : "image \(index) of \(images.count)",
                    remedy: Self.isOfOtherData)
            }
            // A label alone does not tell the image from the one that had its number before the data changed.
            if let digest = entry.digest {
                let found = try images.shortDigest(of: index)
                guard digest == found else {
                    throw InputError(
                        "\(path):\(entry.line)", expected: "an image of \(name) with the digest \(digest)",
                        received: "image \(index), whose digest is \(found)", remedy: Self.isOfOtherData)
                }
            }
            switch entry.correction {
            case .keep: break
            case .relabel:
                labels[index] = entry.suggestion
                relabelled += 1
            case .remove: removed.insert(index)
            }
        }
        let corrected = images.relabelled(labels)
        let kept = labels.indices.filter { !removed.contains($0) }
        return (removed.isEmpty ? corrected : corrected.subset(kept), relabelled, removed.count)
    }

    /// Checks that every row refers to a part that the data have.
    package func check(parts: [String]) throws(InputError) {
        for (part, entries) in entries.sorted(by: { $0.key < $1.key }) where !parts.contains(part) {
            throw InputError(
                "\(path):\(entries.values.map(\.line).min() ?? 0), part",
                expected: parts.joined(separator: " or "), received: part)
        }
    }
}

extension ImageSet {
    /// Returns a digest of the bytes of image `index`, by which a table knows the image whatever its number. The word
    /// before it keeps spreadsheets from reading it as a number.
    func shortDigest(of index: Int) throws(OperationError) -> String {
        try "sha256:" + Digest.hex(bytes(of: index)).prefix(16)
    }
}
