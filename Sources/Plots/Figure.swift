import Formats

/// A picture of one or several panels.
///
/// Its file shows the panels in rows under a title; the report places each by itself, so that they flow on a narrow page.
package struct Figure: Sendable {
    package var title: String
    /// What it is taken from, and the figures that matter, on one line.
    package var subtitle: String
    package var panels: [SVGDocument]

    private static let margin = 20.0
    private static let gap = 24.0
    /// A row of panels is not made wider than this.
    private static let rowWidth = 1210.0

    package init(title: String, subtitle: String, panels: [SVGDocument]) {
        self.title = title
        self.subtitle = subtitle
        self.panels = panels
    }

    /// The figure as a file of its own.
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

    /// About how wide `text` is in a sans-serif face.
    package static func width(of text: String, size: Double) -> Double { Double(Text.columns(text)) * size * 0.56 }
}
