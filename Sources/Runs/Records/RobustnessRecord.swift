import Evaluation
import Formats
import Foundation
import Tensors
import Training

/// `robustness.json`: accuracy under corruptions of graded strength, with 95 % intervals (Wilson), and the area under
/// each curve.
package struct RobustnessRecord: Hashable, Sendable, Codable {
    /// The accuracy at one strength; strength 0 stands for the unmodified images.
    package struct Level: Hashable, Sendable, Codable {
        package var strength: Double
        package var correct: Int
        package var accuracy: Double
        package var interval: ConfidenceInterval

        init(strength: Double, correct: Int, count: Int) {
            self.strength = strength
            self.correct = correct
            accuracy = Double(correct) / Double(count)
            interval = .wilson(successes: correct, count: count)
        }
    }

    package struct Curve: Hashable, Sendable, Codable {
        /// The name of the corruption: `rotation`, `noise`…
        package var corruption: String
        /// `graded` or `mnistC`; absent in files of earlier versions, which contain only the graded ones.
        package var family: String?
        /// The unit of the strength.
        package var unit: String
        /// The levels in ascending order of strength, from 0.
        package var levels: [Level]
        /// The mean accuracy over strengths from 0 to the last, by the trapezoidal rule, in [0, 1].
        package var area: Double

        init(corruption: String, family: String, unit: String, levels: [Level]) {
            self.corruption = corruption
            self.family = family
            self.unit = unit
            self.levels = levels
            var sum = 0.0
            for (a, b) in zip(levels, levels.dropFirst()) {
                sum += (b.strength - a.strength) * (a.accuracy + b.accuracy) / 2
            }
            area = sum / ((levels.last?.strength ?? 1) - (levels.first?.strength ?? 0))
        }

        var isMNISTC: Bool { family == Robustness.Curve.Family.mnistC.rawValue }
    }

    package static let fileName = "robustness.json"
    static let currentFormat = "numeral-robustness-1"

    package var format: String
    package var dataset: String
    package var dataSource: MetricsRecord.DataSource
    /// The number of images.
    package var count: Int
    package var curves: [Curve]
    /// The mean of the graded curves' areas.
    package var meanArea: Double
    /// The mean of the MNIST-C curves' areas; nil if there are none.
    package var mnistCMeanArea: Double?

    package init(_ robustness: Robustness, dataset: String, dataSource: MetricsRecord.DataSource) {
        self.init(
            dataset: dataset, dataSource: dataSource, count: robustness.count,
            curves: robustness.curves.map { curve in
                Curve(
                    corruption: curve.kind.rawValue, family: curve.kind.family.rawValue, unit: curve.kind.unit,
                    levels: ([.init(strength: 0, correct: robustness.clean)] + curve.levels).map {
                        Level(strength: $0.strength, correct: $0.correct, count: robustness.count)
                    })
            })
    }

    private init(dataset: String, dataSource: MetricsRecord.DataSource, count: Int, curves: [Curve]) {
        format = Self.currentFormat
        self.dataset = dataset
        self.dataSource = dataSource
        self.count = count
        self.curves = curves
        func mean(_ areas: [Double]) -> Double? { areas.isEmpty ? nil : areas.reduce(0, +) / Double(areas.count) }
        meanArea = mean(curves.filter { !$0.isMNISTC }.map(\.area)) ?? 0
        mnistCMeanArea = mean(curves.filter(\.isMNISTC).map(\.area))
    }

    /// Reads a file, recomputing accuracies, intervals and areas from its counts.
    /// - Throws: `InputError` that names the file and what is wrong with it.
    package static func load(_ url: URL) throws(InputError) -> RobustnessRecord {
        let stored = try StoredFile.decode(RobustnessRecord.self, url)
        let place = url.relativePath
        guard stored.format == currentFormat else {
            throw InputError(
                place, expected: "format \(currentFormat)", received: "format \(Text.name(stored.format, limit: 40))",
                remedy: "evaluate again with this version")
        }
        guard stored.count >= 1, (1...64).contains(stored.curves.count) else {
            throw InputError(
                place, expected: "images, and 1 to 64 curves",
                received: "\(stored.count) and \(stored.curves.count)")
        }
        var curves: [Curve] = []
        for (i, curve) in stored.curves.enumerated() {
            let levels = curve.levels
            let ascends = zip(levels, levels.dropFirst()).allSatisfy { $0.strength < $1.strength }
            guard (2...1000).contains(levels.count), levels[0].strength == 0, ascends else {
                throw InputError(
                    "\(place): curves[\(i)].levels", expected: "strengths that rise from 0",
                    received: "\(levels.count) others")
            }
            guard levels.allSatisfy({ $0.correct >= 0 && $0.correct <= stored.count && $0.strength < 1e9 }) else {
                throw InputError(
                    "\(place): curves[\(i)].levels", expected: "0 to \(stored.count) images right",
                    received: "another number")
            }
            curves.append(
                Curve(
                    corruption: Text.name(curve.corruption, limit: 20),
                    family: (curve.isMNISTC ? Robustness.Curve.Family.mnistC : .graded).rawValue,
                    unit: Text.name(curve.unit, limit: 20),
                    levels: levels.map {
                        Level(strength: $0.strength, correct: $0.correct, count: stored.count)
                    }))
        }
        return RobustnessRecord(
            dataset: stored.dataset, dataSource: stored.dataSource, count: stored.count, curves: curves)
    }

    /// `robustness.csv`: a row for each strength of each corruption.
    package var csv: String {
        var table = CSV(header: ["corruption", "strength", "count", "correct", "accuracy", "lower", "upper"])
        for curve in curves {
            for level in curve.levels {
                table.add(curve.corruption)
                table.add(level.strength)
                table.add(count)
                table.add(level.correct)
                table.add(level.accuracy)
                table.add(level.interval.lower)
                table.add(level.interval.upper)
                table.endLine()
            }
        }
        return table.text
    }

    /// A table for a terminal, at most 80 columns wide: strengths, with the accuracy in per cent below each.
    package var text: String {
        var text =
            "Accuracy under corruption, % of \(Text.grouped(count)) images; area: its mean over strengths\n"
        for curve in curves where !curve.isMNISTC { text += Self.text(curve) }
        text += Self.text("mean of the areas", meanArea)
        guard let mnistCMeanArea else { return text }
        text += "\nKinds of MNIST-C (Mu and Gilmer 2019) beyond those\n"
        for curve in curves where curve.isMNISTC { text += Self.text(curve) }
        return text + Self.text("mean of these areas", mnistCMeanArea)
    }

    private static func text(_ curve: Curve) -> String {
        func cells(_ fields: [String]) -> String { fields.map { Text.right($0, 8) }.joined() }
        // Strengths beyond the sixth are only in the files, so that the areas line up in one column.
        let levels = curve.levels.prefix(6), space = String(repeating: " ", count: 8 * (6 - levels.count))
        return Text.left("\(curve.corruption), \(curve.unit)", 22) + cells(levels.map { short($0.strength) })
            + space + Text.right("area", 8) + "\n" + Text.left("", 22)
            + cells(levels.map { Text.hundredths($0.accuracy) }) + space
            + Text.right(Text.hundredths(curve.area), 8) + "\n"
    }

    private static func text(_ title: String, _ mean: Double) -> String {
        Text.left(title, 70) + Text.right(Text.hundredths(mean), 8) + "\n"
    }

    /// Formats a strength with as few digits as it needs.
    package static func short(_ value: Double) -> String {
        value == value.rounded() ? Text.fixed(value, 0) : "\(value)"
    }
}
