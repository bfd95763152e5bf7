import Formats

/// Makes small zip archives, sound or not.
package struct ZipBuilder {
    package init() {}

    package var bytes: [UInt8] = []
    package var directory: [UInt8] = []
    package var count = 0

    package mutating func add(_ name: String, _ content: [UInt8], deflated: Bool) throws {
        // A gzip of ours is ten bytes of header, raw deflate, CRC-32 and length.
        let gzip = try Gzip.compress(content)
        let data = deflated ? Array(gzip[10..<(gzip.count - 8)]) : content
        let crc = Array(gzip[(gzip.count - 8)..<(gzip.count - 4)])
        let method = little(deflated ? 8 : 0, 2)
        let common = crc + little(data.count, 4) + little(content.count, 4) + little(name.utf8.count, 2) + little(0, 2)
        directory += little(0x0201_4B50, 4) + little(20, 2) + little(20, 2) + little(0, 2) + method + little(0, 4)
        directory += common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(bytes.count, 4)
        directory += Array(name.utf8)
        bytes += little(0x0403_4B50, 4) + little(20, 2) + little(0, 2) + method + little(0, 4) + common
        bytes += Array(name.utf8) + data
        count += 1
    }

    /// The whole archive.
    package func finished(comment: String = "") -> [UInt8] {
        bytes + directory + little(0x0605_4B50, 4) + little(0, 4) + little(count, 2) + little(count, 2)
            + little(directory.count, 4) + little(bytes.count, 4) + little(comment.utf8.count, 2) + Array(comment.utf8)
    }

    private func little(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
