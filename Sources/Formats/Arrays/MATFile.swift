import Tensors

/// Numeric arrays in MATLAB's MAT-files of level 5 (`save -v6`, `-v7`; SciPy's `savemat`).
///
/// A file is a header of 128 bytes, then data elements: a type and a size of 32 bits each, then that many bytes. A
/// `miMATRIX` element holds a matrix as elements of its own: flags, extents, name, numbers in column-major order (the
/// first extent varies fastest), in any type that can hold them; a `miCOMPRESSED` element holds one such element as a
/// zlib stream. Other matrices (text, structures, cells, sparse, complex) are skipped. Source: The MathWorks, "MAT-File
/// Format", level 5.
package struct MATFile: Sendable {
    /// The matrices by name.
    package private(set) var matrices: [String: StoredNumbers] = [:]
    /// How many more bytes of matrices may be read.
    private var room: Int

    private static let matrixType: UInt32 = 14, compressedType: UInt32 = 15
    /// The maximum number of extents of a matrix.
    private static let mostExtents = 32

    /// Reads the file at `path`.
    /// - Throws: an `InputError` if it is of another kind, truncated or damaged, or larger than 8 GiB unpacked.
    package init(_ path: String) throws(InputError) { try self.init(BinaryFile(path), limit: IDX.largestPayload) }

    /// Parses a file in memory.
    package init(_ bytes: [UInt8], place: String, limit: Int = IDX.largestPayload) throws(InputError) {
        try self.init(MemorySource(bytes, place: place), limit: limit)
    }

    private init(_ source: any ByteSource, limit: Int) throws(InputError) {
        room = limit
        let header = try source.read(exactly: 128)
        guard header.count == 128, header[126] == UInt8(ascii: "I"), header[127] == UInt8(ascii: "M"),
            header[124] == 0, header[125] == 1
        else {
            throw InputError(
                source.place, expected: "a MAT-file of level 5, little-endian",
                received: header.starts(with: "MATLAB 7.3".utf8)
                    ? "one of version 7.3, which is HDF5" : header.isEmpty ? "an empty file" : "another kind of file",
                remedy: "save it with -v7, or with scipy.io.savemat")
        }
        var place = source.place
        while let tag = try Tag(source, mayEnd: true) {
            place = "\(source.place) (\(matrices.count + 1). matrix)"
            if tag.type == Self.compressedType {
                let unpacked = ZlibSource(SourcePart(source, size: tag.size), limit: IDX.largestPayload)
                guard let inner = try Tag(unpacked, mayEnd: false) else { continue }
                try read(inner, unpacked, place)
                try unpacked.finish()
            } else {
                let part = SourcePart(source, size: tag.size)
                try read(tag, part, place)
                try part.skip(tag.padding)
            }
        }
    }

    /// Reads the content of an element, to its end.
    private mutating func read(_ tag: Tag, _ source: any ByteSource, _ place: String) throws(InputError) {
        let part = SourcePart(source, size: tag.size)
        if tag.type == Self.matrixType, let (name, matrix) = try Self.matrix(part, limit: room) {
            room -= matrix.bytes.count
            guard matrices.updateValue(matrix, forKey: name) == nil else {
                throw InputError(source.place, expected: "one matrix of a name", received: "two of \(printable(name))")
            }
        }
        try part.skipRest()
    }

    /// Reads a matrix; nil if it is not one of real numbers.
    private static func matrix(_ source: SourcePart, limit: Int) throws(InputError) -> (String, StoredNumbers)? {
        let flags = try element(source, limit: 8)
        guard flags.type == .uint32, flags.bytes.count == 8 else {
            throw damage(source, "its flags", "others")
        }
        // The class: 6 to 15 are numbers. Bit 3 of the second byte: complex.
        let isNumeric = (6...15).contains(flags.bytes[0]) && flags.bytes[1] & 0x08 == 0
        let shape = try element(source, limit: 4 * mostExtents)
        guard shape.type == .int32, shape.bytes.count >= 8 else { throw damage(source, "its extents", "none") }
        let extents = (0..<shape.count).map { Int(shape.number($0)) }
        let name = try element(source, limit: 256)
        guard name.type == .int8 else { throw damage(source, "its name", "none") }
        guard isNumeric else { return nil }
        var count = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow, product <= limit else {
                throw damage(source, "at most \(limit) bytes", IDX.describe(extents))
            }
            count = product
        }
        var numbers = try element(source, limit: limit)
        guard numbers.count == count else {
            throw damage(source, "\(count) numbers, \(IDX.describe(extents))", "\(numbers.count)")
        }
        numbers.extents = extents
        return (String(decoding: name.bytes, as: UTF8.self), numbers)
    }

    /// Reads an element of numbers.
    private static func element(_ source: SourcePart, limit: Int) throws(InputError) -> StoredNumbers {
        guard let tag = try Tag(source, mayEnd: false), let type = StoredNumbers.NumberType(rawValue: tag.type) else {
            throw damage(source, "numbers", "another element")
        }
        let most = tag.isSmall ? limit : min(limit, source.upperBound)
        guard tag.size <= most, tag.size.isMultiple(of: type.size) else {
            throw damage(source, "at most \(most) bytes", "\(tag.size)")
        }
        var bytes = tag.small
        if !tag.isSmall {
            bytes = try source.read(exactly: tag.size)
            guard bytes.count == tag.size else {
                throw damage(source, "\(tag.size) bytes", "\(bytes.count): truncated")
            }
            try source.skip(min(tag.padding, source.upperBound))
        }
        return StoredNumbers(extents: [bytes.count / type.size], type: type, bytes: bytes)
    }

    fileprivate static func damage(_ source: any ByteSource, _ expected: String, _ received: String) -> InputError {
        InputError(source.place, expected: "a matrix: \(expected)", received: received)
    }

    /// What precedes an element: its type and size. Up to four bytes may be within the tag.
    private struct Tag {
        var type: UInt32
        var size: Int
        var small: [UInt8] = []
        var isSmall = false
        /// Elements start at multiples of 8 bytes.
        var padding: Int { isSmall ? 0 : (8 - size % 8) % 8 }

        /// Returns nil at the end of the source.
        init?(_ source: any ByteSource, mayEnd: Bool) throws(InputError) {
            let bytes = try source.read(exactly: 8)
            if bytes.isEmpty, mayEnd { return nil }
            guard bytes.count == 8 else { throw MATFile.damage(source, "8 bytes", "\(bytes.count): truncated") }
            let (low, high) = (LittleEndian.word(bytes, size: 4), LittleEndian.word(bytes, at: 4, size: 4))
            if low >> 16 != 0 {
                (type, size, isSmall) = (UInt32(low & 0xFFFF), Int(low >> 16), true)
                guard size <= 4 else { throw MATFile.damage(source, "at most 4 bytes in a tag", "\(size)") }
                small = Array(bytes[4..<4 + size])
            } else {
                (type, size) = (UInt32(low), Int(high))
            }
        }
    }
}

/// The next bytes of a source, as a source of their own.
private final class SourcePart: ByteSource {
    private let source: any ByteSource
    private var left: Int

    init(_ source: any ByteSource, size: Int) { (self.source, left) = (source, size) }

    var place: String { source.place }
    var upperBound: Int { min(left, source.upperBound) }

    func read(upTo count: Int) throws(InputError) -> [UInt8] {
        let bytes = try source.read(upTo: min(count, left))
        left -= bytes.count
        return bytes
    }

    /// Reads past `count` bytes, of the part or after it.
    func skip(_ count: Int) throws(InputError) {
        var count = count
        while count > 0 {
            let bytes = try left > 0 ? read(upTo: min(count, 1 << 16)) : source.read(upTo: count)
            guard !bytes.isEmpty else {
                throw InputError(place, expected: "a whole file", received: "its end: truncated")
            }
            count -= bytes.count
        }
    }

    func skipRest() throws(InputError) { try skip(left) }
}
