import Foundation
import Runs
import TestSupport
import Testing

@testable import Serving

@Suite struct RunTests {
    private static func folder() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("numeral-runs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    private static func run(_ name: String, in folder: URL, _ files: [String: String]) throws -> URL {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (name, text) in files.merging(["config.json": "{}"], uniquingKeysWith: { a, _ in a }) {
            try Data(text.utf8).write(to: url.appendingPathComponent(name))
        }
        return url
    }

    @Test("Runs are listed with their state and figures; other folders and files are not there") func list() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try Self.run(
            "done", in: folder, ["metrics.json": "{\"test\": {\"accuracy\": 0.5}}", "report.html": "<p>r"])
        _ = try Self.run("begun", in: folder, [:])
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("other"), withIntermediateDirectories: true)
        let going = try Self.run("going", in: folder, [:])
        let lock = try FolderLock(going)
        defer { withExtendedLifetime(lock) {} }
        let ask = try Asking { $0.runs = folder.path }
        let runs = try ask("GET", "/api/runs").json?["runs"]?.array ?? []
        let states = Dictionary(
            runs.map { ($0.object?["name"]?.string ?? "", $0.object?["state"]?.string ?? "") }, uniquingKeysWith: { $1 }
        )
        #expect(states == ["done": "finished", "begun": "stopped", "going": "running"])
        let report = try ask("GET", "/runs/done/report.html")
        #expect(report.text == "<p>r" && report.policy?.contains("sandbox") == true)
        let tag = try #require(report.headers.first { $0.name == "ETag" }?.value)
        let again = try ask("GET", "/runs/done/report.html", [("If-None-Match", tag)])
        #expect(again.status == .notModified && again.text.isEmpty)
        _ = try Self.run("done", in: folder, ["report.html": "<p>new"])
        #expect(try ask("GET", "/runs/done/report.html", [("If-None-Match", tag)]).text == "<p>new")
        for target in [
            "/runs/done/model.safetensors", "/runs/done/other.html", "/runs/other/report.html",
            "/runs/..%2Fdone/report.html",
            "/runs/done/..%2Fdone%2Freport.html", "/runs/begun/report.html",
        ] { #expect(try ask("GET", target).status == .notFound) }
    }

    @Test("A run's events come as they are written, whole lines, steps thinned, and end with its state") func events()
        throws
    {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let steps = (1...5).map { "{\"event\":\"step\",\"step\":\($0)}\n" }.joined()
        let url = try Self.run(
            "r", in: folder, ["events.jsonl": "{\"event\":\"began\",\"epochs\":2}\n\(steps){\"event\":\"epo"])
        let file = try FileHandle(forWritingTo: url.appendingPathComponent("events.jsonl"))
        try file.seekToEnd()
        let lock = try FolderLock(url)
        let stream = RunStream(RunFolder(url))
        let first = stream.next()
        let text = String(decoding: first.bytes, as: UTF8.self)
        #expect(
            !first.isLast && text.hasPrefix("event: began\ndata: {\"event\":\"began\",\"epochs\":2}\n\nevent: step\n"))
        #expect(text.contains("\"step\":5") && !text.contains("\"step\":4") && !text.contains("epo\""))
        #expect(stream.next().bytes.isEmpty)
        try file.write(contentsOf: Data("ch\",\"epoch\":1}\n".utf8))
        #expect(
            String(decoding: stream.next().bytes, as: UTF8.self)
                == "event: epoch\ndata: {\"event\":\"epoch\",\"epoch\":1}\n\n")
        withExtendedLifetime(lock) {}
        try FileManager.default.removeItem(at: url.appendingPathComponent(".lock"))
        let last = stream.next()
        #expect(
            last.isLast
                && String(decoding: last.bytes, as: UTF8.self) == "event: state\ndata: {\"state\":\"stopped\"}\n\n")
    }

    @Test("Stopping needs a token, and a process that writes to the run") func stop() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = try Self.run("r", in: folder, [:])
        #expect(try Asking { $0.runs = folder.path }("POST", "/api/runs/r/stop").status == .forbidden)
        let ask = try Asking(token: "0123456789abcdef") { $0.runs = folder.path }
        let token = [("Authorization", "Bearer 0123456789abcdef")]
        #expect(try ask("POST", "/api/runs/r/stop", token).status == .conflict)
        // A number that was left behind, of a process that lives but holds nothing: nobody is asked to end.
        try Data("\(ProcessInfo.processInfo.processIdentifier)\n".utf8).write(to: url.appendingPathComponent(".lock"))
        #expect(try ask("POST", "/api/runs/r/stop", token).status == .conflict && !FolderLock.isHeld(url))
        #expect(try ask("GET", "/api/runs", token).text.contains("\"stopped\""))
        // One that holds it ends.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "exec 9<>\"$0/.lock\"; flock -x 9; echo $$ > \"$0/.lock\"; echo \"$(readlink /proc/self/ns/pid) $(cat /proc/sys/kernel/random/boot_id)\" >> \"$0/.lock\"; exec sleep 60",
            url.path,
        ]
        try process.run()
        let lock = url.appendingPathComponent(".lock"), number = "\(process.processIdentifier)\n"
        // In place: another file would not be the one that is locked.
        func overwrite(_ file: URL, _ text: String) throws {
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        }
        func content() -> String { (try? String(contentsOf: lock, encoding: .utf8)) ?? "" }
        for _ in 0..<200 where !(content().hasPrefix(number) && content().split(separator: "\n").count == 2) {
            usleep(20_000)
        }
        #expect(FolderLock.isHeld(url))
        // In another container the number is another process's.
        let written = content()
        try overwrite(lock, number + "pid:[1]\n")
        #expect(try ask("POST", "/api/runs/r/stop", token).status == .conflict && process.isRunning)
        try overwrite(lock, written)
        #expect(try ask("POST", "/api/runs/r/stop", token).status == .ok)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGTERM)
    }
}
