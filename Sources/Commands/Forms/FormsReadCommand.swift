import ArgumentParser
import Formats
import Forms
import Foundation
import Numeral
import Runs
import Tensors

/// `trainer forms read`.
struct FormsReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read", abstract: "Read scans of a form into tables; uncertain fields go to a review.",
        discussion: """
            The folder then holds forms.csv and forms.json, audit.csv (who decided what), exceptions.csv, summary.json, and \
            review.html for the fields that a person has to key. Run it again to resume after an interruption. Without \
            --calibration or --accept nothing is accepted: every field goes to the review.
            """)

    @OptionGroup var options: FormsOptions

    @Option(help: ArgumentHelp("The calibration that trainer forms calibrate wrote.", valueName: "file.json"))
    var calibration: String?

    @Option(
        help: ArgumentHelp(
            "Accept fields with at least this probability, without a bound on their errors.", valueName: "p"))
    var accept: Double?

    @Option(help: "The folder for the results.")
    var output: String

    func validate() throws {
        if calibration != nil, accept != nil {
            throw ValidationError("--calibration and --accept: expected one of them")
        }
        if let accept, !(accept > 0 && accept <= 1) {
            throw ValidationError("--accept: expected a probability in (0, 1] · received \(accept)")
        }
    }

    func run() throws {
        let job = try options.makeJob()
        let known = try calibration.map { try Self.calibration($0, job) }
        let rule = known.map(\.calibration.rule) ?? accept.map { .all(from: $0) } ?? .nothing
        let folder = FormsFolder(output)
        try? FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let lock = try FolderLock(folder.url)
        defer { lock.release() }
        let done = try folder.begin(
            FormsJob(
                template: job.templateDigest, model: job.readers.model,
                calibration: try known.map { try Digest.hex($0.bytes) }, rule: rule, files: job.names,
                pictures: try Self.digest(of: job.files)),
            template: job.template)
        try folder.setPassedOver(job.passedOver)
        if let known { try AtomicFile.write(Data(known.bytes), to: folder.calibration) }
        guard done <= job.files.count else {
            throw InputError(folder.pages.path, expected: "at most \(job.files.count) pages", received: "\(done)")
        }
        if done > 0 { options.common.say("\(done) of \(job.files.count) pictures were read before") }
        var count = done
        try job.readers.read(job.files[done...]) { part, outcomes in
            var records: [PageRecord] = []
            for (index, outcome) in zip(part.indices, outcomes) {
                switch outcome {
                case .read(let reading, let image):
                    records.append(
                        try PageRecord(file: job.names[index], reading, rule: rule, image: image))
                case .failed(let message):
                    Console.message("trainer: " + message)
                    records.append(PageRecord(file: job.names[index], error: message))
                }
            }
            try folder.append(records)
            count += records.count
            options.draw(count, of: job.files.count)
        }
        try Self.finish(folder)
    }

    /// Returns the SHA-256 of the pictures' digests; a file that cannot be read counts as empty, and is told later.
    private static func digest(of files: [String]) throws(OperationError) -> String {
        let digests = files.map { ScanFiles.digest(of: $0) ?? "" }
        return try Digest.hex(Array(digests.joined(separator: "\n").utf8))
    }

    /// Returns a calibration, checked to be for this template and these networks, and the bytes of its file.
    private static func calibration(
        _ path: String, _ job: FormsOptions.Job
    ) throws -> (calibration: FormCalibration, bytes: [UInt8]) {
        let bytes = try FormCalibration.bytes(path)
        let known = try FormCalibration.decode(bytes, name: path)
        guard known.template == job.templateDigest, known.model == job.readers.model else {
            throw InputError(
                path, expected: "a calibration of this template and these networks",
                received: known.template == job.templateDigest ? "one of other networks" : "one of another template",
                remedy: "trainer forms calibrate makes one")
        }
        return (known, bytes)
    }

    /// Writes the tables and prints a summary.
    static func finish(_ folder: FormsFolder) throws {
        let tables = try ResultTables(folder), counts = try tables.write()
        let isBounded = FileManager.default.fileExists(atPath: folder.calibration.path)
        let known = isBounded ? try FormCalibration.read(folder.calibration.path) : nil
        let rows = [
            ["pictures", Console.grouped(counts.pages), ""],
            ["not found", Console.grouped(counts.pagesNotFound), percent(counts.pagesNotFound, of: counts.pages)],
            ["fields", Console.grouped(counts.fields), ""],
            [
                "accepted", Console.grouped(counts.count(.accepted)),
                percent(counts.count(.accepted), of: counts.fields),
            ],
            ["keyed", Console.grouped(counts.count(.keyed)), percent(counts.count(.keyed), of: counts.fields)],
            [
                "unreadable", Console.grouped(counts.count(.unreadable)),
                percent(counts.count(.unreadable), of: counts.fields),
            ],
            ["for review", Console.grouped(counts.open), percent(counts.open, of: counts.fields)],
        ]
        print(Console.table([["", "number", "share"]] + rows, left: [0]))
        if let known {
            print(FormsCalibrateCommand.bound(known))
        } else if tables.job.rule != .nothing {
            print("No bound on the errors of accepted fields is known: trainer forms calibrate finds one.")
        } else if counts.count(.accepted) == 0, counts.open > 0 {
            print("Nothing was accepted: --calibration FILE says from which probability on.")
        }
        for remark in tables.remarks(counts) { print(remark) }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.url.path)) ?? []
        let reviews = names.filter { $0.hasPrefix("review") && $0.hasSuffix(".html") }.count
        let review = reviews > 1 ? "review-1.html … review-\(reviews).html" : "review.html"
        print(
            "Table: \(folder.url.relativePath)/forms.csv"
                + (counts.open > 0 ? " · to be keyed: \(folder.url.relativePath)/\(review)" : ""))
    }
}
