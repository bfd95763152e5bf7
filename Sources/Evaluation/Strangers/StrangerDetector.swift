import Foundation
import LinearAlgebra

/// An out-of-distribution detector: scores images by how unlike the network's training data they are, calibrated on
/// known images.
///
/// Two scores of an image are computed from its logits z and its features f (the input of the classifying layer,
/// averaged over positions if it is spatial):
///
///     energy       E = −log Σₖ exp zₖ
///     Mahalanobis  M = minₖ (f − μₖ)ᵀ Σ⁻¹ (f − μₖ)
///
/// μₖ is the mean feature vector of class k's training images, Σ their within-class covariance, regularised by adding
/// 10⁻³ of its mean diagonal element to the diagonal. ``Kind/both`` adds the two scores after subtracting from each its
/// median over held-out images and dividing by the distance from the median to the 95th percentile. Cost: d² + K·d
/// multiplications per image of d features.
///
/// W. Liu, X. Wang, J. Owens, Y. Li, "Energy-based out-of-distribution detection", NeurIPS 2020 (arXiv:2010.03759);
/// K. Lee, K. Lee, H. Lee, J. Shin, "A simple unified framework for detecting out-of-distribution samples and
/// adversarial attacks", NeurIPS 2018 (arXiv:1807.03888).
package struct StrangerDetector: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case energy, mahalanobis, both
    }

    /// The normalisation that brings one score to a common scale.
    package struct Scale: Hashable, Sendable {
        package var centre: Double
        package var spread: Double

        package init(centre: Double, spread: Double) { (self.centre, self.spread) = (centre, spread) }

        init(_ values: [Double]) {
            let sorted = values.sorted()
            centre = Quantile.of(sorted, 0.5)
            let reach = Quantile.of(sorted, 0.95) - centre
            spread = reach > 0 ? reach : 1
        }

        func applied(to value: Double) -> Double { (value - centre) / spread }
    }

    package let kind: Kind
    package let energy: Scale
    package let mahalanobis: Scale
    /// The number of classes, K.
    package let classCount: Int
    /// The number of features, d.
    package let featureCount: Int
    /// The whitened class means `W·μₖ`, `[K, d]`.
    package let means: [Float]
    /// The whitening matrix W with `WᵀW = Σ⁻¹`, `[d, d]`.
    package let whitening: [Float]
    /// The i/1000 quantiles of the score over known images, ascending, `[1001]`.
    package let quantiles: [Float]

    /// The default fraction of known images that is accepted as known.
    package static let usualShare = 0.95
    /// The largest number of features for which a detector is fitted.
    package static let mostFeatures = 512
    /// The smallest number of held-out images for which a detector is fitted.
    package static let fewestHeldOut = 100

    package init(
        kind: Kind, energy: Scale, mahalanobis: Scale, classCount: Int, means: [Float], whitening: [Float],
        quantiles: [Float]
    ) {
        (self.kind, self.energy, self.mahalanobis) = (kind, energy, mahalanobis)
        (self.means, self.whitening, self.quantiles) = (means, whitening, quantiles)
        self.classCount = classCount
        featureCount = classCount > 0 ? means.count / classCount : 0
        precondition(
            means.count == classCount * featureCount && whitening.count == featureCount * featureCount
                && quantiles.count == 1001, "StrangerDetector: sizes that do not go together")
    }

    /// The logits `[N, K]` and features `[N, d]` of images.
    package struct Activations: Hashable, Sendable {
        package var logits: [Float]
        package var features: [Float]

        package init(logits: [Float], features: [Float]) { (self.logits, self.features) = (logits, features) }
    }

    /// Fits a detector to a network, choosing the kind that best separates the held-out images from `strangers` by area
    /// under the ROC curve; ``Kind/both`` wins ties.
    /// - Parameters:
    ///   - training: Activations of training images.
    ///   - labels: The classes of the training images, `[N]`.
    ///   - heldOut: Activations of images that the network was not trained on.
    ///   - strangers: Activations of out-of-distribution images.
    /// - Returns: Nil if there are fewer than 100 held-out images, more than 512 features, or LAPACK finds no inverse.
    package static func fit(
        training: Activations, labels: [UInt8], heldOut: Activations, strangers: Activations, classes: Int
    ) -> StrangerDetector? {
        let n = labels.count, held = heldOut.logits.count / max(classes, 1)
        guard classes >= 2, n > classes, held >= fewestHeldOut else { return nil }
        let d = training.features.count / n
        guard d >= 1, d <= mostFeatures, let (means, whitening) = moments(training.features, labels, d, classes) else {
            return nil
        }
        var detector = StrangerDetector(
            kind: .both, energy: Scale(centre: 0, spread: 1), mahalanobis: Scale(centre: 0, spread: 1),
            classCount: classes, means: means, whitening: whitening, quantiles: [Float](repeating: 0, count: 1001))
        let raw = detector.parts(heldOut)
        let energy = Scale(raw.map(\.energy)), mahalanobis = Scale(raw.map(\.mahalanobis))
        func with(_ kind: Kind, quantiles: [Float]) -> StrangerDetector {
            StrangerDetector(
                kind: kind, energy: energy, mahalanobis: mahalanobis, classCount: classes, means: means,
                whitening: whitening, quantiles: quantiles)
        }
        let others = detector.parts(strangers)
        var best = -1.0, chosen = Kind.both
        for kind in [Kind.both, .mahalanobis, .energy] {
            detector = with(kind, quantiles: detector.quantiles)
            let area = areaUnderROC(known: raw.map(detector.score), strangers: others.map(detector.score))
            if area > best { (best, chosen) = (area, kind) }
        }
        detector = with(chosen, quantiles: detector.quantiles)
        let sorted = raw.map(detector.score).sorted()
        return with(chosen, quantiles: (0...1000).map { Float(Quantile.of(sorted, Double($0) / 1000)) })
    }

    /// Returns the probability that a stranger scores above a known image, ties counting half.
    package static func areaUnderROC(known: [Double], strangers: [Double]) -> Double {
        let sorted = known.sorted()
        var sum = 0.0
        for value in strangers {
            let below = place(of: value, in: sorted, orEqual: false), upTo = place(of: value, in: sorted, orEqual: true)
            sum += Double(below) + Double(upTo - below) / 2
        }
        return known.isEmpty || strangers.isEmpty ? 0.5 : sum / Double(known.count) / Double(strangers.count)
    }

    private static func place(of value: Double, in sorted: [Double], orEqual: Bool) -> Int {
        var low = 0, high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value || (orEqual && sorted[middle] == value) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Returns the whitened class means and the whitening matrix.
    private static func moments(
        _ features: [Float], _ labels: [UInt8], _ d: Int, _ classes: Int
    ) -> (means: [Float], whitening: [Float])? {
        var sums = [Double](repeating: 0, count: classes * d), sizes = [Double](repeating: 0, count: classes)
        for (i, label) in labels.enumerated() {
            let k = Int(label)
            sizes[k] += 1
            for j in 0..<d { sums[k * d + j] += Double(features[i * d + j]) }
        }
        for k in 0..<classes { for j in 0..<d { sums[k * d + j] /= max(sizes[k], 1) } }
        var covariance = [Double](repeating: 0, count: d * d), centred = [Double](repeating: 0, count: d)
        for (i, label) in labels.enumerated() {
            for j in 0..<d { centred[j] = Double(features[i * d + j]) - sums[Int(label) * d + j] }
            for a in 0..<d {
                let value = centred[a]
                for b in a..<d { covariance[a * d + b] += value * centred[b] }
            }
        }
        let present = sizes.filter { $0 > 0 }.count
        let scale = 1 / Double(max(labels.count - present, 1))
        var trace = 0.0
        for a in 0..<d {
            for b in a..<d { covariance[a * d + b] *= scale }
            trace += covariance[a * d + a]
        }
        // Features without variance cannot tell anything apart.
        guard trace > 0, trace.isFinite else { return nil }
        for a in 0..<d { covariance[a * d + a] += 1e-3 * trace / Double(d) }
        guard let (values, vectors) = LAPACK.symmetricEigenvectors(covariance, n: d), values[0] > 0 else { return nil }
        var whitening = [Float](repeating: 0, count: d * d)
        for row in 0..<d {
            let factor = 1 / values[row].squareRoot()
            for column in 0..<d { whitening[row * d + column] = Float(factor * vectors[column * d + row]) }
        }
        var means = [Float](repeating: 0, count: classes * d)
        for k in 0..<classes {
            // A class without images must never be the nearest.
            let mean = (0..<d).map { sizes[k] > 0 ? Float(sums[k * d + $0]) : .greatestFiniteMagnitude.squareRoot() }
            for (j, value) in whitened(mean[...], whitening, d).enumerated() { means[k * d + j] = Float(value) }
        }
        return (means, whitening)
    }

    /// Returns `W·f`, each element summed in order. Four rows are summed at a time, so that no addition waits for the
    /// one before it.
    private static func whitened(_ features: ArraySlice<Float>, _ whitening: [Float], _ d: Int) -> [Double] {
        let f = Array(features).span, w = whitening.span
        var result = [Double](repeating: 0, count: d)
        for row in stride(from: 0, to: d, by: 4) {
            let others = (min(row + 1, d - 1), min(row + 2, d - 1), min(row + 3, d - 1))
            var sums = (0.0, 0.0, 0.0, 0.0)
            for column in 0..<d {
                let feature = Double(f[column])
                sums.0 += Double(w[row &* d &+ column]) * feature
                sums.1 += Double(w[others.0 &* d &+ column]) * feature
                sums.2 += Double(w[others.1 &* d &+ column]) * feature
                sums.3 += Double(w[others.2 &* d &+ column]) * feature
            }
            (result[row], result[others.0], result[others.1], result[others.2]) = sums
        }
        return result
    }

    private typealias Parts = (energy: Double, mahalanobis: Double)

    private func parts(_ images: Activations) -> [Parts] {
        (0..<images.logits.count / classCount).map {
            parts(
                logits: images.logits[($0 * classCount)..<(($0 + 1) * classCount)],
                features: images.features[($0 * featureCount)..<(($0 + 1) * featureCount)])
        }
    }

    private func parts(logits: ArraySlice<Float>, features: ArraySlice<Float>) -> Parts {
        let largest = Double(logits.max() ?? 0)
        let energy = -(largest + log(logits.reduce(0) { $0 + exp(Double($1) - largest) }))
        let y = Self.whitened(features, whitening, featureCount)
        var nearest = Double.infinity
        for k in 0..<classCount {
            var distance = 0.0
            for j in 0..<featureCount {
                let difference = y[j] - Double(means[k * featureCount + j])
                distance += difference * difference
            }
            nearest = min(nearest, distance)
        }
        return (energy, nearest)
    }

    private func score(_ parts: Parts) -> Double {
        let (e, m) = (energy.applied(to: parts.energy), mahalanobis.applied(to: parts.mahalanobis))
        return switch kind {
        case .energy: e
        case .mahalanobis: m
        case .both: e + m
        }
    }

    /// Returns the out-of-distribution scores of images, `[N]`: larger is stranger.
    package func scores(_ images: Activations) -> [Double] { parts(images).map(score) }

    /// Returns scores rescaled so that the median of known images is 0 and their 95th percentile is 1.
    package func scaled(_ scores: [Double]) -> [Double] {
        let median = Double(quantiles[500]), reach = Double(quantiles[950]) - median
        return scores.map { ($0 - median) / (reach > 0 ? reach : 1) }
    }

    /// Returns the fraction of known images that score at least as high, in [0, 1]: a p-value of the hypothesis that
    /// the image is known. Rounded up to multiples of 1/1000.
    package func familiarity(score: Double) -> Double {
        // NaN, as from a damaged network, is never known.
        guard score == score else { return 0 }
        var low = 0, high = quantiles.count
        while low < high {
            let middle = (low + high) / 2
            if Double(quantiles[middle]) < score { low = middle + 1 } else { high = middle }
        }
        return Double(1001 - max(low, 1)) / 1000
    }

    /// Returns the familiarity of each image, `[N]`; see ``familiarity(score:)``.
    package func familiarities(_ images: Activations) -> [Double] { scores(images).map { familiarity(score: $0) } }

    /// Returns the combined familiarity of several images, for example of one line: the joint p-value by Fisher's
    /// method, `e⁻ˢ·Σ_{k<n} sᵏ/k!` with `s = −Σ log pᵢ`.
    ///
    /// R. A. Fisher, "Statistical methods for research workers", 4th edition, 1932. Assumes independent images.
    package static func together(_ familiarities: [Double]) -> Double {
        let s = -familiarities.reduce(0) { $0 + log(max($1, 0.001)) }
        var term = exp(-s), sum = 0.0
        for k in 0..<familiarities.count {
            sum += term
            term *= s / Double(k + 1)
        }
        return familiarities.isEmpty ? 1 : min(1, sum)
    }
}
