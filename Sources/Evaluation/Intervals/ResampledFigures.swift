import Foundation
import Tensors
import Workers

/// The figures of ``BootstrapIntervals`` on the test set (task 0) and on its resamples (tasks 1…B).
///
/// A resample is represented by a weight per sample: how often it was drawn. Everything that does not depend on the
/// draw is computed once: each sample's loss, Brier term and calibration bin, and each class's samples in descending
/// order of score, down to its last positive: samples below that do not affect average precision, and affect the area
/// only through their number.
final class ResampledFigures: ParallelWork {
    /// The figures, `[B + 1, figures]`; NaN where a figure is undefined.
    let figures: AlignedBuffer<Double>

    private let classes: Int
    private let seed: UInt64
    /// The confusion-matrix index `label · K + predicted` of each sample.
    private let cells: [Int32]
    private let losses: [Double]
    private let brierTerms: [Double]
    private let bins: [UInt8]
    private let confidences: [Double]
    /// The sample indices of each class, ascending.
    private let members: [[Int32]]
    private let orders: Orders
    private let scratch: [Scratch]

    private static let binCount = 15

    /// Scratch memory of one worker.
    private final class Scratch {
        var weights: [UInt16]
        var counts: [Int]
        var averagePrecisions: [Double]
        var areas: [Double]

        init(samples: Int, classes: Int) {
            weights = [UInt16](repeating: 0, count: samples)
            counts = [Int](repeating: 0, count: classes * classes)
            averagePrecisions = [Double](repeating: 0, count: classes)
            areas = averagePrecisions
        }
    }

    /// The samples in descending order of score, for each class. An entry is the sample's index times four, plus 2 if
    /// the sample belongs to the class, plus 1 if the next score differs.
    private final class Orders: ParallelWork {
        var entries: [[UInt32]]
        private let predictions: Predictions
        private let done: AlignedBuffer<UInt32>

        init(_ predictions: Predictions) {
            self.predictions = predictions
            entries = []
            done = AlignedBuffer(count: predictions.count * predictions.classCount)
        }

        func run(task c: Int, worker: Int) {
            let n = predictions.count
            var keys: [UInt64] = []
            keys.reserveCapacity(n)
            for i in 0..<n {
                // The bit patterns of floats in [0, 1] sort like the floats; the shift drops the sign of −0.
                let score = predictions.probability(i, c).bitPattern << 1
                keys.append(UInt64(score) << 32 | UInt64(i))
            }
            keys.sort(by: >)
            for (rank, key) in keys.enumerated() {
                let i = Int(key & 0xFFFF_FFFF)
                let isLast = rank + 1 == n || keys[rank + 1] >> 32 != key >> 32
                done[c * n + rank] =
                    UInt32(i) << 2 | (predictions.labels[i] == c ? 2 : 0) | (isLast ? 1 : 0)
            }
        }

        /// Stores each class's entries up to and including the ties of its last positive.
        func finish() {
            let n = predictions.count
            for c in 0..<predictions.classCount {
                var end = 0
                var rank = n - 1
                while rank >= 0 && done[c * n + rank] & 2 == 0 { rank -= 1 }
                if rank >= 0 {
                    end = rank + 1
                    while done[c * n + end - 1] & 1 == 0 { end += 1 }
                }
                entries.append((0..<end).map { done[c * n + $0] })
            }
        }
    }

    init(_ predictions: Predictions, resamples: Int, seed: UInt64, workers: Int, pool: WorkerPool) {
        let n = predictions.count, k = predictions.classCount
        precondition(n < 1 << 30, "bootstrap: more than 2³⁰ samples")
        self.seed = seed
        classes = k
        cells = (0..<n).map { Int32(predictions.labels[$0] * k + predictions.predictedLabels[$0]) }
        let floor = Double.ulpOfOne
        losses = (0..<n).map {
            -log(min(max(Double(predictions.probability($0, predictions.labels[$0])), floor), 1 - floor))
        }
        brierTerms = (0..<n).map { i in
            var sum = 0.0
            for c in 0..<k {
                let difference = Double(predictions.probability(i, c)) - (c == predictions.labels[i] ? 1 : 0)
                sum += difference * difference
            }
            return sum
        }
        confidences = (0..<n).map { Double(predictions.confidence($0)) }
        bins = confidences.map {
            UInt8(min(max(Int(($0 * Double(Self.binCount)).rounded(.up)) - 1, 0), Self.binCount - 1))
        }
        members = (0..<k).map { c in (0..<n).filter { predictions.labels[$0] == c }.map { Int32($0) } }
        orders = Orders(predictions)
        pool.run(orders, tasks: k)
        orders.finish()
        scratch = (0..<workers).map { _ in Scratch(samples: n, classes: k) }
        figures = AlignedBuffer(count: (resamples + 1) * BootstrapIntervals.Figure.allCases.count)
    }

    func run(task: Int, worker: Int) {
        let memory = scratch[worker]
        draw(task, &memory.weights)
        let values = compute(memory)
        let start = task * BootstrapIntervals.Figure.allCases.count
        for (i, value) in values.enumerated() { figures[start + i] = value }
    }

    private func draw(_ task: Int, _ weights: inout [UInt16]) {
        guard task > 0 else {
            for i in 0..<weights.count { weights[i] = 1 }
            return
        }
        for i in 0..<weights.count { weights[i] = 0 }
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .bootstrap, major: UInt32(task - 1)))
        for own in members where !own.isEmpty {
            // Drawing one sample 2¹⁶ times would overflow and trap; the probability is below 10^-200000.
            for _ in 0..<own.count { weights[Int(own[stream.integer(below: own.count)])] += 1 }
        }
    }

    /// Returns the figures of one resample, in declaration order.
    private func compute(_ memory: Scratch) -> [Double] {
        let n = cells.count, k = classes
        var loss = 0.0, brier = 0.0
        var hits = [Double](repeating: 0, count: Self.binCount)
        var sums = hits
        for i in 0..<(k * k) { memory.counts[i] = 0 }
        for i in 0..<n {
            let w = Int(memory.weights[i])
            guard w > 0 else { continue }
            let weight = Double(w)
            let cell = Int(cells[i])
            memory.counts[cell] += w
            loss += weight * losses[i]
            brier += weight * brierTerms[i]
            let bin = Int(bins[i])
            sums[bin] += weight * confidences[i]
            if cell / k == cell % k { hits[bin] += weight }
        }
        var gap = 0.0
        for bin in 0..<Self.binCount { gap += abs(hits[bin] - sums[bin]) }
        let matrix = ConfusionMatrix(memory.counts, classes: k)
        let report = matrix.macroFigures
        let support = matrix.support
        for c in 0..<k {
            (memory.averagePrecisions[c], memory.areas[c]) = Self.ranked(
                orders.entries[c], memory.weights, positives: support[c], count: n)
        }
        let count = Double(n), classCount = Double(k)
        return [
            report.precision, report.recall, report.f1, memory.averagePrecisions.reduce(0, +) / classCount,
            memory.areas.reduce(0, +) / classCount, loss / count, brier / count, gap / count, matrix.kappa ?? .nan,
            matrix.matthews,
        ]
    }

    /// Returns one class's average precision (0 without positives) and area under the ROC curve (NaN without positives
    /// or negatives).
    private static func ranked(
        _ entries: [UInt32], _ weights: [UInt16], positives: Int, count: Int
    ) -> (averagePrecision: Double, area: Double) {
        let entries = entries.span, weights = weights.span
        var hits = 0, misses = 0
        var tiedHits = 0, tiedMisses = 0
        var precision = 0.0, below = 0.0
        for rank in 0..<entries.count {
            let entry = entries[rank]
            let weight = Int(weights[Int(entry >> 2)])
            let hit = Int(entry >> 1 & 1)
            tiedHits &+= weight &* hit
            tiedMisses &+= weight &* (1 &- hit)
            guard entry & 1 == 1 else { continue }
            if tiedMisses > 0 { below += Double(tiedMisses) * (Double(hits) + 0.5 * Double(tiedHits)) }
            misses &+= tiedMisses
            if tiedHits > 0 {
                hits &+= tiedHits
                precision += Double(tiedHits) * Double(hits) / Double(hits &+ misses)
            }
            (tiedHits, tiedMisses) = (0, 0)
        }
        let negatives = count - positives
        guard positives > 0 else { return (0, .nan) }
        below += Double(negatives - misses) * Double(positives)
        return (
            precision / Double(positives), negatives == 0 ? .nan : below / (Double(positives) * Double(negatives))
        )
    }
}
