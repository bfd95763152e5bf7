import Foundation
import Synchronization

/// One file in memory that is written again and again, for parsers that seek.
struct ScratchFile: ~Copyable {
    private static let descriptor = {
        // Without a name it goes with the process.
        let name = "/dev/shm/numeral-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
        let descriptor = open(name, O_RDWR | O_CREAT, 0o600)
        precondition(descriptor >= 0 && unlink(name) == 0, "no scratch file")
        return descriptor
    }()
    static let path = "/proc/self/fd/\(descriptor)"

    func write(_ bytes: [UInt8]) {
        let written = bytes.withUnsafeBytes { pwrite(Self.descriptor, $0.baseAddress, $0.count, 0) }
        precondition(written == bytes.count && ftruncate(Self.descriptor, bytes.count) == 0, "no scratch file")
    }
}

let scratch = Mutex(ScratchFile())
