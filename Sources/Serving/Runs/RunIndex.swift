import Formats
import Foundation
import Runs
import Tensors

/// The runs in a folder, read anew on every request.
struct RunIndex: Sendable {
    let folder: URL

    enum State: String {
        /// A process writes to it.
        case running
        /// The run is finished.
        case finished
        /// The run is not finished, and no process continues it.
        case stopped
    }

    /// The maximum number of runs listed, newest first.
    private static let mostRuns = 500
    /// The maximum size of a file that is sent, in bytes.
    private static let mostBytes = 1 << 26
    /// The content security policy of a run's report and figures: they may show themselves and load nothing else. They
    /// keep the origin, so that the browser sends the cookie when the run's other files are downloaded.
    private static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-downloads allow-same-origin; "
        + "frame-ancestors 'none'"

    /// The names of the existing folders.
    private var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasPrefix(".") }
    }

    /// Returns the time of a run's configuration; nil if the folder is not a run.
    private func begun(_ name: String) -> Date? {
        let config = folder.appendingPathComponent(name).appendingPathComponent(RunFile.config.rawValue)
        return (try? FileManager.default.attributesOfItem(atPath: config.path))?[.modificationDate] as? Date
    }

    /// The runs with the time of their configuration, newest first.
    private var youngest: [(name: String, begun: Date)] {
        let runs = names.compactMap { name in begun(name).map { (name: name, begun: $0) } }
        return Array(runs.sorted { ($0.begun, $0.name) > ($1.begun, $1.name) }.prefix(Self.mostRuns))
    }

    /// Returns the run called `name`, which must be an existing folder and never a path.
    /// - Throws: a ``ServiceError`` (404).
    func run(_ name: String) throws(ServiceError) -> RunFolder {
        guard names.contains(name), begun(name) != nil else {
            throw ServiceError(.notFound, "runs: expected the name of one · received \(printable(name))")
        }
        return RunFolder(folder.appendingPathComponent(name, isDirectory: true))
    }

    static func state(_ run: RunFolder) -> State {
        if FolderLock.isHeld(run.url) { return .running }
        return run.isFinished ? .finished : .stopped
    }

    /// `[{"name", "state", "begun", "dataset", "accuracy", "parameters", "files"}]`.
    var list: JSONValue {
        .array(youngest.map { entry in Self.entry(RunFolder(folder.appendingPathComponent(entry.name)), entry.begun) })
    }

    private static func entry(_ run: RunFolder, _ begun: Date) -> JSONValue {
        var object: JSONObject = [
            "name": .string(run.url.lastPathComponent), "state": .string(state(run).rawValue),
            "begun": .number(begun.timeIntervalSince1970.rounded()),
        ]
        let metrics = (try? StoredFile.read(run.url(of: .metrics), limit: JSONValue.sizeLimit))
            .flatMap { try? JSONValue.parse($0, name: "metrics") }?.object
        object["dataset"] = metrics?["dataset"] ?? .null
        object["accuracy"] = metrics?["test"]?.object?["accuracy"] ?? .null
        object["parameters"] = metrics?["parameters"] ?? .null
        object["files"] = .array(
            RunFile.allCases.filter {
                ServiceResponse.mediaType(ofFile: $0.rawValue) != nil
                    && FileManager.default.fileExists(atPath: run.url(of: $0).path)
            }
            .map { .string($0.rawValue) })
        return .object(object)
    }

    /// Returns one of a run's own files, or that the client has it already.
    /// - Throws: a ``ServiceError`` (404).
    func file(_ name: String, ofRun run: String, ifNoneMatch known: String?) throws(ServiceError) -> ServiceResponse {
        let run = try self.run(run)
        guard let file = RunFile(rawValue: name), let type = ServiceResponse.mediaType(ofFile: name) else {
            throw ServiceError(.notFound, "runs: expected one of a run's files · received \(printable(name))")
        }
        let tag = Self.tag(run.url(of: file))
        let headers = [("Cache-Control", "no-cache")] + (tag.map { [("ETag", $0)] } ?? [])
        do throws(InputError) {
            var response =
                tag != nil && tag == known
                ? ServiceResponse(.notModified, contentType: type, headers: headers, body: [])
                : ServiceResponse(
                    contentType: type, headers: headers,
                    body: try StoredFile.read(run.url(of: file), limit: Self.mostBytes))
            response.policy = Self.policy
            return response
        } catch {
            throw ServiceError(.notFound, "\(run.url.lastPathComponent)/\(name): \(error.received)")
        }
    }

    /// Returns an entity tag of a file that is replaced or appended to: its time and size. Nil if there is none.
    private static func tag(_ file: URL) -> String? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.path),
            let date = attributes[.modificationDate] as? Date, let size = attributes[.size] as? Int
        else { return nil }
        return "\"\(date.timeIntervalSince1970)-\(size)\""
    }
}
