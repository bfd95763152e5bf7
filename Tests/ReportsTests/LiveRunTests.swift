import Foundation
import Tensors
import Testing

@testable import Runs

@Suite struct LiveRunTests {
    private static func text(_ run: LiveRun, _ name: String) throws -> String {
        try String(contentsOf: run.folder.url.appendingPathComponent(name), encoding: .utf8)
    }

    @Test func oneProcessHoldsAFolder() throws {
        try Samples.withFolder { output in
            let run = try LiveRun.create(in: output, name: "a")
            try run.folder.write("{}", as: .config)
            // Locks belong to descriptors, so that another one in this process stands for another process.
            let error = #expect(throws: OperationError.self) { try LiveRun.resume(run.folder) }
            #expect(error?.problem == "a running process writes to it")
            run.close()
            let again = try LiveRun.resume(run.folder)
            #expect(again.isResumed && !run.isResumed)
            #expect(throws: OperationError.self) { try LiveRun.resume(run.folder) }
            again.close()
            #expect(try FileManager.default.contentsOfDirectory(atPath: run.folder.url.path) == ["config.json"])
        }
    }

    /// What was appended after the checkpoint is cut away; what the checkpoint does not know of is begun anew.
    @Test func liveFilesGoBackToTheCheckpoint() throws {
        try Samples.withFolder { output in
            let run = try LiveRun.create(in: output, name: "a")
            try run.folder.write("{}", as: .config)
            let events = try run.open("events.jsonl"), other = try run.open("other")
            try events.append("1\n2\n")
            let lengths = try run.synchronize()
            #expect(lengths == ["events.jsonl": 4, "other": 0])
            try events.append("3\nto")
            try other.append("x")
            run.close()
            #expect(try Self.text(run, "events.jsonl") == "1\n2\n3\nto")

            let again = try LiveRun.resume(run.folder)
            again.restore(lengths: ["events.jsonl": 4])
            let file = try again.open("events.jsonl")
            _ = try again.open("other")
            try file.append("3\n4\n")
            #expect(file.length == 8)
            again.close()
            #expect(try Self.text(run, "events.jsonl") == "1\n2\n3\n4\n")
            #expect(try Self.text(run, "other") == "")

            let without = try LiveRun.resume(run.folder)
            without.restore(lengths: ["events.jsonl": 99])
            #expect(try without.open("events.jsonl").length == 0)
            without.close()
        }
    }

    @Test func onlyRunFoldersAreResumed() throws {
        try Samples.withFolder { output in
            try Data("{}".utf8).write(to: output.appendingPathComponent("file"))
            for (name, received) in [("none", "nothing there"), ("", "a folder without it"), ("file", "a file")] {
                let folder = RunFolder(output.appendingPathComponent(name))
                let error = #expect(throws: InputError.self) { try LiveRun.resume(folder) }
                #expect(error?.received == received)
            }
        }
    }

    @Test func temporariesOfAKilledProcessGo() throws {
        try Samples.withFolder { output in
            let run = try LiveRun.create(in: output, name: "a")
            try run.folder.write("{}", as: .config)
            run.close()
            let stale = run.folder.url.appendingPathComponent(".model.safetensors.7-0.tmp")
            try Data("half".utf8).write(to: stale)
            try LiveRun.resume(run.folder).close()
            #expect(!FileManager.default.fileExists(atPath: stale.path))
            #expect(!run.folder.isFinished)
            try run.folder.write("{}", as: .metrics)
            #expect(run.folder.isFinished)
        }
    }
}
