/// How a line of text stands in a network's input of some height: its ink's box takes 7/8 of the height, and 3/16 of the
/// height are paper at either end.
package struct LineFrame: Hashable, Sendable {
    package let height: Int

    package init(height: Int) { self.height = height }

    /// Of the ink's box.
    package var inkHeight: Int { height - 2 * (height / 16) }
    /// Paper at either end.
    package var side: Int { 3 * height / 16 }
}
