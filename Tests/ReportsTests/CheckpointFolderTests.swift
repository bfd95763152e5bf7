import Formats
import Foundation
import Tensors
import Testing
import Training

@testable import Runs

@Suite struct CheckpointFolderTests {
    private static func checkpoint(_ epoch: Int, _ step: Int) -> Checkpoint {
        var progress = TrainingProgress()
        (progress.epoch, progress.step) = (epoch, step)
        return Checkpoint(
            configuration: "", dataDigests: [:], engine: [:], liveFiles: [:],
            state: TrainingState(
                progress: progress, tensors: [TensorRecord(name: "parameters", shape: [1], values: [Float(epoch)])]))
    }

    private static func withFolder(_ body: (CheckpointFolder) throws -> Void) throws {
        try Samples.withFolder { try body(CheckpointFolder(of: RunFolder($0))) }
    }

    private static func flip(_ url: URL) throws {
        var data = try Data(contentsOf: url)
        data[data.count - 1] ^= 1
        try data.write(to: url)
    }

    @Test func theNewestAreKept() throws {
        try Self.withFolder { folder in
            #expect(try folder.newestSound() == nil && folder.newest == nil)
            for (epoch, step) in [(1, 0), (1, 99), (2, 0), (10, 7), (10, 1_000_000)] {
                try folder.write(Self.checkpoint(epoch, step), keeping: 2)
            }
            #expect(
                folder.entries.map(\.name) == [
                    "epoch-0010-step-1000000.safetensors", "epoch-0010-step-000007.safetensors",
                ])
            let found = try #require(try folder.newestSound())
            #expect(found.checkpoint == Self.checkpoint(10, 1_000_000) && found.damaged.isEmpty)
            #expect(found.file == folder.newest)
        }
    }

    /// Two of three are damaged, in two ways: the third serves, and what is written then replaces them.
    @Test func aDamagedOneIsPassedOver() throws {
        try Self.withFolder { folder in
            for step in 1...3 { try folder.write(Self.checkpoint(1, step), keeping: 3) }
            let files = folder.entries.map { folder.url.appendingPathComponent($0.name) }
            try Self.flip(files[0])
            try Data(contentsOf: files[1]).prefix(200).write(to: files[1])
            let found = try #require(try folder.newestSound())
            #expect(found.checkpoint.state.progress.step == 1 && found.damaged.count == 2)
            #expect(found.damaged[0].received.count == 64, "the checksum")
            try folder.write(Self.checkpoint(1, 2), keeping: 1)
            #expect(folder.entries.map(\.step) == [2])
        }
    }

    @Test func allDamagedIsAnError() throws {
        try Self.withFolder { folder in
            let file = try folder.write(Self.checkpoint(1, 1), keeping: 1)
            try Self.flip(file)
            let error = #expect(throws: InputError.self) { try folder.newestSound() }
            #expect(error?.received.contains("1 damaged") == true && error?.remedy.isEmpty == false)
        }
    }

    @Test func anotherVersionIsRefusedAndNotPassedOver() throws {
        try Self.withFolder { folder in
            try folder.write(Self.checkpoint(1, 1), keeping: 2)
            let file = try folder.write(Self.checkpoint(1, 2), keeping: 2)
            var contents = try SafetensorsFile.decode(Data(contentsOf: file), name: "")
            contents.metadata["format"] = "numeral-checkpoint-9"
            try contents.encoded().write(to: file)
            let error = #expect(throws: InputError.self) { try folder.newestSound() }
            #expect(error?.received == "numeral-checkpoint-9")
        }
    }

    @Test func aFileUnderAnothersNameIsDamaged() throws {
        try Self.withFolder { folder in
            try folder.write(Self.checkpoint(1, 1), keeping: 2)
            let file = try folder.write(Self.checkpoint(1, 2), keeping: 2)
            try FileManager.default.moveItem(
                at: file, to: folder.url.appendingPathComponent("epoch-0009-step-000000.safetensors"))
            try Data().write(to: folder.url.appendingPathComponent("notes.txt"))
            try Data().write(to: folder.url.appendingPathComponent(".epoch-0001-step-000003.safetensors.1-0.tmp"))
            let found = try #require(try folder.newestSound())
            #expect(found.checkpoint.state.progress.step == 1 && found.damaged.count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 3)
        }
    }

    /// Where nothing can be written the older ones stay.
    @Test func aFailingWriteLeavesTheOlderOnes() throws {
        try Self.withFolder { folder in
            try folder.write(Self.checkpoint(1, 1), keeping: 1)
            // A folder in the place of the file: the rename fails, whoever runs this.
            let occupied = folder.url.appendingPathComponent("epoch-0001-step-000002.safetensors")
            try FileManager.default.createDirectory(at: occupied, withIntermediateDirectories: false)
            #expect(throws: OperationError.self) { try folder.write(Self.checkpoint(1, 2), keeping: 1) }
            #expect(folder.entries.map(\.step) == [2, 1])
            #expect(try folder.newestSound()?.checkpoint.state.progress.step == 1)
        }
    }
}

@Suite struct SourceCommitTests {
    private static let commit = String(repeating: "5e", count: 20)

    private static func write(_ files: [String: String], in folder: URL) throws {
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            let url = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: url)
        }
    }

    @Test func aRepository() throws {
        try Samples.withFolder { folder in
            try Self.write([".git/HEAD": "ref: refs/heads/main", "a/b/c": ""], in: folder)
            let place = folder.appendingPathComponent("a/b")
            #expect(SourceCommit.find(above: place) == nil, "no commit yet")
            try Self.write([".git/packed-refs": "# pack-refs\n\(Self.commit) refs/heads/main"], in: folder)
            #expect(SourceCommit.find(above: place) == Self.commit)
            try Self.write([".git/refs/heads/main": "newer"], in: folder)
            #expect(SourceCommit.find(above: place) == "newer")
            try Self.write([".git/HEAD": Self.commit], in: folder)
            #expect(SourceCommit.find(above: place) == Self.commit, "a detached head")
        }
    }

    /// A worktree's `.git` is a file; its HEAD is its own, its branches are the repository's.
    @Test func aWorktree() throws {
        try Samples.withFolder { folder in
            try Self.write(
                [
                    "main/.git/HEAD": "ref: refs/heads/main", "main/.git/refs/heads/main": "other",
                    "main/.git/refs/heads/side": Self.commit, "main/.git/worktrees/side/HEAD": "ref: refs/heads/side",
                    "main/.git/worktrees/side/commondir": "../..", "side/build/x": "",
                    "side/.git": "gitdir: \(folder.path)/main/.git/worktrees/side",
                    "relative/.git": "gitdir: ../main/.git/worktrees/side", "relative/x": "",
                ], in: folder)
            #expect(SourceCommit.find(above: folder.appendingPathComponent("side/build")) == Self.commit)
            #expect(SourceCommit.find(above: folder.appendingPathComponent("relative")) == Self.commit)
        }
    }
}
