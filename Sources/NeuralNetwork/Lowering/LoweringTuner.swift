import Tensors

/// What timing found for one direction of a convolution, or for a dense layer.
package struct LoweringRecord: Codable, Hashable, Sendable {
    /// The choice, as ``Lowering/text`` or ``DenseLowering/text``.
    package var choice: String
    /// Microseconds an image of each candidate that was timed.
    package var microseconds: [String: Double]
    /// Each Winograd candidate's largest difference from im2col, over the bound that is documented for it
    /// (``Winograd/Tile/errorFactor``). Above 1 it is not eligible.
    package var errorShares: [String: Double]

    package init(choice: String, microseconds: [String: Double], errorShares: [String: Double] = [:]) {
        self.choice = choice
        self.microseconds = microseconds
        self.errorShares = errorShares
    }

    /// The choice's microseconds; the fastest candidate of another kind; whether the table's choice was kept.
    package var runnerUp: (text: String, microseconds: Double)? {
        let kind = choice.prefix { $0 != ":" }
        return microseconds.filter { $0.key.prefix { $0 != ":" } != kind }
            .min { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, $0.value) }
    }
}

/// Chooses lowerings by timing them on the machine at hand, one thread calling BLAS as the workers do: the choice does not
/// depend on the thread count.
///
/// The table's choice (``LoweringTask/tabled``) goes first and is kept unless another is faster by more than
/// ``margin``, so that noise does not change it. A timing is the best of several; who is far behind after three is
/// not timed again.
struct LoweringTuner {
    /// By how much a candidate must beat the table's choice.
    static let margin = 0.04
    /// Candidates this much slower than the best after three timings are dropped.
    private static let hopeless = 1.3
    private static let rounds = 6
    /// Weights that blocks are tried for.
    private static let smallestBlocked = 32_768
    /// Multiply-adds of a timing, about, as im2col: a millisecond.
    private static let multiplyAdds = 40_000_000

    /// Images a shard.
    let shardImages: Int
    let batchSize: Int

    // MARK: - Convolutions

    /// - Parameter kinds: at least one, each allowed for the task.
    func measure(_ task: LoweringTask, _ kinds: [Lowering.Kind]) -> LoweringRecord {
        let trial = ConvolutionTiming(
            task, images: max(1, min(shardImages, Self.multiplyAdds / max(1, task.geometry.multiplyAdds))))
        var candidates = task.candidates(kinds)
        var errors: [String: Double] = [:]
        candidates.removeAll { candidate in
            guard let tile = candidate.kind.winogradTile else { return false }
            let share = trial.errorShare(candidate, tile)
            errors[candidate.text] = share
            return share > 1
        }
        if candidates.isEmpty { candidates = [task.tabled(.im2col)] }
        let preparations = candidates.map { trial.preparation($0) }
        let times = Self.times(candidates.count) { index in trial.run(candidates[index], preparations[index]) }
        // What is done once a step, spread over its images.
        let costs = zip(candidates.indices, times).map { index, time in
            time + ((0..<3).map { _ in trial.secondsOnce(preparations[index]) }.min() ?? 0) / Double(batchSize)
        }
        let best = Self.choice(costs)
        var microseconds: [String: Double] = [:]
        for (candidate, cost) in zip(candidates, costs) { microseconds[candidate.text] = Self.rounded(cost * 1e6) }
        return LoweringRecord(
            choice: candidates[best].text, microseconds: microseconds, errorShares: errors.mapValues(Self.rounded))
    }

    // MARK: - Dense layers

    func measure(features: Int, units: Int) -> LoweringRecord {
        let table = DenseLowering.table(features: features, units: units)
        var candidates = [table]
        // Blocks meet in a phase of their own and are all the parallelism there is: too few or too small gain nothing.
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

    /// Four significant digits are more than a timing has.
    private static func rounded(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 0 }
        var scale = 1.0
        while value * scale < 1000 { scale *= 10 }
        return (value * scale).rounded() / scale
    }

    /// Seconds an image of each candidate: the least of several runs, of few where they are hopelessly slow. One run says
    /// nothing: another program may have had the core meanwhile.
    private static func times(_ count: Int, _ run: (Int) -> Double) -> [Double] {
        var best = (0..<count).map { index in (0..<3).map { _ in run(index) }.min() ?? 0 }
        for _ in 3..<rounds {
            let limit = (best.min() ?? 0) * hopeless
            for index in 0..<count where best[index] <= limit { best[index] = min(best[index], run(index)) }
        }
        return best
    }

    /// The fastest, or the first where nothing beats it clearly.
    private static func choice(_ costs: [Double]) -> Int {
        let best = costs.indices.min { costs[$0] < costs[$1] } ?? 0
        return costs[best] < costs[0] * (1 - margin) ? best : 0
    }
}
