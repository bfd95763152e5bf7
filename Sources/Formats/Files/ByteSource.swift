import Foundation
import Tensors

/// A sequential source of bytes: a file, an archive member or memory.
package protocol ByteSource: AnyObject {
    /// The name of the file in messages.
    var place: String { get }
    /// An upper bound on the bytes that are still to come, whatever a header claims.
    var upperBound: Int { get }
    /// Returns the next bytes, at most `count` of them; empty only at the end.
    /// - Throws: `InputError` if the file cannot be read or is not a valid archive.
    func read(upTo count: Int) throws(InputError) -> [UInt8]
}

extension ByteSource {
    /// Returns the next `count` bytes, or fewer at the end.
    package func read(exactly count: Int) throws(InputError) -> [UInt8] {
        var bytes = try read(upTo: count)
        while bytes.count < count {
            let more = try read(upTo: count - bytes.count)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }
}

/// A source of bytes in memory.
final class MemorySource: ByteSource {
    let place: String
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8], place: String) {
        self.bytes = bytes
        self.place = place
    }

    var upperBound: Int { bytes.count - position }

    func read(upTo count: Int) throws(InputError) -> [UInt8] {
        let end = min(bytes.count, position + max(count, 0))
        defer { position = end }
        return Array(bytes[position..<end])
    }
}

/// A regular file with random access. Its size is determined once, on opening.
package final class BinaryFile: ByteSource {
    package let place: String
    package let size: Int
    private let handle: FileHandle
    private(set) var position = 0

    /// - Throws: `InputError` if `path` does not exist, is not a regular file, or is unreadable.
    package init(_ path: String) throws(InputError) {
        place = path
        let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: url.path) else {
            throw InputError(path, expected: "a file", received: "nothing there")
        }
        guard attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? Int else {
            throw InputError(path, expected: "a regular file", received: "a folder or a special file")
        }
        guard let handle = try? FileHandle(forReadingFrom: url) else {
            throw InputError(path, expected: "a readable file", received: "no permission to read it")
        }
        self.size = size
        self.handle = handle
    }

    deinit { try? handle.close() }

    package var upperBound: Int { max(size - position, 0) }

    package func read(upTo count: Int) throws(InputError) -> [UInt8] {
        do {
            let data = try handle.read(upToCount: max(count, 0)) ?? Data()
            position += data.count
            return [UInt8](data)
        } catch {
            throw InputError(place, expected: "a readable file", received: "a read error at byte \(position)")
        }
    }

    /// Moves to byte `offset`.
    package func seek(to offset: Int) throws(InputError) {
        guard offset >= 0, offset <= size else {
            throw InputError(place, expected: "an offset within \(size) bytes", received: "\(offset)")
        }
        do {
            try handle.seek(toOffset: UInt64(offset))
            position = offset
        } catch {
            throw InputError(place, expected: "a seekable file", received: "a seek error at byte \(offset)")
        }
    }

    /// Returns the digests of the whole file, and restores the position.
    package func digests(_ algorithms: [Digest.Algorithm]) throws -> [String] {
        let start = position
        try seek(to: 0)
        let digests = algorithms.map { Digest($0) }
        while true {
            let chunk = try read(upTo: 1 << 20)
            if chunk.isEmpty { break }
            for digest in digests { digest.update(chunk) }
        }
        try seek(to: start)
        return try digests.map { try $0.hex() }
    }
}
