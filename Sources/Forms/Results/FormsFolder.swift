import Formats
import Foundation
import Tensors

/// The inputs of a run that reads forms. Runs with different inputs are different jobs.
package struct FormsJob: Hashable, Sendable {
    package var template: String
    package var model: String
    package var calibration: String?
    package var rule: AcceptanceRule
    package var files: [String]
    /// The SHA-256 of all pictures, since other scans may have the same names; nil in older folders.
    package var pictures: String?

    package init(
        template: String, model: String, calibration: String?, rule: AcceptanceRule, files: [String],
        pictures: String? = nil
    ) {
        (self.template, self.model, self.calibration) = (template, model, calibration)
        (self.rule, self.files, self.pictures) = (rule, files, pictures)
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "template": .string(template), "model": .string(model),
            "calibration": calibration.map { .string($0) } ?? .null,
            "threshold": rule.json, "files": .array(files.map { .string($0) }),
        ]
        if let pictures { object["pictures"] = .string(pictures) }
        return .object(object)
    }

    /// The identifier of the job in review answers.
    package var digest: String {
        get throws(OperationError) { String(try Digest.hex([UInt8](json.text.utf8)).prefix(16)) }
    }
}

/// The folder of a job: `job.json`, the template, `pages.jsonl` with one line per picture, `passed-over.json` with what
/// is no picture, `answers/` with the values that people keyed, and the tables derived from these.
package struct FormsFolder {
    package let url: URL

    package init(_ path: String) { url = URL(fileURLWithPath: path, isDirectory: true) }

    package var pages: URL { url.appendingPathComponent("pages.jsonl") }
    package var templateFile: URL { url.appendingPathComponent("template.json") }
    package var answers: URL { url.appendingPathComponent("answers", isDirectory: true) }
    /// The calibration by which fields were accepted, if there is one.
    package var calibration: URL { url.appendingPathComponent("calibration.json") }
    private var job: URL { url.appendingPathComponent("job.json") }
    private var others: URL { url.appendingPathComponent("passed-over.json") }

    /// Starts a job, or resumes an interrupted one.
    /// - Returns: The number of pictures already read.
    /// - Throws: An `InputError` if the folder contains a different job.
    package func begin(_ new: FormsJob, template: FormTemplate) throws -> Int {
        do {
            try FileManager.default.createDirectory(at: answers, withIntermediateDirectories: true)
        } catch {
            throw OperationError("creating \(url.path)", problem: AtomicFile.reason(error))
        }
        let text = new.json.prettyText
        if let known = try? Data(contentsOf: job) {
            guard known == Data(text.utf8) else {
                throw InputError(
                    url.relativePath,
                    expected: "a folder of its own, or the same template, networks, calibration and pictures",
                    received: "the results of another reading", remedy: "name another folder with --output")
            }
        } else {
            try AtomicFile.write(template.json.prettyText, to: templateFile)
            try AtomicFile.write(text, to: job)
        }
        return try recover()
    }

    /// Truncates `pages.jsonl` to its last complete line, and returns the number of lines.
    private func recover() throws -> Int {
        guard let handle = try? FileHandle(forUpdating: pages) else { return 0 }
        defer { try? handle.close() }
        var (lines, whole, place) = (0, 0, 0)
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            for (offset, byte) in piece.enumerated() where byte == 0x0A {
                lines += 1
                whole = place + offset + 1
            }
            place += piece.count
        }
        if whole < place { try handle.truncate(atOffset: UInt64(whole)) }
        return lines
    }

    /// Appends records to `pages.jsonl` and synchronizes the file to disk.
    package func append(_ records: [PageRecord]) throws(OperationError) {
        do {
            if !FileManager.default.fileExists(atPath: pages.path) {
                guard FileManager.default.createFile(atPath: pages.path, contents: nil) else {
                    throw OperationError("writing \(pages.path)", problem: "it cannot be made")
                }
            }
            let handle = try FileHandle(forWritingTo: pages)
            defer { try? handle.close() }
            try handle.seekToEnd()
            for record in records { try handle.write(contentsOf: Data((record.json.text + "\n").utf8)) }
            try handle.synchronize()
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError("writing \(pages.path)", problem: AtomicFile.reason(error))
        }
    }

    /// Loads the job and its template.
    /// - Throws: An `InputError` if the folder contains no job.
    package func load() throws(InputError) -> (job: FormsJob, template: FormTemplate) {
        let file = try BinaryFile(job.path)
        let json = try JSONValue.parse(try file.read(exactly: file.size), name: job.path, limit: 1 << 28)
        guard let object = json.object, let template = object["template"]?.string, let model = object["model"]?.string,
            let files = object["files"]?.array, let rule = AcceptanceRule(object["threshold"])
        else { throw InputError(job.path, expected: "a reading that trainer forms read began", received: json.excerpt) }
        return (
            FormsJob(
                template: template, model: model, calibration: object["calibration"]?.string, rule: rule,
                files: files.compactMap(\.string), pictures: object["pictures"]?.string),
            try FormTemplate.read(templateFile.path)
        )
    }

    /// Stores what the folders of scans hold beside pictures, for the table of exceptions. It is no part of the job, so
    /// that a note beside the scans does not make them another reading.
    package func setPassedOver(_ list: [ScanFiles.PassedOver]) throws(OperationError) {
        let own = ScanFiles.resolved(url.path) + "/"
        // The results may be within the folder of scans; they are nothing that was missed.
        let foreign = list.filter { !own.hasPrefix(ScanFiles.resolved($0.file) + "/") }
        let json = foreign.map { JSONValue.object(["file": .string($0.file), "problem": .string($0.problem)]) }
        try AtomicFile.write(JSONValue.array(json).prettyText, to: others)
    }

    /// Returns what ``setPassedOver(_:)`` stored; nothing in older folders.
    func passedOver() throws(InputError) -> [ScanFiles.PassedOver] {
        guard FileManager.default.fileExists(atPath: others.path) else { return [] }
        let file = try BinaryFile(others.path)
        let json = try JSONValue.parse(try file.read(exactly: file.size), name: others.path, limit: 1 << 28)
        return (json.array ?? []).compactMap { item in
            guard let name = item.object?["file"]?.string, let problem = item.object?["problem"]?.string
            else { return nil }
            return ScanFiles.PassedOver(file: name, problem: problem)
        }
    }

    /// The maximum length in bytes of a line of `pages.jsonl`.
    private static let longestLine = 1 << 26

    /// Calls `body` with each page, in order.
    package func forEachPage(_ body: (PageRecord) throws -> Void) throws {
        let handle: FileHandle
        do {
            handle = try FileHandle(forReadingFrom: pages)
        } catch {
            throw InputError(pages.path, expected: "pages that were read", received: AtomicFile.reason(error))
        }
        defer { try? handle.close() }
        var rest: [UInt8] = [], line = 0
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            var start = piece.startIndex
            while let end = piece[start...].firstIndex(of: 0x0A) {
                line += 1
                rest += piece[start..<end]
                let place = "\(pages.path):\(line)"
                try body(PageRecord(try JSONValue.parse(rest, name: place, limit: Self.longestLine), place: place))
                rest = []
                start = end + 1
            }
            rest += piece[start...]
            guard rest.count <= Self.longestLine else {
                throw InputError("\(pages.path):\(line + 1)", expected: "a line of a page", received: "a longer one")
            }
        }
    }
}
