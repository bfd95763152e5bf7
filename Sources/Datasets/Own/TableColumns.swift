import Formats
import Tensors

/// The roles of the columns of a table of images: the label, an index, pixels.
///
/// The label is the column that the user names, or one with a usual name, or the first or last column if only one of
/// the two can be a label: whole numbers (or words), few of them, while the others are pixels. If several columns could
/// be the label, the user is asked to name it.
struct TableColumns {
    /// Whether rows must have a label.
    enum LabelNeed { case required, optional }

    /// What names the label, for remedies, as ``ImageFolder/sizeOption``.
    static let labelOption = "data.labelColumn (datasets convert: --label COLUMN)"

    private static let labelNames: Set = ["label", "labels", "class", "target", "digit", "y"]
    private static let indexNames: Set = [
        "", "index", "id", "row", "unnamed: 0", "imageid", "image_id", "rowid", "row_id", "filename", "file",
    ]
    /// The number of rows that are examined.
    static let sampleSize = 1000

    let label: Int?
    /// The column of row names or numbers, which are not pixels.
    let index: Int?
    /// The column of the factors on the images' losses.
    let weight: Int?
    /// The columns of pixels, row by row.
    let pixels: [Int]
    /// Whether the file has them in another order.
    let pixelsAreReordered: Bool
    /// Columns at the end that hold nothing, as a separator at the end of each line makes.
    let empty: Range<Int>
    let size: (width: Int, height: Int)

    private let header: [String]?
    private let sample: [[TableField]]
    private let place: String

    struct TableField {
        var text: String
        var number: Double?
    }

    /// - Parameters:
    ///   - header: The names of the columns, if there are any.
    ///   - sample: The first rows.
    ///   - labelColumn: The label column as given by the user: its name or its number from 1.
    ///   - indexColumn: The column of row names as given by the user.
    ///   - weightColumn: The column of weights as given by the user; it may be missing if `weightsAreOptional`.
    ///   - size: The size of an image; a square if nil.
    ///   - channels: The values of a pixel.
    ///   - table: All rows, of which more are examined if a label has to be guessed.
    /// - Throws: an `InputError` if a named column does not exist, the label could be several columns, or the other
    ///   columns do not form an image.
    init(
        header: [String]?, sample: [[TableField]], labelColumn: String?, indexColumn: String?, weightColumn: String?,
        weightsAreOptional: Bool, need: LabelNeed,
        size: (width: Int, height: Int)?, channels: Int, place: String, table: TableText
    ) throws(InputError) {
        (self.header, self.sample, self.place) = (header, sample, place)
        let allCount = header?.count ?? sample.first?.count ?? 0
        let count = Self.filled(header, sample, allCount)
        empty = count..<allCount
        let named = try labelColumn.map { text throws(InputError) in
            try Self.column(text, option: "data.labelColumn (--label)", header, count, place)
        }
        var index = try indexColumn.map { text throws(InputError) in
            try Self.column(text, option: "--id-column", header, count, place)
        }
        func weight(_ text: String) throws(InputError) -> Int {
            try Self.column(text, option: "data.weightColumn", header, count, place)
        }
        let weight =
            weightsAreOptional ? weightColumn.flatMap { try? weight($0) } : try weightColumn.map(weight)
        let names = header.map { $0.prefix(count).map { $0.lowercased() } } ?? []
        if index == nil { index = names.indices.first { Self.indexNames.contains(names[$0]) && $0 != named } }
        func extents(_ values: Int) -> (width: Int, height: Int)? {
            guard values > 0, values.isMultiple(of: channels) else { return nil }
            let pixels = values / channels
            if let size { return size.width * size.height == pixels ? size : nil }
            let side = Int(Double(pixels).squareRoot().rounded())
            return side * side == pixels && (1...IDX.largestExtent).contains(side) ? (side, side) : nil
        }
        let usual = names.indices.filter { Self.labelNames.contains(names[$0]) && $0 != index }
        var label = named
        if label == nil, usual.count > 1 { throw Self.ambiguous(usual, header, place) }
        if label == nil { label = usual.first }
        if index == nil, let first = Self.countingColumn(sample) {
            // The first column numbers the rows if the others form an image only without it.
            let rest = count - 1 - (label == nil || label == 0 ? 0 : 1) - (weight == nil ? 0 : 1)
            let fits = { (n: Int) in extents(n) != nil }
            if label != 0, label == nil ? !fits(rest) && !fits(count) && fits(rest - 1) : fits(rest) { index = first }
        }
        let others = (0..<count).filter { $0 != index && $0 != weight }
        if label == nil, extents(others.count) == nil, extents(others.count - 1) != nil {
            label = try Self.guess(among: others, header, place, table)
        }
        if label == nil, need == .required {
            var error = InputError(
                place, expected: "a column of labels beside the pixels",
                received: count == 1
                    ? "one column"
                    : extents(others.count).map {
                        "\(others.count) columns, which are images of \($0.width)×\($0.height)"
                            + (channels > 1 ? "×\(channels)" : "")
                    } ?? "\(others.count) columns, none of a usual name (label, class, target, digit, y)")
            error.remedy =
                count == 1
                ? "are the columns separated by commas, semicolons, tabs, bars or spaces?"
                : extents(others.count) == nil
                    ? "\(Self.labelOption) names it (name, or number from 1), \(ImageFolder.sizeOption) the layout of the pixels"
                    : "trainer predict reads images without labels"
            throw error
        }
        let pixels = others.filter { $0 != label }
        guard let extents = extents(pixels.count) else {
            let beside = label.map { "beside the label (\(Self.name(of: $0, header)))" } ?? "and no label"
            if let size {
                throw InputError(
                    place,
                    expected: "\(size.width)·\(size.height)\(channels > 1 ? "·\(channels)" : "") = "
                        + "\(size.width * size.height * channels) pixels \(beside)",
                    received: "\(pixels.count)")
            }
            throw InputError(
                place,
                expected: "a square number of pixels\(channels > 1 ? " of \(channels) values" : "") \(beside)",
                received: "\(pixels.count)",
                remedy: "\(ImageFolder.sizeOption) says how they are laid out")
        }
        let order = PixelOrder(pixels, header: header)
        (self.label, self.index, self.weight, self.size) = (label, index, weight, extents)
        (self.pixels, pixelsAreReordered) = (order.columns, order.isChanged)
    }

    /// Returns the column that the user calls `text`, by its name or else by its number from 1.
    private static func column(
        _ text: String, option: String, _ header: [String]?, _ count: Int, _ place: String
    ) throws(InputError) -> Int {
        let names = header ?? []
        if let exact = names.firstIndex(of: text) { return exact }
        let alike = names.indices.filter { names[$0].lowercased() == text.lowercased() }
        if alike.count == 1 { return alike[0] }
        if let number = Int(text), (1...max(count, 1)).contains(number) { return number - 1 }
        throw InputError(
            option,
            expected: "a column of \(place): " + (header == nil ? "" : "its name, or ") + "a number in 1…\(count)",
            received: text,
            remedy: header == nil ? "" : "its columns are " + listed(names.indices.map { $0 }, header))
    }

    static func name(of column: Int, _ header: [String]?) -> String {
        header.map { "\($0[column].isEmpty ? "unnamed" : $0[column]), column \(column + 1)" } ?? "column \(column + 1)"
    }

    private static func listed(_ columns: [Int], _ header: [String]?) -> String {
        columns.prefix(6).map { header?[$0] ?? "\($0 + 1)" }.joined(separator: ", ")
            + (columns.count > 6 ? ", … \(header?[columns[columns.count - 1]] ?? "\(columns.count)")" : "")
    }

    private static func ambiguous(_ columns: [Int], _ header: [String]?, _ place: String) -> InputError {
        InputError(
            place, expected: "one column that can be the label",
            received: "\(columns.count): \(columns.map { name(of: $0, header) }.joined(separator: "; "))",
            remedy: "\(labelOption) names it")
    }

    /// Returns the first column if it counts the rows: 0, 1, 2 … or 1, 2, 3 …
    private static func countingColumn(_ sample: [[TableField]]) -> Int? {
        guard sample.count >= 3, let first = sample[0].first?.number, first == 0 || first == 1 else { return nil }
        return sample.enumerated().allSatisfy { $1.first?.number == first + Double($0) } ? 0 : nil
    }

    // MARK: - Without a name

    /// Guesses the label: the one column whose name is unlike all others', else the first or last of `columns`.
    private static func guess(
        among columns: [Int], _ header: [String]?, _ place: String, _ table: TableText
    ) throws(InputError) -> Int? {
        if let header {
            // `number,pixel0,pixel1,…`: all but one end with a number.
            let unnumbered = columns.filter { header[$0].last?.isNumber != true }
            if unnumbered.count == 1 { return unnumbered[0] }
        }
        // Not of the first rows alone: in a table sorted by class they are all of one.
        let rows = try spread(table, [columns[0], columns[columns.count - 1]])
        var candidates = [(columns[0], rows.map { $0[0] }), (columns[columns.count - 1], rows.map { $0[1] })]
            .filter { isPlausible($0.1) }
        if candidates.count == 2 {
            // Only a label is in order; a pixel at the border is nearly always paper, while classes are spread more
            // evenly over the rows.
            let isSorted = candidates.map { neverFalls($0.1) }
            let isUneven = candidates.map { commonest($0.1) > 0.6 && rows.count >= 20 }
            if isSorted[0] != isSorted[1] {
                candidates = [candidates[isSorted[0] ? 0 : 1]]
            } else if isUneven[0] != isUneven[1] {
                candidates = [candidates[isUneven[0] ? 1 : 0]]
            }
        }
        if candidates.count > 1 { throw ambiguous(candidates.map(\.0), header, place) }
        return candidates.first?.0
    }

    /// The number of rows from the whole table that are examined for a label.
    private static let spreadSize = 4096

    /// Returns some columns of at most that many rows, equally far apart.
    private static func spread(_ table: TableText, _ columns: [Int]) throws(InputError) -> [[TableField]] {
        var table = table, fields: [Range<Int>] = [], rows: [[TableField]] = []
        var number = 0, step = 1
        while try table.next(&fields) {
            defer { number += 1 }
            guard number.isMultiple(of: step), columns.allSatisfy({ $0 < fields.count }) else { continue }
            rows.append(columns.map { .init(text: table.text(fields[$0]), number: table.number(fields[$0])) })
            if rows.count == spreadSize {
                rows = rows.indices.filter { $0.isMultiple(of: 2) }.map { rows[$0] }
                step *= 2
            }
        }
        return rows
    }

    /// Returns whether a column can hold classes: words, or few whole numbers that fill their range.
    private static func isPlausible(_ column: [TableField]) -> Bool {
        let fields = column.filter { !$0.text.isEmpty }
        let numbers = fields.compactMap(\.number)
        let distinct = Set(fields.map(\.text)).count
        guard distinct >= 2, fields.count < 50 || 2 * distinct < fields.count else { return false }
        guard !numbers.isEmpty else { return true }
        // A field that is not a number among numbers is an error, reported later.
        guard 2 * numbers.count > fields.count, numbers.allSatisfy({ $0 >= 0 && $0 <= 255 && $0 == $0.rounded() })
        else {
            return false
        }
        let most = numbers.max() ?? 0
        return most < 100 || 3 * distinct > Int(most)
    }

    /// Returns whether the numbers of many rows never fall.
    private static func neverFalls(_ column: [TableField]) -> Bool {
        let numbers = column.compactMap(\.number)
        return numbers.count >= 20 && zip(numbers, numbers.dropFirst()).allSatisfy { $0 <= $1 }
    }

    /// Returns the share of the rows that have the most frequent value.
    private static func commonest(_ column: [TableField]) -> Double {
        var counts: [String: Int] = [:]
        for field in column { counts[field.text, default: 0] += 1 }
        return Double(counts.values.max() ?? 0) / Double(max(column.count, 1))
    }

    /// Returns the number of columns without those at the end that have neither a name of their own nor a value.
    private static func filled(_ header: [String]?, _ sample: [[TableField]], _ count: Int) -> Int {
        var count = count
        while count > 1, header.map({ isUnnamed($0[count - 1]) }) ?? true,
            sample.allSatisfy({ $0.count < count || $0[count - 1].text.isEmpty })
        {
            count -= 1
        }
        return count
    }

    /// Returns whether a column has no name, or the one that pandas gives it.
    private static func isUnnamed(_ name: String) -> Bool { name.isEmpty || name.lowercased().hasPrefix("unnamed: ") }
}
