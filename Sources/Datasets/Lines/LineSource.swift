import Tensors

/// Where lines to train on come from.
package protocol LineSource: Sendable {
    /// Lines of an epoch.
    var count: Int { get }
    var height: Int { get }
    /// In rising order.
    var widths: [Int] { get }

    func makeScratch() -> LineScratch
    /// Batches of an epoch, the same number in each.
    func batchCount(size: Int) -> Int
    func batches(ofEpoch epoch: Int, size: Int) -> [LineBatch]
    /// Draws a line of a batch of this width into the beginning of `scratch.pixels`; gives its text.
    func draw(_ index: Int, epoch: Int, bucket: Int, scratch: inout LineScratch) -> [UInt8]
}

/// The lines of one batch, all of one width.
package struct LineBatch: Hashable, Sendable {
    package var bucket: Int
    /// As ``LineSource/draw(_:epoch:bucket:scratch:)`` knows them.
    package var lines: [Int]
}

/// What a thread needs to draw lines.
package struct LineScratch: Sendable {
    /// The line, `[height, width]`, 0 paper to 1 ink.
    package var pixels: [Float]
    var spare: [Float]

    init(count: Int) {
        pixels = [Float](repeating: 0, count: count)
        spare = pixels
    }
}
