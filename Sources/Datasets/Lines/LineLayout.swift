import Foundation
import Pictures
import Tensors

/// The positions of the characters of a composed line, in units of the characters' own pixels until the line is scaled.
struct LineLayout {
    /// A character, rotated and scaled, relative to its own centre.
    struct Character {
        var image = 0
        /// The bounding box of the ink.
        var low: SIMD2<Float>
        var high: SIMD2<Float>
        /// The map from the line to the picture: the rows of a matrix.
        var inverse: (Float, Float, Float, Float)
        /// Displacements along both axes, by position (u, v) in the picture, −1…1: `a·u² + b·u·v + c·v²`.
        var bend: (x: SIMD3<Float>, y: SIMD3<Float>)
        /// The position of its centre.
        var offset = SIMD2<Float>()
    }

    /// The spacing of characters.
    private enum Spacing {
        /// Gaps between ink, from the smallest to the largest.
        case gaps(ClosedRange<Float>)
        /// Boxes of this width.
        case boxes(Float)
    }

    let height: Int
    let width: Int
    private(set) var characters: [Character] = []
    /// Whether overlapping ink adds up.
    let addsUp: Bool
    private let options: LineOptions
    /// The nominal character height H, in the characters' pixels.
    private let nominal: Float
    private let slant: Float
    private let slope: Float
    private let spacing: Spacing
    /// Whether characters are scaled to equal height before their sizes vary, and stand on the baseline.
    private let isEven: Bool
    private let stretch: Float
    /// The largest share of the height that the ink takes, and the share of the rest that is above it.
    private let fill: Float
    private let above: Float
    private var low = SIMD2<Float>(), high = SIMD2<Float>()

    init(options: LineOptions, height: Int, width: Int, stream: inout RandomStream) {
        (self.options, self.height, self.width) = (options, height, width)
        nominal = 20
        slant = stream.uniform(in: -options.slant...options.slant)
        slope = stream.uniform(in: -options.slope...options.slope)
        isEven = stream.uniform() < 0.6
        addsUp = stream.uniform() < 0.5
        stretch = exp(stream.uniform(in: -0.15...0.15))
        let kind = stream.uniform(), extent = stream.uniform()
        if kind < options.touching {
            spacing = .gaps(-options.overlap * nominal...0.04 * nominal)
        } else if kind < options.touching + (1 - options.touching) * 0.3 {
            spacing = .boxes((0.9 + max(0, options.gap - 0.1) * extent) * nominal)
        } else {
            let most = options.gap * nominal * extent * extent
            spacing = .gaps(0...max(most, 0.1 * nominal))
        }
        let isLoose = stream.uniform() < options.remnants * 0.5
        fill = isLoose ? stream.uniform(in: 0.8...1) : 1
        above = stream.uniform()
    }

    /// Shapes the character whose ink pixels, relative to its centre, are `points`.
    func shape(_ points: [SIMD2<Float>], _ stream: inout RandomStream) -> Character {
        let angle = stream.uniform(in: -options.rotation...options.rotation) * .pi / 180
        var size = exp(stream.uniform(in: -options.size...options.size))
        let lean = slant + stream.uniform(in: -0.05...0.05), (s, c) = (sin(angle), cos(angle))
        // Slant, then rotation: `x' = c·(x − lean·y) − s·y`.
        let (a, b, d, e) = (c * stretch, -c * lean - s, s * stretch, -s * lean + c)
        func mapped(_ p: SIMD2<Float>) -> SIMD2<Float> { SIMD2(a * p.x + b * p.y, d * p.x + e * p.y) }
        var low = mapped(points[0]), high = low
        for point in points {
            let p = mapped(point)
            low = pointwiseMin(low, p)
            high = pointwiseMax(high, p)
        }
        if isEven { size *= min(nominal / max(high.y - low.y + 1, 1), 1.5) }
        let determinant = (a * e - b * d) * size, most = options.distortion
        var bend = [SIMD3<Float>(), SIMD3<Float>()]
        for axis in 0..<2 { for k in 0..<3 { bend[axis][k] = stream.uniform(in: -most...most) } }
        return Character(
            low: (low - 0.5) * size, high: (high + 0.5) * size,
            inverse: (e / determinant, -b / determinant, -d / determinant, a / determinant), bend: (bend[0], bend[1]))
    }

    /// Appends `character` and returns true, unless the line would become too wide.
    mutating func add(_ character: Character, image: Int, _ stream: inout RandomStream) -> Bool {
        var character = character
        character.image = image
        let extent = character.high - character.low
        let last = characters.last
        let left: Float
        switch spacing {
        case .gaps(let range):
            let gap = stream.uniform(in: range)
            // Narrow characters must not vanish in one another.
            let narrowest = min(extent.x, last.map { $0.high.x - $0.low.x } ?? extent.x)
            left = last.map { $0.high.x + $0.offset.x + max(gap, -0.4 * narrowest) } ?? 0
        case .boxes(let pitch):
            let jitter = stream.uniform(in: -0.08...0.08) * pitch
            let middle = (Float(characters.count) + 0.5) * pitch + jitter - extent.x / 2
            left = last.map { max(middle, $0.high.x + $0.offset.x - 0.1 * nominal) } ?? middle
        }
        let jitter = stream.uniform(in: -options.baseline...options.baseline) * nominal
        let bottom = isEven ? jitter : jitter + extent.y / 2 - nominal / 2
        character.offset = SIMD2(
            left - character.low.x, bottom - slope * (left + extent.x / 2) - character.high.y)
        let from = character.low + character.offset, to = character.high + character.offset
        let wider = (
            low: last == nil ? from : pointwiseMin(low, from), high: last == nil ? to : pointwiseMax(high, to)
        )
        let scale = Self.scale(wider.high.y - wider.low.y, height, fill)
        guard last == nil || (wider.high.x - wider.low.x) * scale + 2 * side <= Float(width) else { return false }
        (low, high) = wider
        characters.append(character)
        return true
    }

    private var side: Float { Float(LineFrame(height: height).side) }

    private static func scale(_ ink: Float, _ height: Int, _ fill: Float) -> Float {
        Float(LineFrame(height: height).inkHeight) * fill / max(ink, 1)
    }

    /// The scale from the line's units to pixels: `pixel = unit·scale + origin`.
    var scale: Float {
        let fitting = (Float(width) - 2 * side) / max(high.x - low.x, 1)
        return min(Self.scale(high.y - low.y, height, fill), fitting)
    }

    var origin: SIMD2<Float> {
        let frame = LineFrame(height: height), ink = (high.y - low.y) * scale
        let top = Float(height - frame.inkHeight) / 2 + (Float(frame.inkHeight) - ink) * above
        return SIMD2(side - low.x * scale - 0.5, top - low.y * scale - 0.5)
    }

    /// The columns with ink, and the boundaries between characters.
    var content: (columns: ClosedRange<Float>, edges: [Float]) {
        let edges = zip(characters, characters.dropFirst()).map { a, b in
            ((a.high.x + a.offset.x + b.low.x + b.offset.x) / 2) * scale + origin.x
        }
        return (low.x * scale + origin.x...max(high.x, low.x) * scale + origin.x, edges)
    }
}
