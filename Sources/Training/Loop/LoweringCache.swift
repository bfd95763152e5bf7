import Datasets
import Formats
import Foundation
import Kernels
import LinearAlgebra
import NeuralNetwork
import Tensors
import Workers

/// What timing lowerings found, kept between runs in a small JSON file for each machine, BLAS and core: so that a second
/// run starts at once, and makes the same choices as the first.
///
/// Whatever is in the file is checked before it is used; a file that cannot be read or is another machine's counts as
/// empty. Of two programs that time at once the first to write wins, and both go by it.
package struct LoweringCache {
    /// What timings depend on besides the shapes.
    struct Origin: Codable, Hashable {
        /// Of the kernels: raised when their speed changes.
        var kernels = 4
        /// Bits of the build's vectors.
        var built = KernelBuild.vectorBits
        var processor = Machine.processorName
        var vectors = Machine.vectorFeatures
        var backend = BLASVendor.backend
        var version = BLASVendor.version ?? ""
        var core = BLASVendor.core ?? ""
    }

    private struct Contents: Codable {
        var origin: Origin
        var records: [String: LoweringRecord]
    }

    /// A file larger than this is none of ours.
    private static let largest = 4 << 20
    private static let mostRecords = 5_000

    package let file: URL
    private let origin: Origin

    /// - Parameter folder: Numeral's folder in the user's cache.
    package init(folder: URL) { self.init(folder: folder, origin: Origin()) }

    init(folder: URL, origin: Origin) {
        self.origin = origin
        let words = [origin.backend, origin.version, origin.core, origin.processor].joined(separator: "-")
        let name = words.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
        file = folder.appendingPathComponent("lowering", isDirectory: true)
            .appendingPathComponent(String(name.prefix(120)) + ".json")
    }

    /// `graph` with every lowering settled: ``ResolvedGraph/tuned(batchSize:shards:records:)`` with what the file knows,
    /// and then the file with what was found.
    /// - Parameters:
    ///   - anew: whether to time again what the file knows.
    ///   - note: told where the file cannot be written.
    package func tuned(
        _ graph: ResolvedGraph, batchSize: Int, shards: Int, anew: Bool = false, note: (String) -> Void
    ) -> (graph: ResolvedGraph, decisions: [LoweringDecision]) {
        var records = anew ? LoweringRecords() : load()
        let found = graph.tuned(batchSize: batchSize, shards: shards, records: &records)
        let new = found.decisions.filter { !$0.wasKnown }
        guard !new.isEmpty else { return found }
        do throws(OperationError) {
            var merged = try merge(new, anew: anew)
            // What another program wrote meanwhile goes before what was found here.
            let settled = graph.tuned(batchSize: batchSize, shards: shards, records: &merged)
            return (settled.graph, found.decisions)
        } catch {
            note("the timings are not kept: \(error.problem)")
            return found
        }
    }

    /// What the file holds for this machine; nothing where it cannot be read.
    package func load() -> LoweringRecords {
        guard let source = try? BinaryFile(file.path), source.size <= Self.largest,
            let bytes = try? source.read(exactly: source.size)
        else { return LoweringRecords() }
        return records(in: bytes)
    }

    /// What a file of these bytes holds for this machine.
    func records(in bytes: [UInt8]) -> LoweringRecords {
        guard let contents = try? JSONDecoder().decode(Contents.self, from: Data(bytes)), contents.origin == origin,
            contents.records.count <= Self.mostRecords
        else { return LoweringRecords() }
        return LoweringRecords(records: contents.records)
    }

    /// Adds `new` to the file, under a lock; what is there already stays, unless `anew`.
    private func merge(_ new: [LoweringDecision], anew: Bool) throws(OperationError) -> LoweringRecords {
        let folder = file.deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw OperationError(
                "writing \(file.path)", problem: "\(folder.path) cannot be made: \(AtomicFile.reason(error))")
        }
        let lock = open(folder.appendingPathComponent("lock").path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard lock >= 0 else {
            throw OperationError("writing \(file.path)", problem: "\(folder.path): \(AtomicFile.systemReason(errno))")
        }
        defer { close(lock) }
        // Closing releases it. Where a file system knows no locks the rename still keeps the file whole.
        _ = flock(lock, LOCK_EX)
        var records = load()
        for decision in new where anew || records.records[decision.key] == nil {
            records.records[decision.key] = decision.record
        }
        if records.records.count > Self.mostRecords {
            records = LoweringRecords(
                records: Dictionary(new.map { ($0.key, $0.record) }) { first, _ in first })
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let data = try encoder.encode(Contents(origin: origin, records: records.records))
            try AtomicFile.write(data, to: file)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError("writing \(file.path)", problem: AtomicFile.reason(error))
        }
        return records
    }
}
