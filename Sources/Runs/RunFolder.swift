import Formats
import Foundation
import Tensors

/// The folder of a run. Every file in it is written atomically, except for the two that grow record by record during
/// the run.
package struct RunFolder: Hashable, Sendable {
    package let url: URL

    /// Refers to an existing folder; nothing is checked or created.
    package init(_ url: URL) { self.url = url }

    /// Creates `<output>/<name>-<yyyyMMdd-HHmmss>`, with `-2`, `-3`… appended if that exists already, and `output`
    /// itself if it is missing. Two processes never get the same folder.
    ///
    /// - Throws: `OperationError` with the path and the system's reason.
    package static func create(
        in output: URL, name: String, date: Date = Date(), timeZone: TimeZone = .current
    ) throws(OperationError) -> RunFolder {
        try createFolders(output)
        let base = safeName(name) + "-" + timestamp(date, timeZone)
        for attempt in 1...10_000 {
            let url = output.appendingPathComponent(attempt == 1 ? base : "\(base)-\(attempt)", isDirectory: true)
            if mkdir(url.path, 0o777) == 0 {
                try AtomicFile.synchronize(folder: output)
                return RunFolder(url)
            }
            let code = errno
            if code != EEXIST { throw failure(url, code) }
        }
        throw OperationError("creating \(output.path)/\(base)", problem: "ten thousand folders of this name exist")
    }

    /// Creates `url` and its missing parents. It may exist already.
    package static func createFolders(_ url: URL) throws(OperationError) {
        if mkdir(url.path, 0o777) == 0 { return }
        let code = errno
        if code == EEXIST { return }
        let parent = url.deletingLastPathComponent()
        guard code == ENOENT && parent.path.count < url.path.count else { throw failure(url, code) }
        try createFolders(parent)
        if mkdir(url.path, 0o777) != 0 {
            let code = errno
            if code != EEXIST { throw failure(url, code) }
        }
    }

    private static func failure(_ url: URL, _ code: Int32) -> OperationError {
        OperationError(
            "creating \(url.path)", problem: AtomicFile.systemReason(code), remedy: "choose another --output")
    }

    /// Returns `name` as a folder name for any file system: ASCII letters, digits, `-`, `_` and `.` are kept, and each
    /// run of other characters becomes one `-`. There is no leading dot or dash, the length is 64 characters at most,
    /// and the name is `run` if nothing is left.
    static func safeName(_ name: String) -> String {
        var result = ""
        for character in name.unicodeScalars {
            let safe =
                character.isASCII
                && (character.properties.isAlphabetic || ("0"..."9").contains(character)
                    || "-_.".unicodeScalars.contains(character))
            if safe {
                result.unicodeScalars.append(character)
            } else if !result.hasSuffix("-") {
                result += "-"
            }
        }
        let trimmed = result.drop { $0 == "." || $0 == "-" }.prefix(64)
        let end = trimmed.lastIndex { $0 != "-" && $0 != "." }
        return end.map { String(trimmed[...$0]) } ?? "run"
    }

    private static func timestamp(_ date: Date, _ timeZone: TimeZone) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        func padded(_ value: Int?, _ width: Int) -> String { Text.padded(value ?? 0, width) }
        return padded(parts.year, 4) + padded(parts.month, 2) + padded(parts.day, 2) + "-" + padded(parts.hour, 2)
            + padded(parts.minute, 2) + padded(parts.second, 2)
    }

    /// Returns the location of `file`, whether it exists or not.
    package func url(of file: RunFile) -> URL { url.appendingPathComponent(file.rawValue, isDirectory: false) }

    /// The folder of the models of a schedule's cycles.
    package var snapshots: URL { url.appendingPathComponent("snapshots", isDirectory: true) }

    /// Writes `snapshots/cycle-01.safetensors` and so on.
    package func write(snapshot: Data, cycle: Int) throws(OperationError) {
        try Self.createFolders(snapshots)
        let digits = cycle < 10 ? "0\(cycle)" : "\(cycle)"
        try AtomicFile.write(snapshot, to: snapshots.appendingPathComponent("cycle-\(digits).safetensors"))
    }

    /// Writes any file of the run.
    package func write(_ data: Data, as file: RunFile) throws(OperationError) {
        try AtomicFile.write(data, to: url(of: file))
    }

    /// Writes any file of the run as UTF-8.
    package func write(_ text: String, as file: RunFile) throws(OperationError) {
        try AtomicFile.write(text, to: url(of: file))
    }

    /// Writes `metrics.json`. Call it last, since the file marks the run as finished.
    package func write(metrics: MetricsRecord) throws(OperationError) {
        try write(try JSONText.encode(metrics, as: .metrics), as: .metrics)
    }

    /// The contents of `environment.json`; nil if it cannot be read.
    package var storedEnvironment: EnvironmentRecord? {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(EnvironmentRecord.self, from: Data(contentsOf: url(of: .environment)))
    }

    /// Adds to `environment.json` that another process resumed the run.
    /// - Parameter environment: the environment of that process, which is written if the first one's cannot be read.
    package func write(
        resumption: EnvironmentRecord.Resumption, in environment: EnvironmentRecord
    ) throws(OperationError) {
        var record = storedEnvironment ?? environment
        record.resumptions.append(resumption)
        try write(environment: record)
    }

    /// Writes `environment.json`.
    package func write(environment: EnvironmentRecord) throws(OperationError) {
        try write(try JSONText.encode(environment, as: .environment), as: .environment)
    }
}

extension JSONText {
    static func encode(_ value: some Encodable, as file: RunFile) throws(OperationError) -> Data {
        try encode(value, named: file.rawValue)
    }
}
