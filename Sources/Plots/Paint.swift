/// A colour identified by its role, so that it suits both light and dark pages.
package enum Paint: Hashable, Sendable {
    /// Background, text, secondary text, axes and grid lines.
    case paper, ink, muted, axis, grid
    /// No fill: only an outline is drawn.
    case none
    /// The `i`-th distinguishable colour, from 0, repeating after `seriesCount`.
    case series(Int)
    /// A data colour, the same in light and dark.
    case rgb(red: Int, green: Int, blue: Int)

    /// Okabe and Ito's palette ("Color Universal Design", 2008) without yellow and black, which are hard to see on a
    /// white or a dark page, and with a grey instead. Each colour has a lighter twin for dark pages.
    private static let palette: [(light: String, dark: String)] = [
        ("#0072b2", "#4c9be8"), ("#d55e00", "#f0762b"), ("#009e73", "#1fc294"), ("#cc79a7", "#e39cc6"),
        ("#e69f00", "#f2b533"), ("#56b4e9", "#9bd8ff"), ("#5f6368", "#c0c4ca"),
    ]
    package static var seriesCount: Int { palette.count }

    private var className: String? {
        switch self {
        case .paper: "n-paper"
        case .ink: "n-ink"
        case .muted: "n-muted"
        case .axis: "n-axis"
        case .grid: "n-grid"
        case .series(let i): "n-s\(i % Self.seriesCount)"
        case .none, .rgb: nil
        }
    }

    private var light: String {
        switch self {
        case .paper: return "#ffffff"
        case .ink: return "#1f2328"
        case .muted: return "#57606a"
        case .axis: return "#6e7781"
        case .grid: return "#e4e7eb"
        case .none: return "none"
        case .series(let i): return Self.palette[i % Self.seriesCount].light
        case .rgb(let red, let green, let blue):
            return "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// CSS rules for readers who prefer a dark page. Fills and strokes have separate classes.
    package static var darkStyleSheet: String {
        let roles: [(Paint, String)] =
            [
                (.paper, "#15181d"), (.ink, "#e6e9ed"), (.muted, "#a4acb6"), (.axis, "#8b949e"), (.grid, "#2d333b"),
            ] + palette.indices.map { (.series($0), palette[$0].dark) }
        let rules = roles.map { paint, colour in
            let name = paint.className ?? ""
            return ".\(name){fill:\(colour)}.\(name)-l{stroke:\(colour)}"
        }
        return "@media screen and (prefers-color-scheme:dark){" + rules.joined() + "}"
    }

    /// Returns the attributes of a filled mark, with or without an outline.
    package func fill(_ outline: Stroke?) -> String {
        let classes = [className, outline.flatMap(\.paint.className).map { $0 + "-l" }].compactMap { $0 }
        var attributes = "fill=\"\(light)\""
        if let outline { attributes += " " + outline.presentation }
        if !classes.isEmpty { attributes += " class=\"\(classes.joined(separator: " "))\"" }
        return attributes
    }

    fileprivate var strokeAttributes: (colour: String, name: String?) { (light, className.map { $0 + "-l" }) }
}

/// The way a line is drawn.
package struct Stroke: Hashable, Sendable {
    package var paint: Paint
    package var width = 1.0
    /// The lengths of dashes and gaps; empty for a solid line.
    package var dashes: [Double] = []
    /// Whether the line caps are round; a line of length zero is then a dot.
    package var isRound = false

    package init(paint: Paint, width: Double = 1, dashes: [Double] = [], isRound: Bool = false) {
        (self.paint, self.width, self.dashes, self.isRound) = (paint, width, dashes, isRound)
    }

    /// The attributes without the class.
    fileprivate var presentation: String {
        var text = "stroke=\"\(paint.strokeAttributes.colour)\""
        if width != 1 { text += " stroke-width=\"\(SVGDocument.number(width))\"" }
        if !dashes.isEmpty {
            text += " stroke-dasharray=\"\(dashes.map(SVGDocument.number).joined(separator: " "))\""
        }
        if isRound { text += " stroke-linecap=\"round\"" }
        return text
    }

    package var attributes: String {
        presentation + (paint.strokeAttributes.name.map { " class=\"\($0)\"" } ?? "")
    }

    /// Returns the stroke of the `i`-th of many lines in one plot, varying the colour first, then the dashes.
    package static func series(_ i: Int) -> Stroke {
        let patterns: [[Double]] = [[], [7, 3], [2, 2], [8, 2, 2, 2]]
        return Stroke(
            paint: .series(i), width: 1.8, dashes: patterns[i / Paint.seriesCount % patterns.count])
    }
}

/// A scale from light to dark blue for fractions from 0 to 1 (ColorBrewer's "Blues", Harrower and Brewer 2003): one
/// hue, so that lightness alone carries the value.
package enum SequentialColour {
    private static let stops: [(Double, Double, Double)] = [
        (247, 251, 255), (222, 235, 247), (198, 219, 239), (158, 202, 225), (107, 174, 214), (66, 146, 198),
        (33, 113, 181), (8, 81, 156), (8, 48, 107),
    ]

    package static func paint(_ share: Double) -> Paint {
        let position = min(max(share, 0), 1) * Double(stops.count - 1)
        let i = min(Int(position), stops.count - 2)
        let t = position - Double(i)
        let (a, b) = (stops[i], stops[i + 1])
        func mix(_ x: Double, _ y: Double) -> Int { Int((x + (y - x) * t).rounded()) }
        return .rgb(red: mix(a.0, b.0), green: mix(a.1, b.1), blue: mix(a.2, b.2))
    }

    /// Returns the colour of text on that background.
    package static func text(on share: Double) -> Paint {
        share > 0.55 ? .rgb(red: 255, green: 255, blue: 255) : .rgb(red: 31, green: 35, blue: 40)
    }
}

/// A scale from orange over white to blue for weights from −1 to 1 (the ends of ColorBrewer's "PuOr" and "RdBu",
/// Harrower and Brewer 2003), distinguishable with every common kind of colour vision.
package enum DivergingColour {
    private static let negative = (179.0, 88.0, 6.0), positive = (5.0, 48.0, 97.0), middle = (247.0, 247.0, 247.0)

    /// Returns the red, green and blue components.
    package static func components(_ weight: Double) -> [UInt8] {
        let end = weight < 0 ? negative : positive
        // The square root makes small weights visible.
        let t = min(abs(weight), 1).squareRoot()
        func mix(_ a: Double, _ b: Double) -> UInt8 { UInt8((a + (b - a) * t).rounded()) }
        return [mix(middle.0, end.0), mix(middle.1, end.1), mix(middle.2, end.2)]
    }

    package static func paint(_ weight: Double) -> Paint {
        let rgb = components(weight)
        return .rgb(red: Int(rgb[0]), green: Int(rgb[1]), blue: Int(rgb[2]))
    }
}
