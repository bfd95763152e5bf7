import Datasets
import Evaluation
import Formats
import Foundation
import Plots
import Tensors

/// The misclassified test images, hardest first: those with the lowest probability of the true class.
package struct Mistakes: Sendable {
    /// The maximum number of pictures on a sheet.
    static let shownLimit = 40
    private static let side = 72.0

    private let evaluation: EvaluationSummary
    /// The indices of the samples, hardest first; ties are in order of the index.
    let indices: [Int]
    private let pictures: [Data]

    /// - Parameter images: the samples, in the order of the predictions.
    /// - Throws: `OperationError` if a picture cannot be encoded.
    package init(_ evaluation: EvaluationSummary, images: ImageSet) throws(OperationError) {
        let predictions = evaluation.predictions
        precondition(images.count == predictions.count, "Mistakes: images of another test set")
        self.evaluation = evaluation
        indices = predictions.labels.indices.filter { predictions.predictedLabels[$0] != predictions.labels[$0] }
            .sorted { (Self.truth(predictions, $0), $0) < (Self.truth(predictions, $1), $1) }
        var pictures: [Data] = []
        for index in indices.prefix(Self.shownLimit) { pictures.append(try images.png(index)) }
        self.pictures = pictures
    }

    private static func truth(_ predictions: Predictions, _ i: Int) -> Float {
        predictions.probability(i, predictions.labels[i])
    }

    /// `mistakes.csv`: a row per mistake, hardest first, with `index` as in `predictions.csv`, the classes by index,
    /// and the probabilities of the predicted and the true class.
    package var csv: String {
        let predictions = evaluation.predictions
        let hasNames = PredictionsTable.hasNames(predictions.classNames)
        var table = CSV(
            header: ["index", "label", "prediction", "probability", "trueProbability"]
                + (hasNames ? PredictionsTable.nameColumns : []))
        for i in indices {
            table.add(i)
            table.add(predictions.labels[i])
            table.add(predictions.predictedLabels[i])
            table.add(Double(predictions.confidence(i)))
            table.add(Double(Self.truth(predictions, i)))
            if hasNames {
                for c in [predictions.labels[i], predictions.predictedLabels[i]] {
                    table.add(predictions.classNames[c])
                }
            }
            table.endLine()
        }
        return table.text
    }

    /// `mistakes.svg`.
    package var figure: Figure {
        let predictions = evaluation.predictions
        let total = "\(Text.grouped(indices.count)) of \(Text.samples(predictions.count))"
        let longest = predictions.classNames.map(Text.columns).max() ?? 1
        let (width, limit) = longest <= 3 ? (82.0, 3) : (118.0, 11)
        let panels = zip(indices, pictures).map { index, picture in
            let (label, predicted) = (predictions.labels[index], predictions.predictedLabels[index])
            let (truth, read) = (predictions.classNames[label], predictions.classNames[predicted])
            let confidence = Text.percent(Double(predictions.confidence(index)), 1)
            var panel = SVGDocument(
                width: width, height: Self.side + 54,
                title: "Test image \(index): true \(truth), predicted \(read) with \(confidence)", paper: false)
            panel.image(
                picture, x: (width - Self.side) / 2, y: 2, width: Self.side, height: Self.side,
                tooltip: "test image \(index): true \(truth) "
                    + "(\(Text.percent(Double(Self.truth(predictions, index))))), predicted \(read) (\(confidence))")
            panel.text(
                "true \(Text.name(truth, limit: limit))", x: width / 2, y: Self.side + 18, anchor: .middle, bold: true)
            panel.text("read \(Text.name(read, limit: limit))", x: width / 2, y: Self.side + 33, anchor: .middle)
            panel.text(confidence, x: width / 2, y: Self.side + 48, anchor: .middle, paint: .muted)
            return panel
        }
        let shown = indices.count > panels.count ? ", the hardest \(panels.count)" : ""
        return Figure(
            title: "Hardest mistakes",
            subtitle: indices.isEmpty
                ? "none: all of \(Text.samples(predictions.count)) right"
                : "\(total) wrong\(shown): lowest probability of the true class first",
            panels: panels)
    }
}
