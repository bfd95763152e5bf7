import ArgumentParser
import Formats
import Foundation
import Numeral
import Pictures
import Recognition
import Tensors

/// `trainer predict`: reads the user's own pictures.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Read handwritten digits from pictures: PNG, JPEG, PBM, PGM or PPM.",
        discussion: """
            Pictures may have any size, dark on light or light on dark. Without --segment, a picture shows one digit. Without \
            --model, the network that ships with the package is used, trained on MNIST. A picture that cannot be read is \
            reported and the others are still read; the exit code is then 2. A CSV file holds one image per row, with or \
            without labels.
            """)

    @Option(help: "A run folder or a model file, instead of the bundled model.")
    var model: String?

    @Flag(help: "Find every digit of a form field, a line or a page, in reading order.")
    var segment = false

    @Flag(help: "The pictures are already in the network's input format: light on black and of its size, as in MNIST.")
    var raw = false

    @Option(
        help: ArgumentHelp(
            "Reject characters with a lower probability, in (0, 1], for example 0.9.", valueName: "probability"))
    var reject: Double?

    @Option(
        help: ArgumentHelp(
            "Report as unknown what looks stranger than this share of the images the model was trained for, in [0.5, 1]; default: 0.95, with "
                + "--segment 0.99; 1 disables it.", valueName: "share"))
    var known: Double?

    @Flag(help: "Write JSON.")
    var json = false

    @Flag(help: "Write CSV, one row per digit with all probabilities; a file that cannot be read has a row without.")
    var csv = false

    @Option(
        help: ArgumentHelp(
            "The column of row ids of a CSV file: its name, or its number from 1; default: rows are numbered from 1.",
            valueName: "column"))
    var idColumn: String?

    @Option(
        help: ArgumentHelp(
            "For a CSV file: write only the ids and classes of its rows, under these two names.",
            valueName: "ImageId,Label")
    )
    var header: String?

    @Option(
        help: ArgumentHelp(
            "Write an explanation: what the network saw and where it looked. A PNG file, or a folder for several pictures.",
            valueName: "file.png|folder"))
    var explain: String?

    @OptionGroup var common: CommonOptions

    @Argument(help: "Pictures, folders of pictures, or CSV files with one image per row; - for standard input.")
    var images: [String]

    func validate() throws {
        if json && csv { throw ValidationError("--json and --csv: expected one of them") }
        if raw && segment { throw ValidationError("--raw and --segment: expected one of them") }
        let tables = images.filter(PredictTable.isTable)
        for (option, isGiven) in [("--id-column", idColumn != nil), ("--header", header != nil)] where isGiven {
            guard tables.count == images.count, header == nil || tables.count == 1 else {
                throw ValidationError(
                    "\(option): expected a CSV file of images · received \(images.joined(separator: " "))")
            }
        }
        if !tables.isEmpty, segment || explain != nil {
            throw ValidationError("\(segment ? "--segment" : "--explain"): expected pictures · received \(tables[0])")
        }
        for (option, isGiven) in [("--known", known != nil), ("--reject", reject != nil)]
        where isGiven && header != nil {
            throw ValidationError("--header and \(option): expected one of them: every row has a label there")
        }
        // With --csv, which is what --header writes, both are obeyed.
        if header != nil, json { throw ValidationError("--header and --json: expected one of them") }
        if let reject, !(reject > 0 && reject <= 1) {
            throw ValidationError("--reject: expected a probability in (0, 1] · received \(reject)")
        }
        if let known, !(known >= 0.5 && known <= 1) {
            throw ValidationError("--known: expected a share in [0.5, 1] · received \(known)")
        }
        if let explain, images.count > 1 || isFolder(images[0]), explain.lowercased().hasSuffix(".png") {
            throw ValidationError("--explain: expected a folder for several pictures · received \(explain)")
        }
    }

    private func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    func run() throws {
        let reader = try makeReader()
        if reject != nil, !reader.isCalibrated {
            Console.message(
                "Note: the model knows no temperature (it was made without validation images, or imported); "
                    + "--reject goes by its raw probabilities")
        }
        if reader.seesColour, explain != nil || segment {
            throw InputError(
                explain != nil ? "--explain" : "--segment", expected: "a network of one channel",
                received: "one that sees colours")
        }
        if let known, known < 1, reader.strangers == nil {
            throw InputError(
                "--known", expected: "a model that knows what is strange to it", received: "one without a detector",
                remedy: "trainer audit --model MODEL --data DATA --save FILE writes one with it")
        }
        var submission = try header.map { try Submission(header: $0) }
        let files = try PictureFiles.expanded(images) { Console.message(printable("Note: " + $0)) }
        let names = PictureFiles.distinctNames(files)
        var output = PredictOutput(self, reader: reader, files: files)
        var failures = 0
        for (file, name) in zip(files, names) {
            if PredictTable.isTable(file) {
                failures += try read(PredictTable(file, idColumn: idColumn), reader, &output, &submission)
                continue
            }
            do {
                let picture = try Self.picture(file, for: reader)
                let place = file == "-" ? "standard input" : file
                let reading = try reader.read(picture, mode, place: place)
                guard segment || !reading.characters.isEmpty else {
                    throw InputError(place, expected: "a picture of a digit", received: "one in which none was found")
                }
                output.add(
                    ReadingRecord(
                        file: file, reading: reading, classNames: reader.classNames, reject: reject ?? 0,
                        known: share))
                try explain(picture.planes[0], reading, reader, name)
            } catch let error as InputError {
                failures += 1
                output.add(file: file, error)
            }
        }
        if let submission { print(submission.text, terminator: "") } else { try output.end() }
        if failures > 0 { throw ExitCode(2) }
    }

    private var mode: DigitReader.Mode { raw ? .raw : segment ? .segment : .single }
    private var share: Double { known ?? ReadingRecord.usualShare(mode) }

    /// Returns the reader. Lines are read whole by the bundled network of lines or by the given one; a given network of
    /// single characters segments them.
    private func makeReader() throws -> DigitReader {
        let pool = try common.makePool(default: 1)
        let networks = try ReadingNetworks(path: model, withLines: segment)
        guard segment || !networks.isOfLines else {
            throw InputError(
                model ?? BoxModel.name, expected: "--segment with a network of lines",
                received: "a network of lines without it")
        }
        return try DigitReader(networks.single, lines: networks.lines, pool: pool)
    }

    /// - Returns: the number of rows that could not be read.
    private func read(
        _ table: PredictTable, _ reader: DigitReader, _ output: inout PredictOutput, _ submission: inout Submission?
    ) throws -> Int {
        var failures = 0
        let rows = table.rows
        for (index, row) in rows.enumerated() {
            let place = "\(table.path):\(row.id)"
            do throws(InputError) {
                let reading = try reader.read(row.image, raw ? .raw : .single, place: place)
                guard !reading.characters.isEmpty else {
                    throw InputError(place, expected: "a picture of a digit", received: "one in which none was found")
                }
                let record = ReadingRecord(
                    file: place, reading: reading, classNames: reader.classNames, reject: reject ?? 0,
                    known: submission == nil ? share : 1)
                if submission == nil {
                    output.add(record)
                } else {
                    submission?.add(id: row.id, label: record.text(of: reading.characters[0]))
                }
            } catch {
                failures += 1
                submission?.add(id: row.id, label: "")
                output.add(file: place, error)
            }
            guard !common.quiet, Console.isTerminal, index % 100 == 99 else { continue }
            ProgressLine(
                head: "Reading", fraction: Double(index + 1) / Double(rows.count),
                parts: [.init(text: "\(Console.grouped(index + 1)) of \(Console.grouped(rows.count)) rows", rank: 0)]
            ).draw()
            if index + 1 == rows.count { ProgressLine.clear() }
        }
        return failures
    }

    private static func picture(_ file: String, for reader: DigitReader) throws -> ColourImage {
        func note(_ text: String) { Console.message(printable("Note: \(file): \(text)")) }
        guard file == "-" else { return try reader.decode(ImageDecoder.contents(file), place: file, note: note) }
        let limit = ImageLimits().fileBytes
        let data = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        return try reader.decode([UInt8](data), place: "standard input", note: note)
    }

    private func explain(_ picture: GreyImage, _ reading: Reading, _ reader: DigitReader, _ name: String) throws {
        guard let explain else { return }
        var url = URL(fileURLWithPath: explain)
        if !explain.lowercased().hasSuffix(".png") {
            do {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            } catch {
                throw OperationError("creating \(explain)", problem: error.localizedDescription)
            }
            url.appendPathComponent(name + ".explained.png")
        }
        try AtomicFile.write(try Explanation(picture, reading, reader: reader).encoded(), to: url)
        common.say("\(url.relativePath): what the network saw, and where it looked")
    }
}

/// Writes readings as text, JSON or CSV.
private struct PredictOutput {
    private let command: PredictCommand
    private let reader: DigitReader
    private var file: ReadingsFile
    private var table: CSV
    private var hasHeader = false
    private let nameWidth: Int

    init(_ command: PredictCommand, reader: DigitReader, files: [String]) {
        self.command = command
        self.reader = reader
        file = ReadingsFile(
            model: command.model ?? BoxModel.name, temperature: reader.isCalibrated ? reader.temperature : nil)
        table = CSV(header: ReadingRecord.header(classes: reader.classNames.count))
        nameWidth = max(4, files.map(\.count).max() ?? 0)
    }

    mutating func add(_ record: ReadingRecord) {
        if command.json {
            file.add(record)
        } else if command.csv {
            record.appendRows(to: &table)
        } else if command.segment {
            printSegments(record)
        } else {
            printSingle(record)
        }
    }

    mutating func add(file name: String, _ error: InputError) {
        if command.json { file.add(file: name, error: error.description) }
        if command.csv { ReadingRecord.appendUnread(name, classes: reader.classNames.count, to: &table) }
        Console.message("trainer: " + error.description)
    }

    func end() throws {
        if command.json { print(String(decoding: try file.encoded(), as: UTF8.self), terminator: "") }
        if command.csv { print(table.text, terminator: "") }
    }

    private static func percent(_ probability: Double) -> String {
        // Rounded down, so that 100 % is shown only if it is exact.
        Console.fixed((probability * 10_000).rounded(.down) / 100, 2) + " %"
    }

    private mutating func printSingle(_ record: ReadingRecord) {
        guard let character = record.reading.characters.first else { return }
        let width = max(5, reader.classNames.map(\.count).max() ?? 0)
        if !hasHeader {
            print(Console.left("file", nameWidth) + "  " + Console.left("reads", width) + "      sure  else")
            hasHeader = true
        }
        let isUnknown = record.isUnknown(character), isLeftOut = isUnknown || record.isRejected(character)
        let others = character.ranking.dropFirst(isLeftOut ? 0 : 1).prefix(2)
            .filter { character.probabilities[$0] >= 0.005 }
            .map { "\(reader.classNames[$0]) \(Self.percent(character.probabilities[$0]))" }
        let line =
            Console.left(printable(record.file), nameWidth) + "  "
            + Console.left(record.text(of: character), width) + "  "
            + Console.right(isUnknown ? ReadingRecord.unknown : Self.percent(character.confidence), 8) + "  "
            + others.joined(separator: ", ")
        print(String(line.reversed().drop { $0 == " " }.reversed()))
        if record.reading.leftOut > 0 {
            Console.message(
                "Note: \(printable(record.file)) shows \(record.reading.leftOut + 1) characters, and the largest was read; "
                    + "--segment reads all")
        }
    }

    private func printSegments(_ record: ReadingRecord) {
        print(printable(record.file) + (record.lines.isEmpty ? ": empty" : ""))
        for line in record.lines { print("  " + line) }
        if record.reading.leftOut > 0 {
            Console.message(
                "Note: \(printable(record.file)) has marks between its characters, such as points or dashes, that were not read: "
                    + "\(record.reading.leftOut)")
        }
        guard !record.reading.characters.isEmpty else { return }
        let rows = record.reading.characters.map { character in
            let box = character.box
            let sure = record.isUnknown(character) ? ReadingRecord.unknown : Self.percent(character.confidence)
            return ["   ", record.text(of: character), sure, "\(box.x)", "\(box.y)"]
                + ["\(box.width)", "\(box.height)"]
        }
        print(Console.table([["", "reads", "sure", "x", "y", "width", "height"]] + rows, left: [1]))
    }
}
