import Datasets
import Foundation
import NeuralNetwork
import Tensors
import Workers

/// The result of a learning-rate range test: training steps whose rate rises exponentially from step to step, and how
/// the loss responds. L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, arXiv:1506.01186.
///
/// Step i of N (from 0) uses the rate `low·(high/low)^(i/(N − 1))`. The losses lᵢ of single batches are smoothed by a
/// bias-corrected moving average, `sᵢ = (1 − β)·Σⱼ βⁱ⁻ʲ·lⱼ / (1 − βⁱ⁺¹)`, in which recent steps count most.
package struct LearningRateTest: Sendable {
    /// The range of rates, and how it is traversed.
    package struct Options: Hashable, Sendable {
        /// The first rate, > 0.
        package var low = 1e-6
        /// The last rate, above ``low``.
        package var high = 10.0
        /// The number N of steps, ≥ 10.
        package var steps = 300
        /// The smoothing β in [0, 1).
        package var smoothing = 0.9
        /// The test ends once the smoothed loss exceeds its minimum by more than this factor.
        package var divergence = 4.0

        package init() {}
    }

    /// One step of the test.
    package struct Point: Hashable, Sendable {
        package var learningRate: Double
        /// The mean loss of the step's batch, before the step.
        package var loss: Double
        package var smoothedLoss: Double

        package init(learningRate: Double, loss: Double, smoothedLoss: Double) {
            self.learningRate = learningRate
            self.loss = loss
            self.smoothedLoss = smoothedLoss
        }
    }

    package let points: [Point]
    /// Whether the test ended because the loss diverged.
    package let diverged: Bool
    /// The rate at which the smoothed loss falls fastest, by the logarithm of the rate; `nil` if it never falls.
    package let steepest: Double?
    /// A tenth of the rate at which the smoothed loss is lowest; `nil` if that is the first one considered.
    package let tenthOfMinimum: Double?

    /// The number of steps before the first slope, because their average covers few batches.
    private static let settling = 10
    /// The number of steps on either side that a slope is fitted to.
    private static let reach = 8

    /// Evaluates the points of a test.
    package init(points: [Point], diverged: Bool) {
        self.points = points
        self.diverged = diverged
        let losses = points.map(\.smoothedLoss)
        guard let lowest = losses.indices.dropFirst(Self.settling).min(by: { losses[$0] < losses[$1] }) else {
            (steepest, tenthOfMinimum) = (nil, nil)
            return
        }
        tenthOfMinimum = lowest > Self.settling ? points[lowest].learningRate / 10 : nil
        // Only up to the lowest loss: a decline after it merely recovers from a rise.
        let slopes = (Self.settling...lowest).map { (index: $0, slope: Self.slope(of: points, at: $0)) }
        let fastest = slopes.min { $0.slope < $1.slope }
        steepest = fastest.flatMap { $0.slope < 0 ? points[$0.index].learningRate : nil }
    }

    /// Returns the slope of the smoothed loss over ln(rate): that of the least-squares line through the neighbouring
    /// points.
    private static func slope(of points: [Point], at index: Int) -> Double {
        let window = max(0, index - reach)...min(points.count - 1, index + reach)
        let x = window.map { log(points[$0].learningRate) }, y = window.map { points[$0].smoothedLoss }
        let (meanX, meanY) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
        let spread = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        return zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / spread
    }
}

/// Runs a range test on a network with its own batches, augmentation, optimizer and regularisation. The test uses up
/// the network's weights. Averaging, lookahead, teachers and smaller images are left out: they change what a step
/// achieves, not which rates training tolerates.
package final class LearningRateFinder {
    private let options: TrainingOptions
    private let network: TrainingNetwork
    private let optimizer: Optimizer
    private let loader: BatchLoader
    private let pool: WorkerPool

    /// - Throws: An ``InputError`` if network and data do not match, an ``OperationError`` if the network cannot be
    ///   created.
    package init(
        graph: ResolvedGraph, options: TrainingOptions, data: LoadedData, augmentation: AugmentationOptions,
        normalization: Normalization, initial: InitialWeights? = nil, seed: UInt64, pool: WorkerPool
    ) throws {
        try Classifier.check(graph, fits: data.train, named: data.dataset)
        try LineTraining.check(graph, options, data, augmentation, normalization)
        try Trainer.check(options, data.train, augmentation)
        self.options = options
        self.pool = pool
        let batchSize = min(options.batchSize, data.train.count)
        let treatment = try LayerTreatment(options, of: graph)
        let constants = data.normalizationConstants(normalization)
        network = try TrainingNetwork(
            graph: graph.freezing(treatment.frozen(in: 1)), batchSize: batchSize, shards: options.shards, seed: seed,
            pool: pool)
        network.loss = (options.loss, try ClassWeights.weights(options.classWeights, for: data.train))
        if let initial { network.store.load(parameters: initial.parameters, state: initial.state) }
        let whitened = try Whitening.initialize(
            options.whitening, of: graph, in: network.store.parameters, images: data.train, normalization: constants)
        optimizer = Optimizer(
            options: options.optimizer, l2: options.l2, clipping: options.gradientClipping, averagingDecay: nil,
            // The whole test counts as the first epoch, so that layers frozen in it stay frozen.
            groups: treatment.groups(
                of: graph, stepsPerEpoch: 1 << 40, frozen: options.whitening?.frozen == true ? whitened : nil),
            count: graph.parameterCount)
        loader = BatchLoader(
            data: data.train, batchSize: batchSize, normalization: constants,
            augmenter: augmentation.isIdentity
                ? nil
                : try Augmenter(
                    augmentation, height: data.train.height, width: data.train.width, channels: data.train.channels,
                    seed: seed),
            seed: seed, shuffle: true, pool: pool)
    }

    /// Runs the test. Call it once per finder. The schedule in the options is ignored.
    /// - Parameters:
    ///   - shouldStop: Called after each step.
    ///   - onStep: Receives the point of each step.
    /// - Returns: `nil` if `shouldStop` ended the test.
    package func run(
        _ test: LearningRateTest.Options, shouldStop: () -> Bool = { false },
        onStep: (LearningRateTest.Point) -> Void = { _ in }
    ) -> LearningRateTest? {
        precondition(
            test.low > 0 && test.high > test.low && test.steps >= 10 && test.smoothing >= 0 && test.smoothing < 1,
            "LearningRateFinder: impossible range")
        var points: [LearningRateTest.Point] = []
        var mean = 0.0, least = Double.infinity
        var epoch = 1
        loader.start(epoch: epoch)
        for step in 0..<test.steps {
            var next = loader.next()
            if next == nil {
                epoch += 1
                loader.start(epoch: epoch)
                next = loader.next()
            }
            guard let batch = next else { break }
            let rate = test.low * pow(test.high / test.low, Double(step) / Double(test.steps - 1))
            let result = network.step(
                images: batch.images, labels: batch.labels, count: batch.total, step: step,
                labelSmoothing: options.labelSmoothing,
                mixed: batch.isMixed ? (batch.otherLabels, batch.labelShares) : nil,
                labelSets: batch.labelSets, weights: batch.weights)
            let loss = result.lossSum / Double(batch.total)
            mean = test.smoothing * mean + (1 - test.smoothing) * loss
            let smoothed = mean / (1 - pow(test.smoothing, Double(step + 1)))
            guard smoothed.isFinite else { return LearningRateTest(points: points, diverged: true) }
            let point = LearningRateTest.Point(learningRate: rate, loss: loss, smoothedLoss: smoothed)
            points.append(point)
            onStep(point)
            least = min(least, smoothed)
            if smoothed > test.divergence * least { return LearningRateTest(points: points, diverged: true) }
            optimizer.step(
                parameters: network.store.parameters, gradients: network.store.gradients, learningRate: rate,
                pool: pool)
            if shouldStop() { return nil }
        }
        return LearningRateTest(points: points, diverged: false)
    }
}
