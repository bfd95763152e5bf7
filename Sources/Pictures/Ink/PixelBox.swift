/// A rectangle of pixels.
package struct PixelBox: Hashable, Sendable, Codable {
    /// The leftmost column.
    package var x: Int
    /// The uppermost row.
    package var y: Int
    package var width: Int
    package var height: Int

    package init(x: Int, y: Int, width: Int, height: Int) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    /// Creates the smallest box that contains these columns and rows; nil if they are not finite, empty or far outside
    /// any picture.
    package init?(columns: (from: Double, to: Double), rows: (from: Double, to: Double)) {
        let (left, right) = (columns.from.rounded(.down), columns.to.rounded(.up))
        let (top, bottom) = (rows.from.rounded(.down), rows.to.rounded(.up))
        let farthest = 1e6
        guard [left, right, top, bottom].allSatisfy({ abs($0) <= farthest }), left < right, top < bottom else {
            return nil
        }
        self.init(x: Int(left), y: Int(top), width: Int(right - left), height: Int(bottom - top))
    }

    /// The first column to the right of it.
    package var right: Int { x + width }
    /// The first row below it.
    package var bottom: Int { y + height }
    package var centerX: Double { Double(x) + Double(width) / 2 }
    package var centerY: Double { Double(y) + Double(height) / 2 }

    /// Returns the smallest box that contains both.
    package func union(_ other: PixelBox) -> PixelBox {
        let (left, top) = (min(x, other.x), min(y, other.y))
        return PixelBox(
            x: left, y: top, width: max(right, other.right) - left, height: max(bottom, other.bottom) - top)
    }

    /// Returns the number of columns shared by both; negative if there is a gap between them.
    package func columnsShared(_ other: PixelBox) -> Int { min(right, other.right) - max(x, other.x) }
    /// Returns the number of rows shared by both; negative if there is a gap between them.
    package func rowsShared(_ other: PixelBox) -> Int { min(bottom, other.bottom) - max(y, other.y) }

    package func contains(_ other: PixelBox) -> Bool {
        x <= other.x && y <= other.y && right >= other.right && bottom >= other.bottom
    }

    /// Returns the same rectangle in a picture of `factor` times the resolution, `width`×`height` pixels.
    package func scaled(_ factor: Int, width: Int, height: Int) -> PixelBox {
        let (left, top) = (min(x * factor, width - 1), min(y * factor, height - 1))
        return PixelBox(
            x: left, y: top, width: max(1, min(right * factor, width) - left),
            height: max(1, min(bottom * factor, height) - top))
    }
}
