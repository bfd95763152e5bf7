import Tensors

/// Gzip files (RFC 1952), possibly of several members, with a limit on the decompressed size.
package enum Gzip {
    /// The maximum compression ratio of Deflate: RFC 1951's longest match, 258 bytes, from two bits.
    static let largestRatio = 1_032

    /// Whether `bytes` start with the signature of a gzip file.
    package static func isGzip(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

    /// Decompresses `bytes`.
    /// - Parameters:
    ///   - limit: The maximum decompressed size in bytes; more is an error, detected before it is stored.
    ///   - place: Names the file in messages.
    /// - Throws: `InputError` with a distinct message for each fault: truncated, damaged (CRC-32 or length), trailing
    ///   bytes, over the limit.
    package static func decompress(_ bytes: [UInt8], limit: Int, place: String) throws(InputError) -> [UInt8] {
        let source = GzipSource(MemorySource(bytes, place: place), limit: limit)
        var output: [UInt8] = []
        while true {
            let chunk = try source.read(upTo: 1 << 18)
            if chunk.isEmpty { return output }
            output += chunk
        }
    }

    /// Compresses `bytes` to one gzip member without a name or a timestamp: equal bytes give equal files.
    /// - Throws: `OperationError` for more than 1 GiB, or if memory is exhausted.
    package static func compress(_ bytes: [UInt8], level: Int = 9) throws(OperationError) -> [UInt8] {
        precondition((0...9).contains(level), "Gzip: level must be in 0...9, received \(level)")
        guard let packed = DeflateStream.deflate(bytes, level: Int32(level), wrapper: .gzip) else {
            throw OperationError("gzip", problem: "zlib could not compress \(bytes.count) bytes")
        }
        return packed
    }
}

/// A streaming decompressor of gzip data.
package final class GzipSource: ByteSource {
    private let source: any ByteSource
    private let limit: Int
    private let stream = InflateStream(.gzip)
    private var input: [UInt8] = []
    private var position = 0
    private var produced = 0
    private var ended = false

    /// - Parameter limit: The maximum decompressed size in bytes; one more is an error.
    package init(_ source: any ByteSource, limit: Int) {
        self.source = source
        self.limit = limit
    }

    package var place: String { source.place }

    package var upperBound: Int {
        let (bound, overflow) = (source.upperBound + input.count - position)
            .multipliedReportingOverflow(by: Gzip.largestRatio)
        // Input that zlib has consumed without output yet: less than its window and one match.
        let (sum, tooMany) = bound.addingReportingOverflow(1 << 16)
        return min(overflow || tooMany ? Int.max : sum, max(limit - produced, 0))
    }

    package func read(upTo count: Int) throws(InputError) -> [UInt8] {
        guard !ended, count > 0 else { return [] }
        // One byte beyond the limit, so that a decompression bomb is detected instead of silently truncated.
        let room = limit - produced
        var output = [UInt8](repeating: 0, count: min(count, 1 << 24, room < Int.max ? room + 1 : room))
        var filled = 0
        // Fill the output however little each member yields: a file of many tiny members must not cost an array for
        // each.
        while filled < output.count, !ended {
            if position == input.count { try refill() }
            let exhausted = input.isEmpty
            let step = stream.inflate(input, from: position, into: &output, at: filled)
            position += step.consumed
            filled += step.produced
            produced += step.produced
            if produced > limit {
                throw InputError(
                    place, expected: "gzip of at most \(limit) bytes unpacked", received: "more",
                    remedy: "not unpacked further: it may be a decompression bomb")
            }
            switch step.outcome {
            case .damaged(let message): throw damage(message)
            case .more where step.produced == 0 && exhausted: throw truncation
            case .more: break
            case .end: try nextMember()
            }
        }
        output.removeLast(output.count - filled)
        return output
    }

    private func refill() throws(InputError) {
        input = try source.read(upTo: 1 << 16)
        position = 0
    }

    private var truncation: InputError {
        InputError(
            place, expected: "a whole gzip file", received: "its end after \(produced) bytes unpacked: truncated",
            remedy: "delete it and fetch it again")
    }

    /// Handles the end of a member: another member, the end of the file, or trailing bytes.
    private func nextMember() throws(InputError) {
        if input.count - position < 2 {
            input.removeFirst(position)
            position = 0
            input += try source.read(exactly: 2 - input.count)
        }
        if input.isEmpty {
            ended = true
        } else if Gzip.isGzip(input[position...]) {
            stream.reset()
        } else {
            throw InputError(
                place, expected: "the end of the gzip file, or another member", received: "trailing bytes",
                remedy: "delete it and fetch it again")
        }
    }

    private func damage(_ message: String) -> InputError {
        switch message {
        case "incorrect data check":
            InputError(
                place, expected: "gzip data that agree with their CRC-32", received: "a wrong CRC-32: damaged",
                remedy: "delete it and fetch it again")
        case "incorrect length check":
            InputError(
                place, expected: "gzip data of the length its trailer says", received: "another length: damaged",
                remedy: "delete it and fetch it again")
        default:
            InputError(
                place, expected: "sound gzip data", received: "damaged data (\(message))",
                remedy: "delete it and fetch it again")
        }
    }
}
