import Evaluation
import Formats
import Training

/// `history.csv`: one row per epoch, with empty fields if there was no validation.
package enum HistoryTable {
    package static func csv(_ history: TrainingHistory) -> String {
        var table = CSV(header: [
            "epoch", "learningRate", "trainingLoss", "trainingAccuracy", "validationLoss", "validationAccuracy",
            "seconds", "imagesPerSecond",
        ])
        for record in history.epochs {
            table.add(record.epoch)
            table.add(record.learningRate)
            table.add(record.trainingLoss)
            table.add(record.trainingAccuracy)
            table.add(record.validationLoss)
            table.add(record.validationAccuracy)
            table.add(record.seconds)
            table.add(record.imagesPerSecond)
            table.endLine()
        }
        return table.text
    }
}

/// `predictions.csv`: `index,label,prediction,p0,…`, one row per sample in test order, with classes by index. If
/// classes have names other than their indices, there are `labelName,predictionName` too.
///
/// A probability is the exact value of its float32, in the shortest text that parses back to it as a float64: read as
/// float64 or float32, every metric computed from the file equals the one in `metrics.json`.
package enum PredictionsTable {
    static let nameColumns = ["labelName", "predictionName"]

    /// Returns whether the classes have names other than their indices.
    static func hasNames(_ names: [String]) -> Bool { names != names.indices.map { "\($0)" } }

    package static func csv(_ predictions: Predictions) -> String {
        let k = predictions.classCount
        let hasNames = hasNames(predictions.classNames)
        var table = CSV(
            header: ["index", "label", "prediction"] + (0..<k).map { "p\($0)" } + (hasNames ? nameColumns : []),
            reservingBytes: predictions.count * (16 + 22 * k))
        for i in 0..<predictions.count {
            table.add(i)
            table.add(predictions.labels[i])
            table.add(predictions.predictedLabels[i])
            for c in 0..<k { table.add(Double(predictions.probability(i, c))) }
            if hasNames {
                for c in [predictions.labels[i], predictions.predictedLabels[i]] {
                    table.add(predictions.classNames[c])
                }
            }
            table.endLine()
        }
        return table.text
    }
}

/// `confusion_matrix.csv`: counts, with a row per true class and a column per predicted class.
package enum ConfusionMatrixTable {
    package static func csv(_ matrix: ConfusionMatrix) -> String {
        var table = CSV(header: ["true\\predicted"] + matrix.classNames)
        for (name, row) in zip(matrix.classNames, matrix.counts) {
            table.add(name)
            for count in row { table.add(count) }
            table.endLine()
        }
        return table.text
    }
}

/// `confusion_matrix_normalized.csv`: the counts as shares of the true class; the fields of a class without samples are
/// empty.
package enum NormalizedConfusionMatrixTable {
    package static func csv(_ matrix: ConfusionMatrix) -> String {
        var table = CSV(header: ["true\\predicted"] + matrix.classNames)
        for (name, row) in zip(matrix.classNames, matrix.counts) {
            table.add(name)
            let support = row.reduce(0, +)
            for count in row { table.add(support == 0 ? nil : Double(count) / Double(support)) }
            table.endLine()
        }
        return table.text
    }
}

/// `calibration.csv`: a row per bin of the reliability diagram.
package enum CalibrationTable {
    package static func csv(_ calibration: Calibration) -> String {
        var table = CSV(header: ["lower", "upper", "count", "confidence", "accuracy"])
        for bin in calibration.bins {
            table.add(bin.lower)
            table.add(bin.upper)
            table.add(bin.count)
            table.add(bin.confidence)
            table.add(bin.accuracy)
            table.endLine()
        }
        return table.text
    }
}

/// `precision_recall.csv` and `roc.csv`: the points of every class's curve in order, then the micro-averaged curve,
/// named `micro`, then the macro-averaged one, named `macro`, which has no thresholds.
package enum CurveTables {
    /// The number of points above which a precision–recall curve is written without those inside vertical lines.
    static let pointLimit = 250_000

    /// Returns `class,threshold,precision,recall` in scikit-learn's order: recall falls, and the last point of a curve,
    /// (recall 0, precision 1), has no threshold.
    package static func precisionRecall(_ evaluation: some ClassEvaluation) -> String {
        let curves = named(evaluation.precisionRecall.perClass, evaluation.precisionRecall.micro, evaluation)
            .map { ($0, $1.count > pointLimit ? $1.withoutIntermediatePoints : $1) }
        let points = curves.reduce(0) { $0 + $1.1.count }
        var table = CSV(header: ["class", "threshold", "precision", "recall"], reservingBytes: points * 64)
        for (name, curve) in curves {
            for i in 0..<curve.count {
                let point = curve[i]
                table.add(name)
                table.add(point.threshold.map(Double.init))
                table.add(point.precision)
                table.add(point.recall)
                table.endLine()
            }
        }
        for point in evaluation.precisionRecall.macro {
            table.add(averageName("macro", evaluation))
            table.add(nil as Double?)
            table.add(point.precision)
            table.add(point.recall)
            table.endLine()
        }
        return table.text
    }

    /// Returns `class,threshold,falsePositiveRate,truePositiveRate` in scikit-learn's order with its
    /// `drop_intermediate=True`: from (0, 0) at threshold `inf`. A rate is empty if it is 0/0.
    package static func roc(_ evaluation: some ClassEvaluation) -> String {
        var table = CSV(header: ["class", "threshold", "falsePositiveRate", "truePositiveRate"])
        for (name, curve) in named(evaluation.roc.perClass, evaluation.roc.micro, evaluation) {
            for i in 0..<curve.count {
                let point = curve[i]
                table.add(name)
                table.add(Double(point.threshold))
                table.add(point.falsePositiveRate)
                table.add(point.truePositiveRate)
                table.endLine()
            }
        }
        for point in evaluation.roc.macro {
            table.add(averageName("macro", evaluation))
            table.add(nil as Double?)
            table.add(point.falsePositiveRate)
            table.add(point.truePositiveRate)
            table.endLine()
        }
        return table.text
    }

    private static func named<Curve>(
        _ perClass: [Curve], _ micro: Curve, _ evaluation: some ClassEvaluation
    ) -> [(String, Curve)] {
        Array(zip(evaluation.names, perClass)) + [(averageName("micro", evaluation), micro)]
    }

    /// Returns the name of an average over the classes, different from that of every class.
    private static func averageName(_ name: String, _ evaluation: some ClassEvaluation) -> String {
        evaluation.names.contains(name) ? name + " (average)" : name
    }
}
