import Foundation
import NeuralNetwork
import Tensors
import Testing

@testable import Training

/// The file between runs: what it keeps, whom it believes, what it survives.
@Suite struct LoweringCacheTests {
    private static func graph() throws -> ResolvedGraph {
        try ResolvedGraph(
            Graph(
                inputShape: Shape([8, 8, 16]),
                layers: [.conv2d(filters: 16, kernelSize: Size2D(3)), .flatten, .dense(units: 2)]))
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lowering-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func tuned(
        _ cache: LoweringCache, anew: Bool = false
    ) throws -> (graph: ResolvedGraph, decisions: [LoweringDecision], notes: [String]) {
        var notes: [String] = []
        let (graph, decisions) = cache.tuned(try Self.graph(), batchSize: 4, shards: 2, anew: anew) { notes.append($0) }
        return (graph, decisions, notes)
    }

    @Test func aSecondRunKnowsWhatTheFirstFound() throws {
        try withFolder { folder in
            let first = try tuned(LoweringCache(folder: folder))
            let second = try tuned(LoweringCache(folder: folder))
            #expect(first.decisions.count == 3 && first.decisions.allSatisfy { !$0.wasKnown })
            #expect(second.decisions.allSatisfy(\.wasKnown) && second.graph.graph == first.graph.graph)
            #expect(first.notes.isEmpty && second.notes.isEmpty)
            let again = try tuned(LoweringCache(folder: folder), anew: true)
            #expect(again.decisions.allSatisfy { !$0.wasKnown })
        }
    }

    @Test func anotherMachinesTimingsAreNotBelieved() throws {
        try withFolder { folder in
            let here = LoweringCache.Origin()
            let cache = LoweringCache(folder: folder, origin: here)
            _ = try tuned(cache)
            #expect(cache.load().records.count == 3)
            for change in [
                { $0.kernels += 1 }, { $0.processor += "x" }, { $0.vectors.append("x") }, { $0.backend = "x" },
                { $0.version += "x" }, { $0.core += "x" },
            ] as [(inout LoweringCache.Origin) -> Void] {
                var other = here
                change(&other)
                let elsewhere = LoweringCache(folder: folder, origin: other)
                try? FileManager.default.copyItem(at: cache.file, to: elsewhere.file)
                #expect(elsewhere.load().records.isEmpty)
            }
        }
    }

    /// Every prefix and every flipped bit of a file: read as empty or as records whose choices are checked later; never a
    /// crash, and a run goes on and mends it.
    @Test func aDamagedFileIsReadAsLittleAsItIsWorth() throws {
        try withFolder { folder in
            let cache = LoweringCache(folder: folder)
            let sound = try tuned(cache)
            let bytes = try Data(contentsOf: cache.file)
            for length in 0..<bytes.count {
                try bytes.prefix(length).write(to: cache.file)
                // Only the newline-free end of the object may be missing.
                #expect(cache.load().records.isEmpty, "\(length) bytes")
            }
            for index in 0..<bytes.count {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(index % 8)
                try damaged.write(to: cache.file)
                let records = cache.load()
                #expect(records.records.count <= 3)
            }
            try Data("{}".utf8).write(to: cache.file)
            #expect(try tuned(cache).decisions.allSatisfy { !$0.wasKnown })
            #expect(cache.load().records.keys.sorted() == sound.decisions.map(\.key).sorted())
        }
    }

    @Test func whoWritesFirstIsBelieved() throws {
        try withFolder { folder in
            let cache = LoweringCache(folder: folder)
            let first = try tuned(cache)
            // Another program's choice for one direction, written before ours: an im2col of odd tiles.
            var text = try String(contentsOf: cache.file, encoding: .utf8)
            let forward = try #require(first.decisions.first { $0.direction == .forward })
            text = text.replacingOccurrences(
                of: "\"choice\" : \"\(forward.record.choice)\"", with: "\"choice\" : \"im2col:7\"")
            try Data(text.utf8).write(to: cache.file)
            let second = try tuned(cache)
            let layer = try #require(second.graph.graph.nodes[0].layer.as(Conv2D.self))
            guard case .resolved(let lowering)? = layer.lowering else {
                Issue.record("open")
                return
            }
            #expect(lowering.forward == Lowering(.im2col, rows: 7))
        }
    }

    @Test func aFolderThatCannotBeMadeIsSaidAndNothingElse() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let blocked = folder.appendingPathComponent("file")
            try Data().write(to: blocked)
            let found = try tuned(LoweringCache(folder: blocked))
            #expect(found.decisions.count == 3 && found.notes.count == 1)
            #expect(found.notes.first?.hasPrefix("the timings are not kept: ") == true)
        }
    }
}
