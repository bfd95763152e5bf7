import NeuralNetwork
import Tensors
import Workers

/// The result of a profile, in seconds per step (or per call at inference).
package struct ProfileMeasurement: Sendable {
    /// The time of one kind of run, broken down into parts.
    package struct Breakdown: Sendable {
        /// The number of images per run.
        package let batchSize: Int
        /// The number of runs that were timed in parts, and the wall time of one of them in seconds.
        package let runs: Int
        package let seconds: Double
        /// The layers' seconds per run, in the order in which they first run.
        package let entries: [PlanProfile.Entry]
        /// The seconds per run of work outside the layers.
        package let sections: [(section: PlanProfile.Section, seconds: Double)]
        /// The seconds per run that workers wait.
        package let idleSeconds: Double

        /// The fraction of the wall time that the parts account for.
        package var accountedFraction: Double {
            let parts = entries.reduce(0) { $0 + $1.seconds } + sections.reduce(0) { $0 + $1.seconds } + idleSeconds
            return seconds > 0 ? parts / seconds : 0
        }
    }

    /// The seconds per run without instrumentation: the median of several blocks.
    package struct Rate: Sendable {
        package let batchSize: Int
        /// The number of timed blocks, and of runs in each.
        package let blocks: Int
        package let runs: Int
        package let seconds: Double

        package var imagesPerSecond: Double { Double(batchSize) / seconds }
    }

    package let threads: Int
    package let training: Breakdown
    package let inference: Breakdown
    package let trainingRate: Rate
    package let inferenceRate: Rate
    /// The rate for one image at a time.
    package let singleImageRate: Rate
}

/// Measures a network on synthetic images: how fast it trains and classifies, and where the time of a step goes.
///
/// Rates are measured without instrumentation. The optimizer takes real steps at a millionth of its learning rate: the
/// arithmetic is the same, and the weights stay those of a newly created network, however long the measurement takes.
package final class Profiler {
    /// The number of blocks of runs; a rate is their median.
    package static let blocks = 11
    /// The target durations in seconds of a block and of the runs timed in parts, if the number of runs is not given.
    private static let blockSeconds = 0.1
    private static let breakdownSeconds = 1.0

    private let graph: ResolvedGraph
    private let options: TrainingOptions
    private let pool: WorkerPool
    private let inferenceBatchSize: Int
    private let runs: Int?
    private let network: TrainingNetwork
    private let optimizer: Optimizer
    private let images: AlignedBuffer<Float>
    private let labels: AlignedBuffer<Int32>
    private let lengths: AlignedBuffer<Int32>?
    private var steps = 0

    /// - Parameters:
    ///   - options: The training options, of which the batch size, shards, loss, label smoothing, optimizer, L2,
    ///     clipping and averaging are used.
    ///   - inferenceBatchSize: The number of images per call at inference, at least 1.
    ///   - runs: The number of steps in each timed block and in the breakdown, at least 1; `nil` takes as many as fill
    ///     0.1 s per block and 1 s for the breakdown.
    /// - Throws: An ``OperationError`` if the network cannot be created.
    package init(
        graph: ResolvedGraph, options: TrainingOptions, inferenceBatchSize: Int, runs: Int?, seed: UInt64,
        pool: WorkerPool
    ) throws(OperationError) {
        precondition(inferenceBatchSize >= 1 && runs ?? 1 >= 1, "Profiler: batch size and runs must be at least 1")
        self.graph = graph
        self.options = options
        self.pool = pool
        self.inferenceBatchSize = inferenceBatchSize
        self.runs = runs
        network = try TrainingNetwork(
            graph: graph, batchSize: options.batchSize, shards: options.shards, seed: seed, pool: pool)
        optimizer = Optimizer(
            options: options.optimizer, l2: options.l2, clipping: options.gradientClipping,
            averagingDecay: options.averagingDecay, tensors: graph.parameters, count: graph.parameterCount)
        let count = max(options.batchSize, inferenceBatchSize)
        images = AlignedBuffer(count: count * graph.inputShape.count)
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
        for i in 0..<images.count { images[i] = stream.uniform() }
        // Lines of text have up to four characters each.
        let places = graph.readsLines ? 4 : 1
        labels = AlignedBuffer((0..<count * places).map { Int32($0 % graph.characterCount) })
        lengths =
            graph.readsLines ? AlignedBuffer((0..<count).map { _ in Int32(min(places, graph.outputColumns / 2)) }) : nil
        network.loss = (graph.readsLines ? .ctc : options.loss, nil)
    }

    /// Measures everything, calling `progress` before each part.
    /// - Throws: An ``OperationError`` if the network's loss is not finite.
    package func measure(progress: (String) -> Void = { _ in }) throws(OperationError) -> ProfileMeasurement {
        progress("training, batch \(options.batchSize)")
        let trainingRate = rate(batchSize: options.batchSize) { trainOnce(nil) }
        progress("parts of a step")
        let profile = network.makeProfile()
        network.profile = profile
        let training = breakdown(profile, trainingRate) { trainOnce(profile) }
        network.profile = nil
        let result = network.step(
            images: images, labels: labels, count: options.batchSize, step: steps, lengths: lengths)
        guard result.lossSum.isFinite else {
            throw OperationError(
                "profile", problem: "the loss of the network is not finite", remedy: "train it to see why")
        }
        progress("inference, batch \(inferenceBatchSize)")
        let (inferenceRate, inference) = measureInference()
        progress("inference, one image")
        let single = inferenceNetwork(1)
        let probabilities = AlignedBuffer<Float>(count: graph.classCount)
        let singleRate = rate(batchSize: 1) { single.predict(images: images, count: 1, probabilities: probabilities) }
        return ProfileMeasurement(
            threads: pool.threads, training: training, inference: inference, trainingRate: trainingRate,
            inferenceRate: inferenceRate, singleImageRate: singleRate)
    }

    private func trainOnce(_ profile: PlanProfile?) {
        _ = network.step(
            images: images, labels: labels, count: options.batchSize, step: steps, lengths: lengths,
            labelSmoothing: options.labelSmoothing)
        optimizer.step(
            parameters: network.store.parameters, gradients: network.store.gradients,
            learningRate: options.optimizer.learningRate * 1e-6, pool: pool)
        profile?.mark(.optimizer)
        steps += 1
    }

    private func inferenceNetwork(_ batchSize: Int) -> InferenceNetwork {
        let inference = InferenceNetwork(graph: graph, batchSize: batchSize, pool: pool)
        inference.load(parameters: network.store.parameters, state: network.store.state)
        return inference
    }

    private func measureInference() -> (ProfileMeasurement.Rate, ProfileMeasurement.Breakdown) {
        let inference = inferenceNetwork(inferenceBatchSize)
        let probabilities = AlignedBuffer<Float>(count: inferenceBatchSize * graph.classCount)
        func predict() {
            inference.predict(images: images, count: inferenceBatchSize, probabilities: probabilities)
        }
        let rate = rate(batchSize: inferenceBatchSize, predict)
        let profile = inference.makeProfile()
        inference.profile = profile
        return (rate, breakdown(profile, rate, predict))
    }

    /// Returns the seconds that `count` calls take.
    private func seconds(_ count: Int, _ body: () -> Void) -> Double {
        let start = MonotonicClock.nanoseconds()
        for _ in 0..<count { body() }
        return Double(MonotonicClock.nanoseconds() - start) * 1e-9
    }

    private func rate(batchSize: Int, _ body: () -> Void) -> ProfileMeasurement.Rate {
        // Two calls touch all memory; the third determines how many make a block.
        _ = seconds(2, body)
        let one = max(seconds(1, body), 1e-9)
        let count = runs ?? max(1, Int((Self.blockSeconds / one).rounded(.up)))
        let times = (0..<Self.blocks).map { _ in seconds(count, body) / Double(count) }.sorted()
        return ProfileMeasurement.Rate(
            batchSize: batchSize, blocks: Self.blocks, runs: count, seconds: times[Self.blocks / 2])
    }

    private func breakdown(
        _ profile: PlanProfile, _ rate: ProfileMeasurement.Rate, _ body: () -> Void
    ) -> ProfileMeasurement.Breakdown {
        let count = runs ?? max(5, Int((Self.breakdownSeconds / rate.seconds).rounded(.up)))
        body()
        profile.reset()
        let total = seconds(count, body)
        let each = 1 / Double(count)
        let sections = PlanProfile.Section.allCases.map { ($0, profile.seconds($0) * each) }
        return ProfileMeasurement.Breakdown(
            batchSize: rate.batchSize, runs: count, seconds: total * each,
            entries: profile.entries.map { $0.scaled(each) }, sections: sections.filter { $0.1 > 0 },
            idleSeconds: profile.idleSeconds * each)
    }
}
