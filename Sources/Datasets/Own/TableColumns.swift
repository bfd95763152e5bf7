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
        "", "index", "id", "row", "unnamed: 0", "imageid", "image_id", "rowid", "row_id",
    ]
    /// The number of rows that are examined.
    static let sampleSize = 1000

    let label: Int?
    /// The column of row names or numbers, which are not pixels.
    let index: Int?
    /// The column of the factors on the images' losses.
    let weight: Int?
    /// The columns of pixels, in order.
    let pixels: [Int]
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
    /// - Throws: an `InputError` if a named column does not exist, the label could be several columns, or the other
    ///   columns do not form an image.
    init(
        header: [String]?, sample: [[TableField]], labelColumn: String?, indexColumn: String?, weightColumn: String?,
        weightsAreOptional: Bool, need: LabelNeed,
        size: (width: Int, height: Int)?, channels: Int, place: String
    ) throws(InputError) {
        (self.header, self.sample, self.place) = (header, sample, place)
        let count = header?.count ?? sample.first?.count ?? 0
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
        let names = header.map { $0.map { $0.lowercased() } } ?? []
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
            label = try Self.guess(among: others, header, sample, place)
        }
        if label == nil, need == .required {
            var error = InputError(
                place, expected: "a column of labels beside the pixels",
                received: extents(others.count).map {
                    "\(others.count) columns, which are images of \($0.width)×\($0.height)"
                        + (channels > 1 ? "×\(channels)" : "")
                }
                    ?? "\(others.count) columns, none of a usual name (label, class, target, digit, y)")
            error.remedy =
                extents(others.count) == nil
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
        (self.label, self.index, self.weight, self.pixels, self.size) = (label, index, weight, pixels, extents)
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
        among columns: [Int], _ header: [String]?, _ sample: [[TableField]], _ place: String
    ) throws(InputError) -> Int? {
        if let header {
            // `number,pixel0,pixel1,…`: all but one end with a number.
            let unnumbered = columns.filter { header[$0].last?.isNumber != true }
            if unnumbered.count == 1 { return unnumbered[0] }
        }
        let ends = [columns[0], columns[columns.count - 1]]
        var candidates = ends.filter { isPlausible($0, sample) }
        if candidates.count == 2 {
            // A pixel at the border is nearly always paper; classes are spread more evenly over the rows.
            let isUneven = candidates.map { commonest($0, sample) > 0.6 && sample.count >= 20 }
            if isUneven[0] != isUneven[1] { candidates = [candidates[isUneven[0] ? 1 : 0]] }
        }
        if candidates.count > 1 { throw ambiguous(candidates, header, place) }
        return candidates.first
    }

    /// Returns whether a column can hold classes: words, or few whole numbers that fill their range.
    private static func isPlausible(_ column: Int, _ sample: [[TableField]]) -> Bool {
        let fields = sample.compactMap { column < $0.count ? $0[column] : nil }.filter { !$0.text.isEmpty }
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

    /// Returns the share of the rows that have the most frequent value.
    private static func commonest(_ column: Int, _ sample: [[TableField]]) -> Double {
        var counts: [String: Int] = [:]
        for row in sample where column < row.count { counts[row[column].text, default: 0] += 1 }
        return Double(counts.values.max() ?? 0) / Double(max(sample.count, 1))
    }

    // MARK: - Header

    /// Returns whether `row` names columns: some fields are not numbers, and those that are count up; or it counts 0,
    /// 1, 2 …
    static func isHeader(_ row: [TableField]) -> Bool {
        let numbers = row.compactMap(\.number)
        // As pandas numbers columns, possibly after an unnamed column of row numbers.
        let counted = row.first?.text == "" ? Array(row.dropFirst()) : row
        if counted.count > 4, counted.enumerated().allSatisfy({ $1.number == Double($0) }) { return true }
        let hasWord = row.contains { $0.number == nil && !$0.text.isEmpty }
        return hasWord && zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 }
    }
}
