import Tensors

extension IDX {
    /// Reads an array of any type, of 1 to 4 extents, plain or gzip. The product of the extents after the first may
    /// exceed that of an image.
    /// - Throws: `InputError` as ``read(_:_:)`` does.
    package static func readAny(_ path: String) throws(InputError) -> IDX {
        try readAny(opened(BinaryFile(path)))
    }

    /// Parses such an array in memory; `place` names it in messages.
    package static func parseAny(_ bytes: [UInt8], place: String) throws(InputError) -> IDX {
        let source = MemorySource(bytes, place: place)
        return try readAny(Gzip.isGzip(bytes) ? GzipSource(source, limit: largestFile) : source)
    }

    private static func readAny(_ source: any ByteSource) throws(InputError) -> IDX {
        let expected = "an IDX file (0, 0, a type in 0x08…0x0E, 1 to 4 extents)"
        let magic = try source.read(exactly: 4)
        guard magic.count == 4 else {
            throw InputError(
                source.place, expected: expected,
                received: magic.isEmpty ? "an empty file" : "\(magic.count) bytes: truncated")
        }
        guard magic[0] == 0, magic[1] == 0, let type = ElementType(rawValue: magic[2]), (1...4).contains(magic[3])
        else {
            let digits = magic.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
            throw InputError(source.place, expected: expected, received: "magic 0x\(digits)")
        }
        return try elements(of: type, rank: Int(magic[3]), from: source) { _ throws(InputError) in }
    }

    /// Returns element `index`, exactly.
    package func number(_ index: Int) -> Double {
        var word: UInt64 = 0
        for offset in 0..<type.size { word = word << 8 | UInt64(bytes[type.size * index + offset]) }
        return switch type {
        case .ubyte: Double(word)
        case .int8: Double(Int8(truncatingIfNeeded: word))
        case .int16: Double(Int16(truncatingIfNeeded: word))
        case .int32: Double(Int32(truncatingIfNeeded: word))
        case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: word)))
        case .float64: Double(bitPattern: word)
        }
    }
}
