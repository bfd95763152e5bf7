import Tensors

/// An array in the IDX format of the MNIST database, which uses bytes, or of another element type.
///
/// A file is `0, 0, type, rank`, then `rank` extents as 32-bit big-endian integers, then the elements in row-major
/// order, big-endian, and nothing else. Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of
/// handwritten digits", section "File formats".
package struct IDX: Sendable, Hashable {
    /// The supported element types.
    package enum ElementType: UInt8, Sendable {
        case ubyte = 0x08
        case int8 = 0x09
        case int16 = 0x0B
        case int32 = 0x0C
        case float32 = 0x0D
        case float64 = 0x0E

        package var size: Int {
            switch self {
            case .ubyte, .int8: 1
            case .int16: 2
            case .int32, .float32: 4
            case .float64: 8
            }
        }
    }

    /// The maximum number of images or labels in a file.
    package static let largestCount = 100_000_000
    /// The maximum of every other extent.
    package static let largestExtent = 4_096
    /// The maximum payload in bytes.
    package static let largestPayload = 1 << 33

    package var type: ElementType
    /// The extents, outermost first; none is zero.
    package var extents: [Int]
    /// The elements as stored, big-endian if wider than a byte.
    package var bytes: [UInt8]

    /// - Precondition: `bytes` has as many elements as `extents` require; each extent is in 1..<2^32, and there are at
    ///   most 255.
    package init(type: ElementType = .ubyte, extents: [Int], bytes: [UInt8]) {
        precondition(extents.count <= 255, "IDX: rank over 255")
        var size = type.size
        for extent in extents {
            precondition(extent > 0 && extent <= Int(UInt32.max), "IDX: extent \(extent) is not in 1..<2^32")
            size *= extent
        }
        precondition(size == bytes.count, "IDX: \(bytes.count) bytes do not fill \(extents)")
        self.type = type
        self.extents = extents
        self.bytes = bytes
    }

    /// The bytes of the file that contains this array.
    package var fileBytes: [UInt8] { header + bytes }

    /// The bytes that precede the elements.
    package var header: [UInt8] { Self.header(of: type, extents) }

    /// Returns the extents of images: `[N, H, W]` for one channel, else `[N, H, W, C]`.
    package static func imageExtents(_ count: Int, _ height: Int, _ width: Int, channels: Int) -> [Int] {
        [count, height, width] + (channels == 1 ? [] : [channels])
    }

    /// Returns the bytes that precede the elements of an array of these extents.
    package static func header(of type: ElementType, _ extents: [Int]) -> [UInt8] {
        var header: [UInt8] = [0, 0, type.rawValue, UInt8(extents.count)]
        for extent in extents {
            for shift in [24, 16, 8, 0] { header.append(UInt8(truncatingIfNeeded: extent >> shift)) }
        }
        return header
    }

    /// Returns element `index` of an array of 32-bit integers.
    package func int32(_ index: Int) -> Int {
        precondition(type == .int32, "IDX: not an array of 32-bit integers")
        var word: UInt32 = 0
        for offset in 0..<4 { word = word << 8 | UInt32(bytes[4 * index + offset]) }
        return Int(Int32(bitPattern: word))
    }
}

extension IDX {
    /// The expected contents of a file.
    package enum Kind: Sendable {
        /// Bytes `[count, height, width]`, magic 0x00000803.
        case images
        /// Bytes `[count]`, magic 0x00000801.
        case labels
        /// QMNIST's labels: 32-bit integers `[count, 8]`, magic 0x00000C02, the class in column 0.
        case extendedLabels

        var type: ElementType { self == .extendedLabels ? .int32 : .ubyte }
        var rank: Int {
            switch self {
            case .images: 3
            case .labels: 1
            case .extendedLabels: 2
            }
        }
        var name: String {
            switch self {
            case .images: "IDX images of bytes, magic 0x00000803"
            case .labels: "IDX labels of bytes, magic 0x00000801"
            case .extendedLabels: "IDX labels of QMNIST, magic 0x00000C02"
            }
        }
    }

    /// Reads the file at `path`, plain or gzip (detected by its first bytes, not its name).
    /// - Throws: `InputError` that names the file, with a distinct message for each fault: absent, empty, wrong magic,
    ///   type or rank, zero or too large an extent, truncated, trailing bytes, or a damaged gzip.
    package static func read(_ path: String, _ kind: Kind) throws(InputError) -> IDX {
        try read(opened(BinaryFile(path)), kind)
    }

    /// Parses the IDX file in `bytes`, plain or gzip; `place` names it in messages.
    package static func parse(_ bytes: [UInt8], _ kind: Kind, place: String) throws(InputError) -> IDX {
        let source = MemorySource(bytes, place: place)
        return try read(Gzip.isGzip(bytes) ? GzipSource(source, limit: largestFile) : source, kind)
    }

    package static let largestFile = largestPayload + 4 + 4 * 255

    /// Returns `file` itself, or its decompressed contents if it is gzip.
    package static func opened(_ file: BinaryFile) throws(InputError) -> any ByteSource {
        try file.seek(to: 0)
        let gzip = Gzip.isGzip(try file.read(exactly: 2))
        try file.seek(to: 0)
        return gzip ? GzipSource(file, limit: largestFile) : file
    }

    /// Reads an IDX file from `source` to its end. Nothing of the size that the header claims is allocated before the
    /// source is known to be able to fill it.
    package static func read(_ source: any ByteSource, _ kind: Kind) throws(InputError) -> IDX {
        let place = source.place
        let magic = try source.read(exactly: 4)
        guard !magic.isEmpty else { throw InputError(place, expected: kind.name, received: "an empty file") }
        guard magic.count == 4 else {
            throw InputError(place, expected: kind.name, received: "\(magic.count) bytes: truncated")
        }
        guard magic[0] == 0, magic[1] == 0, let type = ElementType(rawValue: magic[2]), type == kind.type else {
            throw InputError(place, expected: kind.name, received: "magic \(hexadecimal(magic))")
        }
        guard Int(magic[3]) == kind.rank else {
            throw InputError(
                place, expected: "\(kind.name) (rank \(kind.rank))",
                received: "rank \(magic[3]), magic \(hexadecimal(magic))",
                remedy: "are images and labels exchanged?")
        }
        let array = try elements(of: type, rank: kind.rank, from: source) { extents throws(InputError) in
            guard kind != .extendedLabels || extents[1] == 8 else {
                throw InputError(place, expected: "8 columns a label", received: "\(extents[1])")
            }
        }
        return array
    }

    /// Reads what follows the magic number, to the end of `source`.
    /// - Parameter check: Validates the extents before any data of their size is read.
    static func elements(
        of type: ElementType, rank: Int, from source: any ByteSource, check: ([Int]) throws(InputError) -> Void
    ) throws(InputError) -> IDX {
        let place = source.place
        let extentBytes = try source.read(exactly: 4 * rank)
        guard extentBytes.count == 4 * rank else {
            throw InputError(
                place, expected: "\(4 + 4 * rank) bytes of header",
                received: "\(4 + extentBytes.count): truncated")
        }
        var extents: [Int] = []
        for axis in 0..<rank {
            extents.append(extentBytes[(4 * axis)..<(4 * axis + 4)].reduce(0) { $0 << 8 | Int($1) })
        }
        let size = try payload(of: extents, elementSize: type.size, place: place)
        try check(extents)
        let bound = source.upperBound
        guard size <= bound else {
            throw InputError(
                place, expected: "\(size) bytes after the header, for \(describe(extents))",
                received: "at most \(bound): truncated")
        }
        let bytes = try read(size, from: source, extents)
        guard try source.read(upTo: 1).isEmpty else {
            throw InputError(
                place, expected: "an end after \(size) bytes, for \(describe(extents))", received: "trailing bytes")
        }
        return IDX(type: type, extents: extents, bytes: bytes)
    }

    /// Returns the number of bytes that `extents` take.
    private static func payload(of extents: [Int], elementSize: Int, place: String) throws(InputError) -> Int {
        var size = elementSize
        for (axis, extent) in extents.enumerated() {
            guard extent > 0 else {
                throw InputError(
                    place, expected: "extents of at least 1", received: "\(describe(extents)): a zero extent")
            }
            let largest = axis == 0 ? largestCount : largestExtent
            guard extent <= largest else {
                throw InputError(place, expected: "extent \(axis) of at most \(largest)", received: "\(extent)")
            }
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= largestPayload else {
                throw InputError(
                    place, expected: "at most \(largestPayload) bytes", received: "more, for \(describe(extents))")
            }
            size = product
        }
        return size
    }

    private static func read(
        _ size: Int, from source: any ByteSource, _ extents: [Int]
    ) throws(InputError) -> [UInt8] {
        var bytes: [UInt8] = []
        // A gzipped header may claim a thousand times the file's size: beyond this limit, memory grows with the bytes
        // read.
        bytes.reserveCapacity(min(size, 1 << 26))
        while bytes.count < size {
            let chunk = try source.read(upTo: min(size - bytes.count, 1 << 20))
            guard !chunk.isEmpty else {
                throw InputError(
                    source.place, expected: "\(size) bytes after the header, for \(describe(extents))",
                    received: "\(bytes.count): truncated")
            }
            bytes += chunk
        }
        return bytes
    }

    package static func describe(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "×") }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let word = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let digits = String(word, radix: 16, uppercase: true)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
