/// Suggestions for misspelt words.
package enum Spelling {
    /// Returns `did you mean 'optimizer'?`, or an empty string if no candidate is close: at most a third of its letters
    /// may differ, but always one. Case is ignored.
    package static func remedy(for word: String, among candidates: [String]) -> String {
        guard word.utf8.count <= 64 else { return "" }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(word.lowercased(), candidate.lowercased())
            guard distance <= max(1, candidate.count / 3), distance < (best?.distance ?? .max) else { continue }
            best = (candidate, distance)
        }
        return best.map { "did you mean '\($0.word)'?" } ?? ""
    }

    /// Returns the number of insertions, deletions, substitutions and transpositions of adjacent letters that turn `a`
    /// into `b` (optimal string alignment; Damerau 1964).
    package static func distance(_ a: String, _ b: String) -> Int {
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
