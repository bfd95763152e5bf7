/// The order of a table's pixel columns by the positions in their names: `pixel0`, `pixel10`, `pixel2` as text is sorted;
/// `1x1` (row, column); `x3_y5`.
struct PixelOrder {
    /// The columns, row by row.
    let columns: [Int]
    /// Whether the file has them in another order.
    let isChanged: Bool

    /// - Parameters:
    ///   - columns: the columns of pixels, as the file has them.
    ///   - header: the names of all columns; without them, or where they state no positions, the file's order is kept.
    init(_ columns: [Int], header: [String]?) {
        let ordered = header.flatMap { Self.ordered(columns, $0) } ?? columns
        self.columns = ordered
        isChanged = ordered != columns
    }

    private static func ordered(_ columns: [Int], _ header: [String]) -> [Int]? {
        var positions: [(position: [Int], column: Int)] = []
        var family: [String]?
        for column in columns {
            guard let (words, numbers) = split(header[column]), family ?? words == words else { return nil }
            family = words
            positions.append((numbers, column))
        }
        guard let family, Set(positions.map(\.position)).count == columns.count else { return nil }
        let extents = positions[0].position.indices.map { axis in Set(positions.map { $0.position[axis] }).count }
        // Names that count only some of the pixels, as `a1` and `b1`, state no positions.
        guard extents.reduce(1, *) == columns.count else { return nil }
        if family.count == 3 {
            let isAcrossFirst = isAcross(family[0])
            // Which of two numbers counts rows must be known: row and column, as `1x1` or `r0c1`, or x and y.
            guard isAcrossFirst ? isDown(family[1]) : isAcross(family[1]) && isDown(family[0]) || family[0].isEmpty
            else { return nil }
            if isAcrossFirst { for index in positions.indices { positions[index].position.reverse() } }
        }
        return positions.sorted { $0.position.lexicographicallyPrecedes($1.position) }.map(\.column)
    }

    /// Returns whether a word before a number says that it counts across: `x3`, `col3`.
    private static func isAcross(_ word: String) -> Bool { ["x", "c", "col", "column"].contains(last(word)) }
    /// Returns whether a word before a number says that it counts down: `y5`, `row5`.
    private static func isDown(_ word: String) -> Bool { ["y", "r", "row"].contains(last(word)) }

    /// The last letters of a word.
    private static func last(_ word: String) -> String {
        let trimmed = word.lowercased().reversed().drop { !$0.isLetter }.prefix { $0.isLetter }
        return String(trimmed.reversed())
    }

    /// Returns the one or two numbers in a name and the words around them; nil if it has none, or more.
    private static func split(_ name: String) -> (words: [String], numbers: [Int])? {
        var words = [""], numbers: [Int] = [], digits = ""
        func end() -> Bool {
            guard !digits.isEmpty else { return true }
            guard let number = Int(digits), numbers.count < 2 else { return false }
            numbers.append(number)
            words.append("")
            digits = ""
            return true
        }
        for character in name {
            if character.isASCII, character.isNumber {
                digits.append(character)
            } else {
                guard end() else { return nil }
                words[words.count - 1].append(character)
            }
        }
        guard end(), !numbers.isEmpty else { return nil }
        return (words, numbers)
    }
}
