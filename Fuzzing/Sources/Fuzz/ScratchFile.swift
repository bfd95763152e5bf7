import Foundation
import Synchronization

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
