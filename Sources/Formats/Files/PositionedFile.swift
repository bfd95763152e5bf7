import Foundation
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file read at any position by any number of threads at once, without a position of its own.
///
/// It reads with `pread` instead of mapping the file: a mapped file that another process shortens ends the program with
/// SIGBUS, and its pages count as the program's memory until they are dropped.
package final class PositionedFile: Sendable {
    package let place: String
    private let descriptor: Int32

    /// - Throws: `InputError` if `path` is not a regular file that can be read.
    package init(_ path: String) throws(InputError) {
        // Checks what it is and that it can be read.
        _ = try BinaryFile(path)
        place = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw InputError(path, expected: "a readable file", received: String(cString: strerror(errno)))
        }
        #if os(Linux)
            // Images are read in random order: what follows one of them is not needed next.
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
        #endif
    }

    deinit { close(descriptor) }

    /// Fills `bytes` with those at `offset`.
    /// - Throws: `InputError` if the file ends before, or cannot be read.
    package func read(into bytes: inout [UInt8], at offset: Int) throws(InputError) {
        let problem: String? = bytes.withUnsafeMutableBytes { target in
            var done = 0
            while done < target.count {
                let count = pread(
                    descriptor, target.baseAddress.map { $0 + done }, target.count - done, off_t(offset + done))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    return count == 0
                        ? "its end at byte \(offset + done)"
                        : "\(String(cString: strerror(errno))) at byte \(offset + done)"
                }
                done += count
            }
            return nil
        }
        if let problem {
            throw InputError(
                place, expected: "\(bytes.count) bytes at byte \(offset), as when it was opened", received: problem,
                remedy: "did another program change the file?")
        }
    }

    /// Asks the system to read `count` bytes at `offset` into its cache in the meantime.
    package func prefetch(_ count: Int, at offset: Int) {
        #if os(Linux)
            posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
        #endif
    }
}
