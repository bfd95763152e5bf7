import Datasets
import Evaluation
import Formats
import Kernels
import LinearAlgebra
import Plots
import Tensors
import Training

/// A map of the test images by a network's last features, projected onto the two directions of largest variance.
package struct EmbeddingMap: Sendable {
    /// The maximum number of floats that the features may take; of larger sets, evenly spaced samples are mapped.
    private static let floatLimit = 1 << 25
    private static let side = 480.0

    private let predictions: Predictions
    private let layer: String
    /// The indices of the mapped samples.
    let samples: [Int]
    /// The samples' positions, `[samples, 2]`.
    let coordinates: [Float]
    /// The share of the total variance along each axis.
    let shares: [Double]

    /// - Parameter images: the samples, in the order of the predictions.
    /// - Throws: `OperationError` if LAPACK fails, as it does for features that are not finite.
    package init(
        _ evaluation: EvaluationSummary, images: ImageSet, extractor: FeatureExtractor
    ) throws(OperationError) {
        predictions = evaluation.predictions
        layer = extractor.layer
        let f = extractor.featureCount
        let most = max(1000, Self.floatLimit / f)
        let count = min(images.count, most)
        samples = (0..<count).map { $0 * images.count / count }
        let features = extractor.features(of: count == images.count ? images : images.subset(samples))
        let axes = min(2, f)
        guard let found = PrincipalAxes(centring: features, rows: count, columns: f, count: axes) else {
            throw OperationError("embedding", problem: "LAPACK found no principal axes of the features")
        }
        // A single feature has a single axis: the other coordinate is zero.
        coordinates =
            axes == 2 ? found.coordinates : found.coordinates.flatMap { [$0, 0] }
        shares = (0..<2).map {
            $0 < axes && found.totalVariance > 0 ? found.variances[$0] / found.totalVariance : 0
        }
    }

    /// `embedding.csv`: `index,label,prediction,axis1,axis2`, one row per mapped sample.
    package var csv: String {
        var table = CSV(header: ["index", "label", "prediction", "axis1", "axis2"])
        for (place, i) in samples.enumerated() {
            table.add(i)
            table.add(predictions.labels[i])
            table.add(predictions.predictedLabels[i])
            table.add(Double(coordinates[2 * place]))
            table.add(Double(coordinates[2 * place + 1]))
            table.endLine()
        }
        return table.text
    }

    /// `embedding.svg`: a dot per sample, with wrong ones crossed out, and each class's name at its centre.
    package var figure: Figure {
        let xs = samples.indices.map { Double(coordinates[2 * $0]) }
        let ys = samples.indices.map { Double(coordinates[2 * $0 + 1]) }
        var panel = SVGDocument(
            width: 556, height: Self.side + 60, title: "Test images by their features", paper: false)
        let plot = PlotArea(
            left: 64, top: 8, width: Self.side - 8, height: Self.side, x: axis("First principal axis", xs, shares[0]),
            y: axis("Second principal axis", ys, shares[1]))
        plot.drawFrame(&panel)
        var dots = [String](repeating: "", count: predictions.classCount)
        var wrong = ""
        let n = SVGDocument.number
        for (place, i) in samples.enumerated() {
            let x = plot.px(xs[place]), y = plot.py(ys[place])
            dots[predictions.labels[i]] += "M\(n(x)) \(n(y))h0"
            if predictions.predictedLabels[i] != predictions.labels[i] {
                wrong += "M\(n(x - 3)) \(n(y - 3))l6 6m0 -6l-6 6"
            }
        }
        for (c, data) in dots.enumerated() {
            let size = samples.count > 3000 ? 2.6 : 3.8
            panel.path(
                data, Stroke(paint: .series(c), width: size, isRound: true), tooltip: predictions.classNames[c])
            // Where colours repeat, rings distinguish the classes.
            if c / Paint.seriesCount % 2 == 1 {
                panel.path(
                    data, Stroke(paint: .paper, width: size * 0.4, isRound: true), tooltip: predictions.classNames[c])
            }
        }
        panel.path(wrong, Stroke(paint: .ink, width: 1.2))
        drawNames(xs, ys, plot, &panel)
        let crosses = samples.count { predictions.predictedLabels[$0] != predictions.labels[$0] }
        let part = samples.count < predictions.count ? " (evenly chosen)" : ""
        return Figure(
            title: "Test images as the network sees them",
            subtitle: "\(Text.samples(samples.count))\(part) by the features that its last layer reads "
                + "(\(Text.name(layer, limit: 24))); \(Text.grouped(crosses)) wrong ones crossed",
            panels: [panel])
    }

    private func axis(_ name: String, _ values: [Double], _ share: Double) -> PlotAxis {
        let low = values.min() ?? 0, high = values.max() ?? 0
        let room = max((high - low) * 0.03, 1e-6)
        return .linear("\(name), \(Text.percent(share, 1)) of the variance", (low - room)...(high + room), ticks: 6)
    }

    /// Draws each class's name at the mean of its samples, moving names apart that would overlap.
    private func drawNames(_ xs: [Double], _ ys: [Double], _ plot: PlotArea, _ panel: inout SVGDocument) {
        let size = predictions.classCount > 20 ? 13.0 : 15
        var labels: [NameBox] = []
        for c in 0..<predictions.classCount {
            let own = samples.indices.filter { predictions.labels[samples[$0]] == c }
            guard !own.isEmpty else { continue }
            let x = own.reduce(0.0) { $0 + xs[$1] } / Double(own.count)
            let y = own.reduce(0.0) { $0 + ys[$1] } / Double(own.count)
            let name = Text.name(predictions.classNames[c], limit: 12)
            labels.append(
                NameBox(
                    name: name, x: plot.px(x), y: plot.py(y), width: Figure.width(of: name, size: size) + 10,
                    height: size + 5, series: c))
        }
        NameBox.separate(
            &labels, inside: (plot.left + 2, plot.top + 2, plot.right - 2, plot.bottom - 2))
        for label in labels {
            panel.rectangle(
                x: label.x - label.width / 2, y: label.y - label.height / 2, width: label.width, height: label.height,
                paint: .paper, outline: Stroke(paint: .series(label.series), width: 1.4))
            panel.text(
                label.name, x: label.x, y: label.y + size * 0.36, size: size, anchor: .middle, bold: true)
        }
    }
}

/// A name in a box, positioned by its centre.
struct NameBox: Sendable {
    var name: String
    var x: Double
    var y: Double
    package var width: Double
    var height: Double
    var series: Int

    /// Moves overlapping boxes apart along the axis of smaller overlap, until none overlap or for two hundred rounds.
    static func separate(_ boxes: inout [NameBox], inside: (left: Double, top: Double, right: Double, bottom: Double)) {
        for _ in 0..<200 {
            var moved = false
            for i in boxes.indices {
                for j in 0..<i {
                    let overlapX = (boxes[i].width + boxes[j].width) / 2 + 2 - abs(boxes[i].x - boxes[j].x)
                    let overlapY = (boxes[i].height + boxes[j].height) / 2 + 2 - abs(boxes[i].y - boxes[j].y)
                    guard overlapX > 0.01 && overlapY > 0.01 else { continue }
                    moved = true
                    if overlapX < overlapY {
                        let step = (boxes[i].x < boxes[j].x ? -0.5 : 0.5) * overlapX
                        boxes[i].x += step
                        boxes[j].x -= step
                    } else {
                        let step = (boxes[i].y < boxes[j].y ? -0.5 : 0.5) * overlapY
                        boxes[i].y += step
                        boxes[j].y -= step
                    }
                }
                let halfWidth = boxes[i].width / 2, halfHeight = boxes[i].height / 2
                boxes[i].x = min(max(boxes[i].x, inside.left + halfWidth), inside.right - halfWidth)
                boxes[i].y = min(max(boxes[i].y, inside.top + halfHeight), inside.bottom - halfHeight)
            }
            if !moved { return }
        }
    }
}
