import Evaluation
import Foundation
import LinearAlgebra
import Tensors

/// A test of whether two sets of images could come from one distribution: a classifier is trained to tell which set an
/// image is from, and tested on other images.
///
/// D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017 (arXiv:1610.06545). Equally many images
/// of each set are drawn, at most 5,000; a logistic regression is fitted on one half and classifies `correct` images of
/// the other half correctly. If both sets came from one distribution, that number would be binomial with one half: p is
/// the exact probability of as many or more.
package struct TwoSampleTest: Hashable, Sendable, Codable {
    /// The number of images drawn from each set.
    package var drawn: Int
    /// The number of images the classifier was tested on.
    package var tested: Int
    package var correct: Int
    /// `correct / tested`: 0.5 if nothing distinguishes the sets, 1 if every image does.
    package var accuracy: Double
    package var interval: ConfidenceInterval
    package var p: Double

    private static let mostImages = 5_000
    private static let mostFeatures = 64

    /// - Parameters:
    ///   - first: the features `[N, d]` of one set, and `second` those of the other.
    ///   - seed: the seed of the draw, at the address (seed, split, minor 2).
    /// - Returns: nil if a set has fewer than 20 images.
    package static func run(first: [Double], second: [Double], d: Int, seed: UInt64) -> TwoSampleTest? {
        guard d >= 1 else { return nil }
        let sets = [first, second], counts = sets.map { $0.count / d }
        let drawn = min(counts[0], counts[1], mostImages)
        guard drawn >= 20 else { return nil }
        var samples: [(set: Int, row: Int)] = []
        for set in 0..<2 {
            var stream = RandomStream(RandomAddress(seed: seed, purpose: .split, minor: 2, stream: UInt32(set)))
            samples += stream.permutation(counts[set]).prefix(drawn).map { (set, $0) }
        }
        // Alternating, so that both halves contain equally many images of each set.
        let order = (0..<drawn).flatMap { [samples[$0], samples[drawn + $0]] }
        let half = drawn / 2 * 2
        let x = standardized(order.map { Array(sets[$0.set][($0.row * d)..<(($0.row + 1) * d)]) }, fittedOn: half)
        let width = x[0].count
        guard
            let classifier = LogisticRegression(
                x[..<half].flatMap { $0 }, isSecond: order[..<half].map { $0.set == 1 }, d: width)
        else { return nil }
        let correct = (half..<order.count).filter { classifier.isSecond(x[$0][...]) == (order[$0].set == 1) }.count
        let tested = order.count - half
        return TwoSampleTest(
            drawn: drawn, tested: tested, correct: correct, accuracy: Double(correct) / Double(tested),
            interval: .wilson(successes: correct, count: tested),
            p: BinomialBound.upperTail(successes: correct, count: tested, rate: 0.5))
    }

    /// Standardises columns to mean 0 and variance 1 by the first rows; more than 64 columns are projected onto their
    /// 64 principal axes.
    private static func standardized(_ rows: [[Double]], fittedOn count: Int) -> [[Double]] {
        let d = rows[0].count
        var rows = rows
        func scale(_ width: Int) {
            for j in 0..<width {
                let mean = rows[..<count].reduce(0) { $0 + $1[j] } / Double(count)
                let variance = rows[..<count].reduce(0) { $0 + ($1[j] - mean) * ($1[j] - mean) } / Double(count)
                let factor = variance > 1e-12 ? 1 / variance.squareRoot() : 0
                for i in rows.indices { rows[i][j] = (rows[i][j] - mean) * factor }
            }
        }
        scale(d)
        guard d > mostFeatures else { return rows }
        var covariance = [Double](repeating: 0, count: d * d)
        for row in rows[..<count] {
            for a in 0..<d { for b in a..<d { covariance[a * d + b] += row[a] * row[b] } }
        }
        guard let (_, vectors) = LAPACK.symmetricEigenvectors(covariance, n: d) else { return rows }
        rows = rows.map { row in
            (d - mostFeatures..<d).map { column in
                var sum = 0.0
                for j in 0..<d { sum += row[j] * vectors[j * d + column] }
                return sum
            }
        }
        scale(mostFeatures)
        return rows
    }
}

/// A Kolmogorov–Smirnov test of whether a value has the same distribution in both sets.
package struct KolmogorovSmirnov: Hashable, Sendable, Codable {
    /// The largest distance between the two distribution functions, in [0, 1].
    package var statistic: Double
    /// The p-value by Kolmogorov's limit distribution, with Stephens' correction for finite samples.
    package var p: Double

    package init(_ first: [Double], _ second: [Double]) {
        let (a, b) = (first.sorted(), second.sorted())
        var i = 0, j = 0, largest = 0.0
        while i < a.count, j < b.count {
            let value = min(a[i], b[j])
            while i < a.count, a[i] <= value { i += 1 }
            while j < b.count, b[j] <= value { j += 1 }
            largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
        }
        statistic = largest
        let n = (Double(a.count) * Double(b.count) / Double(max(a.count + b.count, 1))).squareRoot()
        let x = (n + 0.12 + 0.11 / max(n, 1e-9)) * largest
        guard x > 0.2 else {
            p = 1
            return
        }
        var sum = 0.0
        for k in 1...100 { sum += (k % 2 == 1 ? 2 : -2) * exp(-2 * Double(k * k) * x * x) }
        p = min(1, max(0, sum))
    }
}

/// A test of whether two sets have the same shares of classes: Pearson's χ² of the table of two rows.
package enum ClassShares {
    /// - Returns: the p-value; 1 if fewer than two classes occur.
    package static func p(_ first: [Int], _ second: [Int]) -> Double {
        let (n, m) = (Double(first.reduce(0, +)), Double(second.reduce(0, +)))
        guard n > 0, m > 0 else { return 1 }
        var statistic = 0.0, classes = 0
        for (a, b) in zip(first, second) where a + b > 0 {
            classes += 1
            for (count, size) in [(a, n), (b, m)] {
                let expected = Double(a + b) * size / (n + m)
                statistic += (Double(count) - expected) * (Double(count) - expected) / expected
            }
        }
        return classes < 2 ? 1 : upperGamma(Double(classes - 1) / 2, statistic / 2)
    }

    /// Returns the regularised upper incomplete gamma function Q(a, x), by its series or its continued fraction
    /// (Lentz).
    static func upperGamma(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return 1 }
        let front = exp(a * log(x) - x - lgamma(a))
        if x < a + 1 {
            var term = 1 / a, sum = term, n = a
            for _ in 0..<1000 {
                n += 1
                term *= x / n
                sum += term
                if term < sum * 1e-16 { break }
            }
            return max(0, 1 - sum * front)
        }
        var b = x + 1 - a, c = 1e300, d = 1 / b, h = d
        for i in 1..<1000 {
            let numerator = -Double(i) * (Double(i) - a)
            b += 2
            d = 1 / (numerator * d + b)
            c = b + numerator / c
            h *= c * d
            if abs(c * d - 1) < 1e-16 { break }
        }
        return front * h
    }
}
