import Datasets
import Formats
import Foundation
import Kernels
import LinearAlgebra
import NeuralNetwork
import Tensors
import Workers

/// A cache of lowering timings, kept between runs in a small JSON file per machine, BLAS and core, so that a second run
/// starts at once and makes the same choices as the first.
///
/// The contents of the file are checked before they are used; a file that cannot be read or belongs to another machine
/// counts as empty. If two programs time at once, the first to write wins, and both use its choices.
package struct LoweringCache {
    /// The circumstances that timings depend on, besides the shapes.
    struct Origin: Codable, Hashable {
        /// The version of the kernels, raised when their speed changes.
        var kernels = 4
        /// The width of the build's vectors, in bits.
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

    /// The maximum size of a file in bytes; a larger one was not written by this cache.
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

    /// Returns `graph` with every lowering settled by ``ResolvedGraph/tuned(batchSize:shards:records:)`` from the
    /// records in the file, and adds new records to the file.
    /// - Parameters:
    ///   - anew: Whether to repeat timings that the file already has.
    ///   - note: Receives a message if the file cannot be written.
    package func tuned(
        _ graph: ResolvedGraph, batchSize: Int, shards: Int, anew: Bool = false, note: (String) -> Void
    ) -> (graph: ResolvedGraph, decisions: [LoweringDecision]) {
        var records = anew ? LoweringRecords() : load()
        let found = graph.tuned(batchSize: batchSize, shards: shards, records: &records)
        let new = found.decisions.filter { !$0.wasKnown }
        guard !new.isEmpty else { return found }
        do throws(OperationError) {
            var merged = try merge(new, anew: anew)
            // Records that another program wrote in the meantime take precedence, unless `anew`.
            let settled = graph.tuned(batchSize: batchSize, shards: shards, records: &merged)
            return (settled.graph, found.decisions)
        } catch {
            note("the timings are not kept: \(error.problem)")
            return found
        }
    }

    /// Returns the records in the file for this machine; none if it cannot be read.
    package func load() -> LoweringRecords {
        guard let source = try? BinaryFile(file.path), source.size <= Self.largest,
            let bytes = try? source.read(exactly: source.size)
        else { return LoweringRecords() }
        return records(in: bytes)
    }

    /// Returns the records for this machine in a file of these bytes.
    func records(in bytes: [UInt8]) -> LoweringRecords {
        guard let contents = try? JSONDecoder().decode(Contents.self, from: Data(bytes)), contents.origin == origin,
            contents.records.count <= Self.mostRecords
        else { return LoweringRecords() }
        return LoweringRecords(records: contents.records)
    }

    /// Adds `new` to the file, under a lock; existing records stay, unless `anew`.
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
        // Closing releases the lock. On a file system without locks, the rename still keeps the file whole.
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
