/// A solid piece of ink measured as a straight bar, such as a printed rule, a separator or a 1.
struct StraightBar {
    var box: PixelBox
    /// The sides of the ``Oblong``, in pixels.
    var length: Double
    var thickness: Double
    /// The angle between the bar and the horizontal, from 0 to π/2 (upright), in radians.
    var steepness: Double

    /// The share of its oblong that a solid piece fills: what bends or branches has a thicker one. Of a hair of less than
    /// two pixels there may be so much missing of its thickness, in pixels.
    private static let (leastFill, mostMissing) = (0.75, 0.75)

    /// Whether it is a bar rather than a block or a dot.
    var isLong: Bool { length >= 4 * thickness }
    var isHorizontal: Bool { isLong && steepness < .pi / 12 }
    var isUpright: Bool { steepness > .pi / 2 - .pi / 12 }

    /// Returns, for each component, its bar; nil where it is no solid piece.
    static func bars(of components: InkComponents) -> [StraightBar?] {
        zip(components.oblongs, components.components).map { oblong, component in
            let sides = oblong.sides
            guard oblong.fill >= min(leastFill, 1 - mostMissing / sides.thickness) else { return nil }
            return StraightBar(
                box: component.box, length: sides.length, thickness: sides.thickness, steepness: oblong.steepness)
        }
    }
}
