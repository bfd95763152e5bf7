import Foundation
import Synchronization

@testable import NeuralNetwork
@testable import Reports
@testable import Training

/// One file in memory that is written again and again, for parsers that seek.
struct ScratchFile: ~Copyable {
    static let path = "/dev/shm/numeral-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    private let descriptor = open(path, O_RDWR | O_CREAT, 0o600)

    func write(_ bytes: [UInt8]) {
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        precondition(written == bytes.count && ftruncate(descriptor, bytes.count) == 0, "no scratch file")
    }
}

let scratch = Mutex(ScratchFile())

/// A cache of timings, of no machine, whose file is written again and again.
struct Timings: ~Copyable {
    private let cache = LoweringCache(
        folder: URL(filePath: ScratchFile.path + "-timings"),
        origin: LoweringCache.Origin(kernels: 1, processor: "", vectors: [], backend: "", version: "", core: ""))
    private let descriptor: Int32

    init() {
        let folder = cache.file.deletingLastPathComponent()
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        descriptor = open(cache.file.path, O_RDWR | O_CREAT, 0o600)
    }

    /// The records of a file of `bytes`.
    func records(_ bytes: [UInt8]) -> [LoweringRecord] {
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        precondition(written == bytes.count && ftruncate(descriptor, bytes.count) == 0, "no scratch file")
        return Array(cache.load().records.values)
    }
}

let timings = Mutex(Timings())
