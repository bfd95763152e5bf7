import Formats
import Tensors

/// Where a value stands in a configuration: `model.layers[3].filters`.
struct ConfigurationPath: Hashable, Sendable {
    /// Empty at the top.
    var text = ""

    /// The member `key` of the object here. A key that is no plain word is quoted, so that an error stays one line.
    func key(_ key: String) -> ConfigurationPath {
        guard Self.isWord(key) else {
            return ConfigurationPath(text: "\(text)[\(JSONValue.string(key).excerpt)]")
        }
        return ConfigurationPath(text: text.isEmpty ? key : "\(text).\(key)")
    }

    /// The element `index` of the array here.
    func index(_ index: Int) -> ConfigurationPath { ConfigurationPath(text: "\(text)[\(index)]") }

    /// An error at this place.
    func error(_ expected: String, _ received: JSONValue, remedy: String = "") -> InputError {
        InputError(text, expected: expected, received: received.excerpt, remedy: remedy)
    }

    /// An error for a required key that is not there.
    func missing(_ expected: String, remedy: String = "") -> InputError {
        InputError(text, expected: expected, received: "nothing", remedy: remedy)
    }

    /// Whether `text` is a letter, `_` or `$`, then letters, digits, `_`, `$`, `-`, all ASCII, at most 64.
    static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard !isDigit(first), first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy {
            isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "-")
        }
    }
}

/// The nearest of some words to a misspelt one.
enum Spelling {
    /// `did you mean 'optimizer'?`, or empty where no word is near: at most a third of its letters may differ, one
    /// at least. Case does not count.
    static func remedy(for word: String, among candidates: [String]) -> String {
        guard word.utf8.count <= 64 else { return "" }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(word.lowercased(), candidate.lowercased())
            guard distance <= max(1, candidate.count / 3), distance < (best?.distance ?? .max) else { continue }
            best = (candidate, distance)
        }
        return best.map { "did you mean '\($0.word)'?" } ?? ""
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string
    /// alignment; Damerau 1964).
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.unicodeScalars), b = Array(b.unicodeScalars)
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                let substitution = rows[i][j] + (a[i] == b[j] ? 0 : 1)
                var cost = min(substitution, rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
