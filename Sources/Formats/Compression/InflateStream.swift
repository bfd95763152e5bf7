import CZlib

/// The raw zlib decompressor, in the only file here that passes pointers to zlib. It does not handle limits, members or
/// files; ``GzipSource`` and ``ZipMemberSource`` do.
final class InflateStream {
    /// The wrapper around the deflate stream.
    enum Wrapper: Int32 {
        /// One gzip member; header, CRC-32 and length are checked.
        case gzip = 31
        /// One zlib stream; header and Adler-32 are checked.
        case zlib = 15
        /// None, as inside a zip archive.
        case raw = -15
    }
    /// Where a call to ``inflate(_:from:into:at:)`` stopped.
    enum Outcome: Equatable {
        /// More input or more room is needed.
        case more
        /// The end of the stream (of one gzip member) was reached and checked.
        case end
        /// The bytes are not a valid stream; carries zlib's message.
        case damaged(String)
    }
    struct Step {
        var outcome: Outcome
        var consumed: Int
        var produced: Int
    }

    private var stream = z_stream()
    private let ready: Bool

    package init(_ wrapper: Wrapper) {
        ready = inflateInit2_(&stream, wrapper.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit { if ready { inflateEnd(&stream) } }

    /// Prepares for the next member.
    func reset() { if ready { inflateReset(&stream) } }

    /// Decompresses from `input[start...]` into `output[offset...]` until either is exhausted or the stream ends.
    func inflate(_ input: [UInt8], from start: Int, into output: inout [UInt8], at offset: Int = 0) -> Step {
        precondition(start >= 0 && start <= input.count, "InflateStream: start out of range")
        precondition(offset >= 0 && offset <= output.count, "InflateStream: offset out of range")
        precondition(input.count <= 1 << 30 && output.count <= 1 << 30, "InflateStream: chunk over 1 GiB")
        guard ready else { return Step(outcome: .damaged("zlib could not start"), consumed: 0, produced: 0) }
        let available = input.count - start
        let room = output.count - offset
        let code = input.withUnsafeBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                // zlib only reads through this pointer; its type lacks `const` for the sake of old compilers.
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress.map { $0 + start })
                stream.avail_in = UInt32(available)
                stream.next_out = target.baseAddress.map { $0 + offset }
                stream.avail_out = UInt32(room)
                return CZlib.inflate(&stream, Z_NO_FLUSH)
            }
        }
        let outcome: Outcome =
            switch code {
            case Z_STREAM_END: .end
            case Z_OK, Z_BUF_ERROR: .more
            default: .damaged(stream.msg.map { String(cString: $0) } ?? "zlib error \(code)")
            }
        let step = Step(
            outcome: outcome, consumed: available - Int(stream.avail_in), produced: room - Int(stream.avail_out))
        stream.next_in = nil
        stream.next_out = nil
        return step
    }

    /// Returns the CRC-32 of `bytes[..<count]`, continued from `crc` (start with 0).
    static func crc32(_ crc: UInt32, _ bytes: [UInt8], count: Int) -> UInt32 {
        precondition(count >= 0 && count <= bytes.count, "InflateStream: count out of range")
        guard count > 0 else { return crc }
        return bytes.withUnsafeBufferPointer { UInt32(CZlib.crc32(UInt(crc), $0.baseAddress, UInt32(count))) }
    }
}

/// The raw zlib compressor, which produces one zlib stream, or one gzip member without a name or a timestamp, so that
/// equal bytes give equal files.
enum DeflateStream {
    /// The wrapper around the deflate stream.
    enum Wrapper: Int32 {
        case zlib = 15
        case gzip = 31
    }

    /// Compresses `bytes` at level 0...9; nil if zlib fails.
    static func deflate(_ bytes: [UInt8], level: Int32, wrapper: Wrapper) -> [UInt8]? {
        guard bytes.count <= 1 << 30 else { return nil }
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(&stream, level, Z_DEFLATED, wrapper.rawValue, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
                == Z_OK
        else {
            return nil
        }
        defer { deflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 32)
        let room = output.count
        let code = bytes.withUnsafeBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                return CZlib.deflate(&stream, Z_FINISH)
            }
        }
        guard code == Z_STREAM_END else { return nil }
        output.removeLast(Int(stream.avail_out))
        return output.count <= room ? output : nil
    }
}
