import Tensors

/// A source of training lines.
package protocol LineSource: Sendable {
    /// The number of lines per epoch.
    var count: Int { get }
    var height: Int { get }
    /// The widths of lines, ascending.
    var widths: [Int] { get }

    func makeScratch() -> LineScratch
    /// Returns the number of batches per epoch, the same in each.
    func batchCount(size: Int) -> Int
    func batches(ofEpoch epoch: Int, size: Int) -> [LineBatch]
    /// Draws a line of a batch of this width into the start of `scratch.pixels`, and returns its text.
    func draw(_ index: Int, epoch: Int, bucket: Int, scratch: inout LineScratch) -> [UInt8]
}

/// The lines of one batch, all of one width.
package struct LineBatch: Hashable, Sendable {
    package var bucket: Int
    /// The indices of the lines, as ``LineSource/draw(_:epoch:bucket:scratch:)`` takes them.
    package var lines: [Int]
}

/// Working memory that one thread needs to draw lines.
package struct LineScratch: Sendable {
    /// The line, `[height, width]`, from 0 (paper) to 1 (ink).
    package var pixels: [Float]
    var spare: [Float]

    init(count: Int) {
        pixels = [Float](repeating: 0, count: count)
        spare = pixels
    }
}
