/// The first row of a table, which may name its columns.
enum TableHeader {
    /// Returns whether `row` names columns: they count 0, 1, 2 … or 1, 2, 3 …; or some are words, and the numbers among
    /// them count up, if many also in another order; or pandas has made them (see ``isMangled(_:)``).
    static func isHeader(_ row: [TableColumns.TableField]) -> Bool {
        let numbers = row.compactMap(\.number)
        // As pandas numbers columns, possibly after an unnamed column of row numbers.
        let counted = row.first?.text == "" ? Array(row.dropFirst()) : row
        if let first = counted.first?.number, first == 0 ? counted.count > 4 : first == 1 && counted.count >= 16,
            counted.enumerated().allSatisfy({ $1.number == first + Double($0) })
        {
            return true
        }
        if isMangled(row) { return true }
        guard row.contains(where: { $0.number == nil && !$0.text.isEmpty }) else { return false }
        func countUp(_ numbers: [Double]) -> Bool { zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 } }
        return countUp(numbers) || numbers.count >= 16 && countUp(numbers.sorted())
    }

    /// Returns whether `row` is an image that pandas took for names, which it numbers where they repeat: `5`, `0`,
    /// `0.1`, `0.2` … `0.10`, `18`, `18.1`. No row of pixels is without a repeated one.
    static func isMangled(_ row: [TableColumns.TableField]) -> Bool {
        var seen: [Substring: Int] = [:], numbered = 0
        for field in row {
            let text = field.text[...]
            if let dot = text.lastIndex(of: "."), let count = seen[text[..<dot]], text[dot...] == ".\(count)",
                Double(text[..<dot]) != nil
            {
                seen[text[..<dot], default: 0] += 1
                numbered += 1
            } else if seen.updateValue(1, forKey: text) != nil {
                return false
            }
        }
        return numbered >= 8
    }
}
