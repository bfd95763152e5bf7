import Formats
import Foundation
import Tensors

/// A data set as a table with a row for each image: its label and its pixels in row-major order.
///
/// ``TableColumns`` determines which column holds the label. Pixels are numbers in 0…255 or, if none is larger than 1,
/// in [0, 1]; labels are whole numbers in 0…255 or words, which become classes in sorted order. A header is recognised
/// by a field that is not a number, or by columns that count 0, 1, 2 …; ``TableText`` handles separators, comments and
/// compression.
package struct ImageCSV {
    /// What the user specifies about a table.
    package struct Options: Sendable {
        /// The label column, by its name or its number from 1.
        package var labelColumn: String?
        /// The column of row names or numbers, by its name or its number from 1.
        package var indexColumn: String?
        /// The size of an image; a square if nil.
        package var size: (width: Int, height: Int)?
        /// The values of a pixel: 1, or 3 for red, green and blue, either of each pixel in turn or one plane after the
        /// other, whichever is smoother.
        package var channels: Int
        /// Whether an image may have several labels: words with `|` between them.
        package var multiLabel: Bool
        /// The column of the factors on the images' losses, by its name or its number from 1.
        package var weightColumn: String?
        /// Whether that column may be missing.
        package var weightsAreOptional: Bool

        package init(
            labelColumn: String? = nil, indexColumn: String? = nil, size: (width: Int, height: Int)? = nil,
            channels: Int = 1, multiLabel: Bool = false, weightColumn: String? = nil,
            weightsAreOptional: Bool = false
        ) {
            self.weightsAreOptional = weightsAreOptional
            (self.labelColumn, self.indexColumn, self.size) = (labelColumn, indexColumn, size)
            (self.channels, self.multiLabel, self.weightColumn) = (channels, multiLabel, weightColumn)
        }
    }

    /// Images without known classes.
    package struct Unlabelled {
        /// `[count, height, width]`.
        package var pixels: [UInt8] = []
        package var width = 0, height = 0
        /// The name of each image: its value in the index column, else its number from 1.
        package var names: [String] = []
        /// Whether the names come from an index column.
        package var hasIndex = false
        package var notes: [String] = []
        package var count: Int { names.count }
    }

    private let path: String
    private let text: TableText
    private let columns: TableColumns
    private let columnCount: Int
    private let hasWords: Bool
    private var notes: [String] = []

    /// Reads labelled images from the table at `path`.
    /// - Parameters:
    ///   - train: For a table of test or validation images, the training images, whose classes and size it must match.
    ///   - classes: The classes if they are known, such as a model's.
    ///   - note: Called with anything unusual.
    /// - Throws: ``ConversionProblems`` naming file, line and column of every field that cannot be used; an
    ///   `InputError` if the file is not such a table.
    package static func read(
        _ path: String, _ options: Options = Options(), as train: ImageSet? = nil, classes: [String]? = nil,
        note: (String) -> Void = { _ in }
    ) throws -> ImageSet {
        try parse(TableText.load(path), options, as: train, classes: train?.classNames ?? classes, note: note)
    }

    /// Reads labelled images from `bytes`.
    package static func parse(
        _ bytes: [UInt8], path: String, _ options: Options = Options(), note: (String) -> Void = { _ in }
    ) throws -> ImageSet {
        try parse(TableText(bytes, path: path), options, as: nil, classes: nil, note: note)
    }

    /// Reads images from the table at `path`, ignoring any labels.
    package static func readUnlabelled(_ path: String, _ options: Options = Options()) throws -> Unlabelled {
        let reader = try ImageCSV(TableText.load(path), options, need: .optional)
        let range = try reader.scan(classes: nil)
        let rows = try reader.images(range, classes: nil)
        var notes = reader.notes + range.notes
        if let label = reader.columns.label {
            notes.append("its labels (\(TableColumns.name(of: label, reader.header))) are not looked at")
        }
        return Unlabelled(
            pixels: rows.pixels, width: reader.columns.size.width, height: reader.columns.size.height,
            names: rows.names,
            hasIndex: reader.columns.index != nil, notes: notes)
    }

    /// Returns whether the table at `path` has labels.
    static func isLabelled(_ path: String, _ options: Options) throws -> Bool {
        try ImageCSV(TableText.load(path), options, need: .optional).columns.label != nil
    }

    private static func parse(
        _ text: TableText, _ options: Options, as train: ImageSet?, classes: [String]?, note: (String) -> Void
    ) throws -> ImageSet {
        let path = text.path
        let reader = try ImageCSV(text, options, need: .required)
        let range = try reader.scan(classes: classes)
        let size = reader.columns.size
        if let train, (train.width, train.height) != size {
            throw InputError(
                path, expected: "\(train.width)×\(train.height) pixels, as for training",
                received: "\(size.width)×\(size.height)")
        }
        var classNames = classes
        if classNames == nil, reader.hasWords { classNames = ImageFolder.ordered(range.words).map(ClassName.shown) }
        let rows = try reader.images(range, classes: classNames)
        // Where weights are optional, the images are tested on, and not weighted.
        if !options.weightsAreOptional, !rows.weights.isEmpty, rows.weights.allSatisfy({ $0 == 0 }) {
            throw InputError(
                "\(path), \(reader.columns.weight.map { TableColumns.name(of: $0, reader.header) } ?? "weights")",
                expected: "a weight above 0: images of weight 0 teach nothing", received: "0 in every row")
        }
        var pixels = rows.pixels
        let channels = options.channels
        if channels > 1 {
            let order = ColourOrder(pixels, height: size.height, width: size.width, channels: channels)
            if order == .planar {
                pixels = OwnIDX.interleaved(pixels, area: size.height * size.width, channels: channels)
            }
            note("\(path): colours are read \(order.words)")
        }
        let names = classNames ?? (0...Int(rows.labels.max() ?? 0)).map { "\($0)" }
        guard names.count >= 2 else {
            throw InputError(
                path, expected: "at least two classes", received: names.first.map { "only \($0)" } ?? "none")
        }
        for text in reader.notes + range.notes { note("\(path): \(text)") }
        var set = try ImageSet(
            images: pixels, labels: rows.labels, height: size.height, width: size.width, channels: channels,
            classCount: names.count, classNames: names, place: path)
        if options.multiLabel { set = set.multiLabel(rows.sets) }
        return rows.weights.isEmpty ? set : try set.weighted(rows.weights)
    }

    private let isMultiLabel: Bool
    private let header: [String]?
    private let need: TableColumns.LabelNeed
    /// The column of labels that are read.
    private var label: Int? { need == .required ? columns.label : nil }

    private init(_ text: TableText, _ options: Options, need: TableColumns.LabelNeed) throws {
        path = text.path
        self.need = need
        var text = text
        var fields: [Range<Int>] = []
        var sample: [[TableColumns.TableField]] = []
        var table = text
        while sample.count <= TableColumns.sampleSize, try text.next(&fields) {
            sample.append(fields.map { .init(text: text.text($0), number: text.number($0)) })
        }
        guard let first = sample.first else {
            throw InputError(path, expected: "rows of numbers", received: "an empty file")
        }
        let isHeader = TableHeader.isHeader(first)
        header = isHeader ? first.map { $0.text.trimmingCharacters(in: .whitespaces) } : nil
        if isHeader {
            sample.removeFirst()
            _ = try table.next(&fields)
            guard !sample.isEmpty else {
                throw InputError(path, expected: "rows of numbers", received: "a header alone")
            }
        }
        self.text = table
        columnCount = first.count
        columns = try TableColumns(
            header: header, sample: sample, labelColumn: options.labelColumn, indexColumn: options.indexColumn,
            weightColumn: options.weightColumn, weightsAreOptional: options.weightsAreOptional, need: need,
            size: options.size, channels: options.channels, place: path, table: table)
        let labels = columns.label.map { label in sample.compactMap { label < $0.count ? $0[label] : nil } } ?? []
        isMultiLabel = options.multiLabel
        hasWords =
            isMultiLabel
            || labels.contains { $0.number == nil && !$0.text.isEmpty } && !labels.contains { $0.number != nil }
        if text.comments > 0 {
            notes.append("\(text.comments) comment line\(text.comments == 1 ? "" : "s") passed over")
        }
        if TableHeader.isMangled(first) {
            notes.append("the first row is an image that was taken for names (0, 0.1, 0.2 …), and is passed over")
        }
        if columns.pixelsAreReordered {
            notes.append(
                "pixels are in the order of their names, not of the columns (\(TableColumns.name(of: columns.pixels[1], header)) is the second)"
            )
        }
        if let label = columns.label, options.labelColumn == nil, header == nil || label != 0 {
            notes.append("the label is \(TableColumns.name(of: label, header))")
        }
        if let index = columns.index {
            notes.append("\(TableColumns.name(of: index, header)) names the rows and is no pixel")
        }
    }

    // MARK: - Looking all of it over

    /// What a scan of all rows has found.
    private struct Scan {
        var rows = 0
        var most = 0.0
        var areWhole = true
        var words: Set<String> = []

        /// The factor by which pixels are multiplied.
        var factor: Double { most <= 1 ? 255 : 1 }

        var notes: [String] {
            if most <= 1, most > 0 { return ["pixels in [0, 1] are read as 255 steps"] }
            if !areWhole { return ["pixels are rounded to whole numbers"] }
            return most > 1 && most < 64 ? ["no pixel is above \(Int(most)) of 255: taken as they are"] : []
        }
    }

    /// Scans every field.
    /// - Throws: ``ConversionProblems`` if some cannot be used.
    private func scan(classes known: [String]?) throws -> Scan {
        var text = text, fields: [Range<Int>] = []
        let classes = known.map { Set($0) }, namesAreNumbers = Self.areOtherNumbers(known)
        var scan = Scan(), problems = ConversionProblems()
        func problem(_ column: Int, _ expected: String, _ received: String, remedy: String? = nil) {
            problems.add(
                InputError(
                    "\(path):\(text.line):\(column + 1)", expected: expected,
                    received: received.isEmpty ? "nothing" : received, remedy: remedy ?? ""))
        }
        while try text.next(&fields) {
            scan.rows += 1
            guard fields.count == columnCount else {
                problem(
                    min(fields.count, columnCount) - 1,
                    "\(columnCount) fields, as the first row has",
                    fields.count < columnCount ? "\(fields.count)" : "more")
                continue
            }
            if let column = columns.empty.first(where: { !fields[$0].isEmpty }) {
                problem(column, "nothing, as in the rows before", text.text(fields[column]))
            }
            if let weight = columns.weight, Self.weight(text.number(fields[weight])) == nil {
                problem(weight, "a weight, a finite number of at least 0", text.text(fields[weight]))
            }
            if let label {
                let word = ClassName.shown(text.text(fields[label]))
                if isMultiLabel {
                    for word in Self.labels(text.text(fields[label])) {
                        if let classes, !classes.contains(word) {
                            problem(label, "classes of the training images", word)
                        } else {
                            scan.words.insert(word)
                        }
                    }
                } else if hasWords {
                    if word.isEmpty || text.number(fields[label]) != nil {
                        problem(label, "a label that is a word, as the others", word)
                    } else if let classes, !classes.contains(word) {
                        problem(label, "a class of the training images", word)
                    } else {
                        scan.words.insert(word)
                    }
                } else if let number = text.number(fields[label]).flatMap({ UInt8(exactly: $0) }) {
                    if namesAreNumbers, let classes, !classes.contains("\(number)") {
                        problem(label, "a class of the training images", word)
                    }
                } else {
                    problem(label, "a label, a whole number in 0…255", word)
                }
            }
            for column in columns.pixels {
                guard let value = text.number(fields[column]), value >= 0, value <= 255 else {
                    let word = text.text(fields[column])
                    problem(column, "a pixel, a number in 0…255", word, remedy: remedy(word))
                    break
                }
                if value > scan.most { scan.most = value }
                if scan.areWhole, value != value.rounded() { scan.areWhole = false }
            }
        }
        try problems.check()
        let most = isMultiLabel ? ImageSet.mostLabels : 256
        guard scan.words.count <= most, !isMultiLabel || (classes?.count ?? 0) <= most else {
            throw InputError(
                path, expected: "at most \(most) classes\(isMultiLabel ? " of several labels" : "")",
                received: "\(max(scan.words.count, classes?.count ?? 0))",
                remedy: "is the label another column? \(TableColumns.labelOption) names it")
        }
        return scan
    }

    private func remedy(_ word: String) -> String? {
        if text.separator != 0x2C, word.contains(",") { return "a decimal comma: write a point" }
        if (Double(word) ?? 0) < 0 { return "undo the normalisation of the pixels" }
        return nil
    }

    /// Returns a weight that is finite in `Float` and not negative.
    private static func weight(_ number: Double?) -> Float? {
        number.map { Float($0) }.flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
    }

    /// Returns the labels of an image with any number of them.
    private static func labels(_ text: String) -> [String] {
        text.split(separator: "|").map { ClassName.shown($0.trimmingCharacters(in: .whitespaces)) }
            .filter { !$0.isEmpty }
    }

    /// The images of a table.
    private struct Rows {
        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        /// Several labels of each image, as bits; empty if each has one.
        var sets: [UInt64] = []
        /// Empty if there are none.
        var weights: [Float] = []
        var names: [String] = []
    }

    /// Returns whether labels that are numbers are names of `classes`, as "1", "2" and "5", not positions among them.
    private static func areOtherNumbers(_ classes: [String]?) -> Bool {
        guard let classes else { return false }
        return classes.allSatisfy { UInt8($0) != nil } && classes != classes.indices.map { "\($0)" }
    }

    /// Reads every row; `scan` has validated them.
    private func images(_ scan: Scan, classes: [String]?) throws -> Rows {
        var text = text, fields: [Range<Int>] = []
        let (count, overflow) = scan.rows.multipliedReportingOverflow(by: columns.pixels.count)
        guard !overflow, count <= IDX.largestPayload else {
            throw InputError(path, expected: "at most 8 GiB of pixels", received: "\(scan.rows) rows")
        }
        let places = Dictionary(
            (classes ?? []).enumerated().map { ($1, UInt8(truncatingIfNeeded: $0)) },
            uniquingKeysWith: { first, _ in first })
        let namesAreNumbers = Self.areOtherNumbers(classes)
        var rows = Rows()
        rows.pixels.reserveCapacity(count)
        while try text.next(&fields) {
            if let weight = columns.weight { rows.weights.append(Self.weight(text.number(fields[weight])) ?? 0) }
            if let label, isMultiLabel {
                rows.labels.append(0)
                rows.sets.append(
                    Self.labels(text.text(fields[label])).reduce(0) { $0 | 1 << UInt64(places[$1] ?? 0) })
            } else if let label {
                let number = hasWords ? 0 : UInt8(text.number(fields[label]) ?? 0)
                let name = hasWords ? ClassName.shown(text.text(fields[label])) : "\(number)"
                rows.labels.append(hasWords || namesAreNumbers ? places[name] ?? 0 : number)
            }
            if label == nil || columns.index != nil {
                rows.names.append(columns.index.map { text.text(fields[$0]) } ?? "\(rows.names.count + 1)")
            }
            for column in columns.pixels {
                rows.pixels.append(UInt8(((text.number(fields[column]) ?? 0) * scan.factor).rounded()))
            }
        }
        if rows.names.isEmpty { rows.names = rows.labels.indices.map { "\($0 + 1)" } }
        return rows
    }
}
