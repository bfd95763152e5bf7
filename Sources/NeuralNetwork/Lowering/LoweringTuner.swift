import Tensors

/// The result of timing one direction of a convolution, or a dense layer.
package struct LoweringRecord: Codable, Hashable, Sendable {
    /// The choice, as ``Lowering/text`` or ``DenseLowering/text``.
    package var choice: String
    /// Microseconds per image of each timed candidate.
    package var microseconds: [String: Double]
    /// Each Winograd candidate's largest difference from im2col, relative to its documented bound
    /// (``Winograd/Tile/errorFactor``). Above 1 it is not eligible.
    package var errorShares: [String: Double]

    package init(choice: String, microseconds: [String: Double], errorShares: [String: Double] = [:]) {
        self.choice = choice
        self.microseconds = microseconds
        self.errorShares = errorShares
    }

    /// The fastest candidate of another kind than the choice, and its microseconds per image.
    package var runnerUp: (text: String, microseconds: Double)? {
        let kind = choice.prefix { $0 != ":" }
        return microseconds.filter { $0.key.prefix { $0 != ":" } != kind }
            .min { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, $0.value) }
    }
}

/// Chooses lowerings by timing them on this machine, with one thread calling BLAS as the workers do; the choice does
/// not depend on the thread count.
///
/// The table's choice (``LoweringTask/tabled``) goes first and is kept unless another is faster by more than
/// ``margin``, so that noise does not change it. Each timing is the best of several; candidates far behind after three
/// are dropped.
struct LoweringTuner {
    /// The relative margin by which a candidate must beat the table's choice.
    static let margin = 0.04
    /// Candidates this much slower than the best after three timings are dropped.
    private static let hopeless = 1.3
    private static let rounds = 6
    /// The smallest number of weights for which blocks are tried.
    private static let smallestBlocked = 32_768
    /// The approximate number of multiply-adds of one timing, as im2col: about a millisecond.
    private static let multiplyAdds = 40_000_000

    /// The number of images per shard.
    let shardImages: Int
    let batchSize: Int

    // MARK: - Convolutions

    /// - Parameter kinds: At least one, each allowed for the task.
    func measure(_ task: LoweringTask, _ kinds: [Lowering.Kind]) -> LoweringRecord {
        let trial = ConvolutionTiming(
            task, images: max(1, min(shardImages, Self.multiplyAdds / max(1, task.geometry.multiplyAdds))))
        var candidates = task.candidates(kinds)
        var errors: [String: Double] = [:]
        candidates.removeAll { candidate in
            guard let tile = candidate.kind.winogradTile else { return false }
            let share = trial.errorShare(candidate, tile)
            if share.isFinite { errors[candidate.text] = share }
            return !Self.isWithinBound(share)
        }
        if candidates.isEmpty { candidates = [task.tabled(.im2col)] }
        let preparations = candidates.map { trial.preparation($0) }
        let times = Self.times(candidates.count) { index in trial.run(candidates[index], preparations[index]) }
        // Work done once per step is spread over its images.
        let costs = zip(candidates.indices, times).map { index, time in
            time + ((0..<3).map { _ in trial.secondsOnce(preparations[index]) }.min() ?? 0) / Double(batchSize)
        }
        let best = Self.choice(costs)
        var microseconds: [String: Double] = [:]
        for (candidate, cost) in zip(candidates, costs) { microseconds[candidate.text] = Self.rounded(cost * 1e6) }
        return LoweringRecord(
            choice: candidates[best].text, microseconds: microseconds, errorShares: errors.mapValues(Self.rounded))
    }

    /// Whether a lowering whose error is this share of its bound may be used; NaN is not.
    static func isWithinBound(_ share: Double) -> Bool { share <= 1 }

    // MARK: - Dense layers

    func measure(features: Int, units: Int) -> LoweringRecord {
        let table = DenseLowering.table(features: features, units: units)
        var candidates = [table]
        // Blocks run in a phase of their own and are its only parallelism: too few or too small ones gain nothing.
        let blocks =
            features * units < Self.smallestBlocked
            ? [] : [32, 64, 128, 256].filter { 8 * $0 <= features }.map { DenseLowering.weights(features: $0) }
        for candidate in [.images] + blocks where !candidates.contains(candidate) { candidates.append(candidate) }
        let trial = DenseTiming(features: features, units: units, batchSize: batchSize, shardImages: shardImages)
        let times = Self.times(candidates.count) { trial.run(candidates[$0]) }
        let best = Self.choice(times)
        var microseconds: [String: Double] = [:]
        for (candidate, time) in zip(candidates, times) { microseconds[candidate.text] = Self.rounded(time * 1e6) }
        return LoweringRecord(choice: candidates[best].text, microseconds: microseconds)
    }

    /// Rounds to at least four significant digits, more than a timing has.
    private static func rounded(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 0 }
        var scale = 1.0
        while value * scale < 1000 { scale *= 10 }
        return (value * scale).rounded() / scale
    }

    /// Returns seconds per image of each candidate: the minimum of several runs, fewer for hopelessly slow ones. A
    /// single run says little, since another program may have used the core meanwhile.
    private static func times(_ count: Int, _ run: (Int) -> Double) -> [Double] {
        var best = (0..<count).map { index in (0..<3).map { _ in run(index) }.min() ?? 0 }
        for _ in 3..<rounds {
            let limit = (best.min() ?? 0) * hopeless
            for index in 0..<count where best[index] <= limit { best[index] = min(best[index], run(index)) }
        }
        return best
    }

    /// Returns the fastest candidate, or the first if none beats it clearly.
    private static func choice(_ costs: [Double]) -> Int {
        let best = costs.indices.min { costs[$0] < costs[$1] } ?? 0
        return costs[best] < costs[0] * (1 - margin) ? best : 0
    }
}
