import Tensors

/// Training lines that are pictures of real writing: batches of one width, reshuffled each epoch, with strokes, blur,
/// contrast and noise varied as in composed lines.
struct StoredLines: LineSource {
    private let lines: LineSet
    private let finish: LineFinish
    private let seed: UInt64

    /// - Precondition: `lines` is not empty.
    init(_ lines: LineSet, _ options: LineOptions, seed: UInt64) {
        (self.lines, self.seed) = (lines, seed)
        var options = options
        options.remnants = 0
        finish = LineFinish(options)
    }

    var count: Int { lines.count }
    var height: Int { lines.height }
    var widths: [Int] { lines.buckets.map(\.width) }

    func makeScratch() -> LineScratch { LineScratch(count: height * (widths.last ?? 0)) }

    func batchCount(size: Int) -> Int { lines.batchCount(size: size) }

    /// Returns each width's lines, shuffled at the address (seed, shuffle, epoch, stream 1 + width index) and cut into
    /// batches, which are shuffled at stream 0.
    func batches(ofEpoch epoch: Int, size: Int) -> [LineBatch] {
        func stream(_ number: Int) -> RandomStream {
            RandomStream(
                RandomAddress(
                    seed: seed, purpose: .shuffle, major: UInt32(truncatingIfNeeded: epoch), stream: UInt32(number)))
        }
        var batches: [LineBatch] = []
        for (bucket, lines) in lines.buckets.enumerated() {
            var random = stream(1 + bucket)
            let order = random.permutation(lines.texts.count)
            for start in Swift.stride(from: 0, to: order.count, by: size) {
                batches.append(LineBatch(bucket: bucket, lines: Array(order[start..<min(start + size, order.count)])))
            }
        }
        var random = stream(0)
        return random.permutation(batches.count).map { batches[$0] }
    }

    func draw(_ index: Int, epoch: Int, bucket: Int, scratch: inout LineScratch) -> [UInt8] {
        let lines = lines.buckets[bucket], size = height * lines.width
        for i in 0..<size { scratch.pixels[i] = Float(lines.pixels[index * size + i]) / 255 }
        var stream = RandomStream(
            RandomAddress(
                seed: seed, purpose: .lines, major: UInt32(truncatingIfNeeded: epoch),
                minor: UInt32(lines.numbers[index]), stream: 2))
        finish.apply(
            height: height, width: lines.width, content: (0...Float(lines.width - 1), []), scratch: &scratch, &stream)
        return lines.texts[index]
    }
}
