import Foundation

/// An SVG picture under construction. Text and attributes are escaped, and the same calls produce the same bytes.
///
/// Colours are presentation attributes for a light page, which a style sheet overrides for readers who prefer a dark
/// one. Viewers without style sheets show the light picture on its own background. The picture has no ids, so several
/// can share one HTML page.
package struct SVGDocument: Sendable {
    package let width: Double
    package let height: Double
    package let title: String
    private var body = ""

    /// - Parameter paper: whether the picture has its own background; a panel shows the one it is placed on.
    package init(width: Double, height: Double, title: String, paper: Bool = true) {
        self.width = width
        self.height = height
        self.title = title
        if paper { rectangle(x: 0, y: 0, width: width, height: height, paint: .paper) }
    }

    private var size: String { "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\"" }
    private var box: String { "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\"" }

    /// The complete SVG file.
    package var text: String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" \(size) \(box) role="img" \
        font-family="system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif">
        <title>\(Self.escaped(title))</title>
        <style>\(Paint.darkStyleSheet)</style>
        \(body)</svg>

        """
    }

    /// The picture as part of an HTML page, which provides the style sheet
    /// (``Paint/darkStyleSheet``) and the font. On a narrow page, a picture wider than `flowingWidth` shrinks to three
    /// quarters of its width at most; its container then scrolls.
    package var inline: String {
        let least = width > Self.flowingWidth ? " style=\"min-width:\(Self.number((width * 0.75).rounded()))px\"" : ""
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) \(box)\(least) role=\"img\" "
            + "aria-label=\"\(Self.escaped(title))\">\n\(body)</svg>"
    }

    /// The width up to which a picture may shrink as far as the page requires.
    package static let flowingWidth = 560.0

    /// Adds another picture's content with its upper-left corner at (x, y).
    package mutating func add(_ panel: SVGDocument, x: Double, y: Double) {
        body +=
            "<svg x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" \(panel.size) \(panel.box)>\n\(panel.body)</svg>\n"
    }

    /// Adds an image of few pixels, drawing each as a square.
    package mutating func image(
        _ png: Data, x: Double, y: Double, width: Double, height: Double, tooltip: String? = nil
    ) {
        let n = Self.number
        element(
            "image",
            "x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\" preserveAspectRatio=\"none\" "
                + "image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" "
                + "href=\"data:image/png;base64,\(png.base64EncodedString())\"",
            tooltip: tooltip)
    }

    /// Formats a coordinate with at most two decimals, no trailing zeros, no exponent and never as `-0`.
    package static func number(_ value: Double) -> String {
        precondition(value.isFinite && abs(value) < 1e9, "SVGDocument: \(value) is no coordinate")
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let sign = hundredths < 0 ? "-" : ""
        if rest == 0 { return sign + String(whole) }
        return sign + String(whole) + (rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)")
    }

    /// Returns text that is safe between tags and in quoted attributes: markup is escaped, and characters that XML 1.0
    /// forbids are replaced by U+FFFD.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x26: result += "&amp;"
            case 0x3C: result += "&lt;"
            case 0x3E: result += "&gt;"
            case 0x22: result += "&quot;"
            case 0x27: result += "&#39;"
            case 0x09, 0x0A, 0x0D: result += " "
            case 0x00..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF: result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Adds one element. Numbers in the attributes must be formatted by `number`.
    private mutating func element(_ name: String, _ attributes: String, tooltip: String? = nil) {
        body += "<\(name) \(attributes)"
        if let tooltip {
            body += "><title>\(Self.escaped(tooltip))</title></\(name)>\n"
        } else {
            body += "/>\n"
        }
    }

    package mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, paint: Paint, outline: Stroke? = nil,
        tooltip: String? = nil
    ) {
        let n = Self.number
        element(
            "rect",
            "x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\" \(paint.fill(outline))",
            tooltip: tooltip)
    }

    package mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ stroke: Stroke) {
        let n = Self.number
        element("line", "x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" \(stroke.attributes)")
    }

    package mutating func circle(_ x: Double, _ y: Double, radius: Double, paint: Paint, tooltip: String? = nil) {
        let n = Self.number
        element("circle", "cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(radius))\" \(paint.fill(nil))", tooltip: tooltip)
    }

    /// Draws a line along `data`, the value of a path's `d` attribute.
    package mutating func path(_ data: String, _ stroke: Stroke, tooltip: String? = nil) {
        guard !data.isEmpty else { return }
        element("path", "d=\"\(data)\" fill=\"none\" stroke-linejoin=\"round\" \(stroke.attributes)", tooltip: tooltip)
    }

    package enum Anchor: String { case start, middle, end }

    /// Draws one line of text with its baseline at `y`, rotated by `rotation` degrees about (x, y).
    package mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 12, anchor: Anchor = .start, paint: Paint = .ink,
        bold: Bool = false, rotation: Double = 0
    ) {
        let n = Self.number
        var attributes = "x=\"\(n(x))\" y=\"\(n(y))\" font-size=\"\(n(size))\" \(paint.fill(nil))"
        if anchor != .start { attributes += " text-anchor=\"\(anchor.rawValue)\"" }
        if bold { attributes += " font-weight=\"600\"" }
        if rotation != 0 { attributes += " transform=\"rotate(\(n(rotation)) \(n(x)) \(n(y)))\"" }
        body += "<text \(attributes)>\(Self.escaped(text))</text>\n"
    }

    /// Runs `draw` with its output clipped to the rectangle.
    package mutating func clipped(
        x: Double, y: Double, width: Double, height: Double, _ draw: (inout SVGDocument) -> Void
    ) {
        // A nested `svg` element clips at its edges and, unlike a clip path, needs no id.
        let box = [x, y, width, height].map(Self.number)
        body +=
            "<svg x=\"\(box[0])\" y=\"\(box[1])\" width=\"\(box[2])\" height=\"\(box[3])\" "
            + "viewBox=\"\(box.joined(separator: " "))\">\n"
        draw(&self)
        body += "</svg>\n"
    }
}
