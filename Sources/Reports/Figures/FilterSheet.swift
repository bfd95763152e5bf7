import Formats
import Foundation
import NeuralNetwork
import Pictures
import Plots
import Tensors

/// The kernels of the convolution that takes the images as input, as pictures.
package struct FilterSheet: Sendable {
    /// The maximum number of kernels shown.
    static let shownLimit = 128
    private static let side = 48.0

    private let layer: String
    /// The weights, `[kH, kW, C, F]`.
    private let values: [Float]
    private let height: Int
    private let width: Int
    private let channels: Int
    private let count: Int
    private let pictures: [Data]

    /// Returns nil if no convolution takes the images as input, or if the images have neither one nor three channels.
    ///
    /// - Parameter parameters: the network's flat buffer.
    /// - Throws: `OperationError` if a picture cannot be encoded.
    package init?(_ graph: ResolvedGraph, parameters: AlignedBuffer<Float>) throws(OperationError) {
        let first = graph.nodes.first { $0.inputs == [-1] && $0.parameters.first?.shape.count == 4 }
        guard let first, let kernel = first.parameters.first, [1, 3].contains(graph.inputShape.channels) else {
            return nil
        }
        layer = first.name
        let values = kernel.range.map { parameters[$0] }
        let (height, width, channels, count) = (kernel.shape[0], kernel.shape[1], kernel.shape[2], kernel.shape[3])
        let largest = values.map(abs).max() ?? 0
        var pictures: [Data] = []
        for f in 0..<min(count, Self.shownLimit) {
            var pixels: [UInt8] = []
            for i in 0..<(height * width) {
                let weights = (0..<channels).map { c -> Double in
                    largest > 0 ? Double(values[(i * channels + c) * count + f] / largest) : 0
                }
                pixels +=
                    channels == 1
                    ? DivergingColour.components(weights[0])
                    : weights.map { UInt8((127.5 + 127.5 * $0).rounded()) }
            }
            pictures.append(try PNG(width: width, height: height, colour: .rgb, pixels: pixels).encoded())
        }
        (self.values, self.height, self.width, self.channels, self.count) = (values, height, width, channels, count)
        self.pictures = pictures
    }

    private var largest: Double { Double(values.map(abs).max() ?? 0) }

    /// `filters.csv`: a row per weight with `filter,row,column,channel,weight`, all indices from 0.
    package var csv: String {
        var table = CSV(header: ["filter", "row", "column", "channel", "weight"])
        for f in 0..<count {
            for i in 0..<(height * width) {
                for c in 0..<channels {
                    table.add(f)
                    table.add(i / width)
                    table.add(i % width)
                    table.add(c)
                    table.add(Double(values[(i * channels + c) * count + f]))
                    table.endLine()
                }
            }
        }
        return table.text
    }

    /// `filters.svg`.
    package var figure: Figure {
        let columns = 8
        let pitch = Self.side + 8
        let rows = (pictures.count + columns - 1) / columns
        let barTop = 8 + Double(rows) * (pitch + 12) + 8
        var panel = SVGDocument(
            width: pitch * Double(columns) + 12, height: barTop + (channels == 1 ? 36 : 20),
            title: "Kernels of \(layer)", paper: false)
        for (f, picture) in pictures.enumerated() {
            let (x, y) = (6 + Double(f % columns) * pitch, 8 + Double(f / columns) * (pitch + 12))
            panel.image(picture, x: x, y: y, width: Self.side, height: Self.side, tooltip: "filter \(f)")
            panel.text("\(f)", x: x + Self.side / 2, y: y + Self.side + 13, size: 11, anchor: .middle, paint: .muted)
        }
        if channels == 1 {
            drawColourBar(top: barTop, &panel)
        } else {
            panel.text("Grey is zero; each channel its own colour", x: 6, y: barTop + 12, size: 11, paint: .muted)
        }
        let shown = pictures.count < count ? ", the first \(pictures.count) shown" : ""
        return Figure(
            title: "First-layer filters",
            subtitle: "\(Text.name(layer, limit: 30)): \(count) of \(height)×\(width), one scale for all, "
                + "±\(Text.fixed(largest, 3))\(shown)", panels: [panel])
    }

    private func drawColourBar(top: Double, _ panel: inout SVGDocument) {
        let steps = 41
        for i in 0..<steps {
            panel.rectangle(
                x: 6 + Double(i) * 6, y: top, width: 6.5, height: 10,
                paint: DivergingColour.paint(2 * Double(i) / Double(steps - 1) - 1))
        }
        for (share, anchor) in [(-1.0, SVGDocument.Anchor.start), (0, .middle), (1, .end)] {
            panel.text(
                Text.fixed(share * largest, 2), x: 6 + (share + 1) / 2 * Double(steps) * 6, y: top + 25, size: 11,
                anchor: anchor, paint: .muted)
        }
        panel.text("weight", x: 6 + Double(steps) * 6 + 12, y: top + 10, size: 11, paint: .muted)
    }
}
