/// The frame of a line of text in a network's input of a given height: the ink's box takes 7/8 of the height, with
/// paper of 3/16 of the height at either end.
package struct LineFrame: Hashable, Sendable {
    package let height: Int

    package init(height: Int) { self.height = height }

    /// The height of the ink's box.
    package var inkHeight: Int { height - 2 * (height / 16) }
    /// The width of the paper at either end.
    package var side: Int { 3 * height / 16 }
}
