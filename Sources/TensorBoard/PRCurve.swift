import Evaluation
import Foundation
import Tensors

/// Precision–recall curves in the format of TensorBoard's plugin: a tensor `[6, T]` of true positives, false positives,
/// true negatives, false negatives, precision and recall at the thresholds i/(T − 1). A score counts as positive if it
/// is at least the threshold. Where precision or recall is undefined it is 0, the plugin's convention.
enum PRCurve {
    static let thresholds = 101

    /// Returns a curve for each class, tagged `test/<class>/pr_curves`.
    static func values(_ predictions: Predictions) throws(OperationError) -> [Tensorboard_Summary.Value] {
        var plugin = Tensorboard_PrCurvePluginData()
        plugin.numThresholds = UInt32(thresholds)
        let content = Data(try TensorBoardLog.bytes(plugin))
        return predictions.classNames.enumerated().map { c, name in
            var value = Tensorboard_Summary.Value()
            value.tag = "test/\(name)/pr_curves"
            value.metadata.displayName = "class \(name)"
            value.metadata.pluginData.pluginName = "pr_curves"
            value.metadata.pluginData.content = content
            value.tensor = tensor(table(predictions, class: c))
            return value
        }
    }

    /// Returns the rows of the tensor.
    static func table(_ predictions: Predictions, class c: Int) -> [[Float]] {
        // For each threshold, the number of scores that reach it but not the next.
        var positives = [Int](repeating: 0, count: thresholds)
        var negatives = positives
        for (i, label) in predictions.labels.enumerated() {
            let bin = Int(Double(predictions.probability(i, c)) * Double(thresholds - 1))
            if label == c { positives[bin] += 1 } else { negatives[bin] += 1 }
        }
        let (allPositives, allNegatives) = (positives.reduce(0, +), negatives.reduce(0, +))
        var rows = [[Float]](repeating: [Float](repeating: 0, count: thresholds), count: 6)
        var (tp, fp) = (0, 0)
        for t in (0..<thresholds).reversed() {
            tp += positives[t]
            fp += negatives[t]
            let column = [
                Double(tp), Double(fp), Double(allNegatives - fp), Double(allPositives - tp),
                tp + fp == 0 ? 0 : Double(tp) / Double(tp + fp),
                allPositives == 0 ? 0 : Double(tp) / Double(allPositives),
            ]
            for (row, value) in column.enumerated() { rows[row][t] = Float(value) }
        }
        return rows
    }

    private static func tensor(_ rows: [[Float]]) -> Tensorboard_TensorProto {
        var tensor = Tensorboard_TensorProto()
        tensor.dtype = .dtFloat
        tensor.tensorShape.dim = [rows.count, thresholds].map { extent in
            var dimension = Tensorboard_TensorShapeProto.Dim()
            dimension.size = Int64(extent)
            return dimension
        }
        tensor.tensorContent = Data(
            rows.joined().flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
        return tensor
    }
}
