import Tensors

/// A writer of zip archives of stored members. Equal contents give equal bytes: there are no times or owners. Source:
/// PKWARE, APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
package struct ZipWriter {
    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var names: Set<String> = []
    private let place: String

    /// - Parameter place: names the file in messages.
    package init(place: String) { self.place = place }

    /// Adds a member.
    /// - Precondition: no other member has this name.
    /// - Throws: an ``InputError`` if the archive would need zip64: 4 GiB, or 65,535 members.
    package mutating func add(_ name: String, _ content: [UInt8]) throws(InputError) {
        precondition(names.insert(name).inserted, "ZipWriter: the name \(name) is taken")
        let length = name.utf8.count
        guard length < 1 << 16, names.count < 0xFFFF, bytes.count + content.count < 0xFFFF_FFFF - (1 << 24) else {
            throw InputError(place, expected: "fewer than 65,535 members in less than 4 GiB", received: "more")
        }
        let crc = InflateStream.crc32(0, content, count: content.count)
        // Version 2.0, flags: names in UTF-8, stored, midnight of 1 January 1980.
        let common =
            Self.little(20, 2) + Self.little(0x800, 2) + Self.little(0, 2) + Self.little(0, 2) + Self.little(0x21, 2)
            + Self.little(Int(crc), 4) + Self.little(content.count, 4) + Self.little(content.count, 4)
            + Self.little(length, 2) + Self.little(0, 2)
        directory += Self.little(0x0201_4B50, 4) + Self.little(20, 2) + common
        directory += Self.little(0, 2) + Self.little(0, 2) + Self.little(0, 2) + Self.little(0, 4)
        directory += Self.little(bytes.count, 4) + Array(name.utf8)
        bytes += Self.little(0x0403_4B50, 4) + common + Array(name.utf8)
        bytes += content
    }

    /// Returns the whole archive.
    package func finished() -> [UInt8] {
        bytes + directory + Self.little(0x0605_4B50, 4) + Self.little(0, 4) + Self.little(names.count, 2)
            + Self.little(names.count, 2) + Self.little(directory.count, 4) + Self.little(bytes.count, 4)
            + Self.little(0, 2)
    }

    private static func little(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
