import Evaluation
import Foundation

/// A slice of the images and the accuracy on it.
package struct Slice: Hashable, Sendable {
    /// `slant 12.1 to 24.0`, `class 8`, `class 7, thickness 1.2 to 1.9`.
    package var name: String
    package var count: Int
    package var errors: Int
    package var interval: ConfidenceInterval
    /// The probability that at least this many errors fall into a slice of this size by chance (hypergeometric), with
    /// Holm's correction for all slices examined. A small value means that the slice is read worse than the rest.
    package var p: Double

    package var accuracy: Double { 1 - Double(errors) / Double(max(count, 1)) }
}

/// Accuracy by slices of the images: by class, by each measure in five parts of equal size, and by both.
package enum SliceFinder {
    private static let parts = 5
    /// The minimum size of a slice; smaller ones say too little.
    package static let fewest = 30

    /// Returns the slices, worst first: by ascending p-value, then by accuracy.
    /// - Parameters:
    ///   - isRight: whether each image was read correctly, `[N]`.
    ///   - labels: the images' classes, `[N]`.
    package static func slices(
        isRight: [Bool], labels: [Int], classNames: [String], measures: [ImageMeasure: [Double]]
    ) -> [Slice] {
        let errors = isRight.filter { !$0 }.count
        var found: [(name: String, members: [Int])] = []
        for (k, name) in classNames.enumerated() {
            found.append(("class \(name)", labels.indices.filter { labels[$0] == k }))
        }
        for measure in ImageMeasure.allCases {
            guard let values = measures[measure], values.count == labels.count else { continue }
            for part in quantileParts(values) {
                found.append((part.name(measure), part.members))
                for (k, name) in classNames.enumerated() {
                    found.append(
                        ("class \(name), \(part.name(measure))", part.members.filter { labels[$0] == k }))
                }
            }
        }
        let large = found.filter { $0.members.count >= fewest }
        var slices = large.map { part in
            let wrong = part.members.filter { !isRight[$0] }.count
            return Slice(
                name: part.name, count: part.members.count, errors: wrong,
                interval: .wilson(successes: part.members.count - wrong, count: part.members.count),
                p: Hypergeometric.upperTail(
                    hits: wrong, drawn: part.members.count, marked: errors, population: labels.count))
        }
        let corrected = holm(slices.map(\.p))
        for i in slices.indices { slices[i].p = corrected[i] }
        return slices.sorted { ($0.p, $0.accuracy, $0.name) < ($1.p, $1.accuracy, $1.name) }
    }

    private struct Part {
        var lower: Double
        var upper: Double
        var members: [Int]

        func name(_ measure: ImageMeasure) -> String {
            let text = { (value: Double) in
                String(format: measure == .aspect ? "%.2f" : "%.1f", value == 0 ? 0.0 : value)
            }
            return lower == upper
                ? "\(measure.rawValue) \(text(lower))" : "\(measure.rawValue) \(text(lower)) to \(text(upper))"
        }
    }

    /// Divides the images into five parts of about equal size; equal values are never separated.
    private static func quantileParts(_ values: [Double]) -> [Part] {
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var parts: [Part] = [], start = 0
        for number in 1...Self.parts {
            var end = number * order.count / Self.parts
            while end > 0, end < order.count, values[order[end]] == values[order[end - 1]] { end += 1 }
            guard end > start else { continue }
            let members = order[start..<end]
            parts.append(
                Part(lower: values[order[start]], upper: values[order[end - 1]], members: members.sorted()))
            start = end
        }
        return parts
    }

    /// Corrects p-values for multiple testing. S. Holm, "A simple sequentially rejective multiple test procedure",
    /// 1979.
    package static func holm(_ p: [Double]) -> [Double] {
        let order = p.indices.sorted { (p[$0], $0) < (p[$1], $1) }
        var result = p, largest = 0.0
        for (rank, index) in order.enumerated() {
            largest = max(largest, min(1, p[index] * Double(p.count - rank)))
            result[index] = largest
        }
        return result
    }
}

/// Sampling without replacement.
package enum Hypergeometric {
    /// Returns P(X ≥ hits), where X is the number of marked items among `drawn` items of a population.
    package static func upperTail(hits: Int, drawn: Int, marked: Int, population: Int) -> Double {
        func logChoose(_ n: Int, _ k: Int) -> Double {
            lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
        }
        let most = min(drawn, marked), least = max(0, drawn + marked - population)
        guard hits > least else { return 1 }
        guard hits <= most else { return 0 }
        let all = logChoose(population, drawn)
        var sum = 0.0
        for x in hits...most {
            sum += exp(logChoose(marked, x) + logChoose(population - marked, drawn - x) - all)
        }
        return min(1, sum)
    }
}
