import Tensors

/// A streaming decompressor of one zlib stream (RFC 1950) that takes all of its source.
final class ZlibSource: ByteSource {
    private let source: any ByteSource
    private let limit: Int
    private let stream = InflateStream(.zlib)
    private var input: [UInt8] = []
    private var position = 0
    private var produced = 0
    private var ended = false

    /// - Parameter limit: The maximum decompressed size in bytes; more is an error.
    init(_ source: any ByteSource, limit: Int) { (self.source, self.limit) = (source, limit) }

    var place: String { source.place }

    var upperBound: Int {
        let (bound, overflow) = (source.upperBound + input.count - position)
            .multipliedReportingOverflow(by: Gzip.largestRatio)
        let (sum, tooMany) = bound.addingReportingOverflow(1 << 16)
        return min(overflow || tooMany ? Int.max : sum, max(limit - produced, 0))
    }

    func read(upTo count: Int) throws(InputError) -> [UInt8] {
        guard !ended, count > 0 else { return [] }
        var output = [UInt8](repeating: 0, count: min(count, 1 << 24)), filled = 0
        while filled < output.count, !ended {
            if position == input.count {
                input = try source.read(upTo: 1 << 16)
                position = 0
            }
            let exhausted = input.isEmpty
            let step = stream.inflate(input, from: position, into: &output, at: filled)
            position += step.consumed
            filled += step.produced
            produced += step.produced
            guard produced <= limit else { throw damaged("more than \(limit) bytes unpacked") }
            switch step.outcome {
            case .damaged(let message): throw damaged("damaged data (\(message))")
            case .more where step.produced == 0 && exhausted: throw damaged("truncated data")
            case .more: break
            case .end: ended = true
            }
        }
        output.removeLast(output.count - filled)
        return output
    }

    /// Reads to the end of the stream, which must be that of the source, and checks it.
    func finish() throws(InputError) {
        while !ended { _ = try read(upTo: 1 << 16) }
        guard position == input.count, try source.read(upTo: 1).isEmpty else { throw damaged("trailing bytes") }
    }

    private func damaged(_ what: String) -> InputError {
        InputError(place, expected: "a sound zlib stream", received: what, remedy: "delete it and fetch it again")
    }
}
