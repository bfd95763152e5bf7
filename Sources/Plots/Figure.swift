import Formats

/// A picture of one or several panels.
///
/// The SVG file shows the panels in rows under a title; a report places each panel separately, so that they reflow on a
/// narrow page.
package struct Figure: Sendable {
    package var title: String
    /// The source of the data and the key figures, on one line.
    package var subtitle: String
    package var panels: [SVGDocument]

    private static let margin = 20.0
    private static let gap = 24.0
    /// The width at which a row of panels wraps.
    private static let rowWidth = 1210.0

    package init(title: String, subtitle: String, panels: [SVGDocument]) {
        self.title = title
        self.subtitle = subtitle
        self.panels = panels
    }

    /// The figure as a standalone SVG file.
    package var svg: String {
        var places: [(panel: SVGDocument, x: Double, y: Double)] = []
        var x = Self.margin, y = 66.0, rowHeight = 0.0, widest = 0.0
        for panel in panels {
            if x > Self.margin && x + panel.width > Self.rowWidth {
                (x, y, rowHeight) = (Self.margin, y + rowHeight + Self.gap, 0)
            }
            places.append((panel, x, y))
            x += panel.width + Self.gap
            rowHeight = max(rowHeight, panel.height)
            widest = max(widest, x - Self.gap)
        }
        let words = max(Self.width(of: title, size: 17), Self.width(of: subtitle, size: 12)) + Self.margin
        var picture = SVGDocument(
            width: (max(widest, words) + Self.margin).rounded(.up), height: y + rowHeight + Self.margin / 2,
            title: title)
        picture.text(title, x: Self.margin, y: 28, size: 17, bold: true)
        picture.text(subtitle, x: Self.margin, y: 48, paint: .muted)
        for place in places { picture.add(place.panel, x: place.x, y: place.y) }
        return picture.text
    }

    /// Returns the approximate width of `text` in a sans-serif typeface.
    package static func width(of text: String, size: Double) -> Double { Double(Text.columns(text)) * size * 0.56 }
}
