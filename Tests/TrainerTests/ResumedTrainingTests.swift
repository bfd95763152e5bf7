import Foundation
import Numeral
import Tensors
import Testing
import Workers

/// Training that goes on from a checkpoint, in this process: the same bits as without the break.
@Suite struct ResumedTrainingTests {
    private static func options(_ optimizer: OptimizerOptions, _ schedule: ScheduleOptions) -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 3
        options.batchSize = 48
        options.optimizer = optimizer
        options.schedule = schedule
        options.checkpoints = CheckpointOptions(everySteps: 1, everyMinutes: nil)
        return options
    }

    private static let augmentation: AugmentationOptions = {
        var options = AugmentationOptions()
        options.rotation = 10
        options.translation = 1
        options.mixup = .init(alpha: 0.2, probability: 0.3)
        options.cutmix = .init(probability: 0.3)
        return options
    }()

    /// The history without its times.
    private static func figures(_ history: TrainingHistory) -> TrainingHistory {
        var history = history
        (history.seconds, history.imagesPerSecond) = (0, 0)
        for index in history.epochs.indices {
            (history.epochs[index].seconds, history.epochs[index].imagesPerSecond) = (0, 0)
        }
        return history
    }

    private static func expectEqual(_ a: TrainedModel, _ b: TrainedModel, _ place: String) {
        #expect(a.parameters.array.map(\.bitPattern) == b.parameters.array.map(\.bitPattern), "\(place)")
        #expect(a.state.array.map(\.bitPattern) == b.state.array.map(\.bitPattern), "\(place)")
        #expect(figures(a.history) == figures(b.history), "\(place)")
        #expect(a.interrupted == b.interrupted, "\(place)")
    }

    /// From every step and every epoch's end, through a file, on another number of threads; and what is written on the
    /// way is the same again.
    @Test(arguments: [
        (options(.adamW(learningRate: 2e-3), .oneCycle(momentum: 0.8...0.95)), 0.9, GradientClipping.norm(1)),
        (options(.sgd(learningRate: 0.02, momentum: 0.9, nesterov: true), .cosine()), nil, nil),
        (options(.rmsprop(learningRate: 1e-3, momentum: 0.5), .exponential(decay: 0.8)), nil, .value(0.01)),
        (options(.adagrad(initialAccumulator: 0.1), .constant), nil, nil),
        (options(.lamb(learningRate: 5e-3), .constant), 0.9, nil),
        (options(.muon(), .oneCycle(momentum: 0.8...0.95)), nil, .norm(1)),
    ])
    func everyPlaceLeadsToTheSameBits(
        _ options: TrainingOptions, _ averaging: Double?, _ clipping: GradientClipping?
    ) throws {
        var options = options
        options.averagingDecay = averaging
        options.gradientClipping = clipping
        // Where there is averaging, a lookahead of two steps too.
        options.lookahead = averaging == nil ? nil : LookaheadOptions(steps: 2)
        options.averagingStatisticsImages = averaging == nil ? 0 : 70
        options.labelSmoothing = 0.1
        options.layerDecay = 0.8
        options.frozen =
            averaging == nil ? [] : [FrozenLayers("conv2d_1", epochs: 1), FrozenLayers("batch*", epochs: 2)]
        let data = try TrainingRunTests.sample(training: 120, validation: 40)
        var states: [TrainingState] = []
        let whole = try TrainingRunTests.train(
            options, data, threads: 2, augmentation: Self.augmentation, onCheckpoint: { states.append($0) })
        #expect(states.map(\.progress.step) == [1, 2, 0, 1, 2, 0, 1, 2, 0])
        #expect(states.map(\.progress.epoch) == [1, 1, 2, 2, 2, 3, 3, 3, 4])
        for (index, state) in states.enumerated() {
            let file = try Checkpoint(
                configuration: "", dataDigests: [:], engine: [:], liveFiles: [:], state: state
            ).encoded()
            var later: [TrainingState] = []
            let resumed = try TrainingRunTests.train(
                options, data, threads: 1 + index % 3, augmentation: Self.augmentation,
                from: try Checkpoint.decode(file, name: "file").state, onCheckpoint: { later.append($0) })
            Self.expectEqual(resumed, whole, "from \(index)")
            let expected = states[(index + 1)...]
            #expect(later.map(\.tensors) == expected.map(\.tensors), "from \(index)")
            #expect(later.map(\.progress.lossSum) == expected.map(\.progress.lossSum), "from \(index)")
        }
    }

    /// The best epoch lies before the checkpoint: best weights, patience and the stop itself survive.
    @Test func earlyStoppingSurvives() throws {
        var options = TrainingOptions()
        options.epochs = 30
        options.batchSize = 32
        options.optimizer = .sgd(learningRate: 0.5, momentum: 0.9)
        options.earlyStopping = EarlyStoppingOptions(patience: 2)
        options.checkpoints = CheckpointOptions(everySteps: 2, everyMinutes: nil)
        let data = try TrainingRunTests.sample(training: 128, validation: 100)
        var states: [TrainingState] = []
        let whole = try TrainingRunTests.train(options, data, threads: 2, onCheckpoint: { states.append($0) })
        #expect(whole.history.stoppedEarly)
        #expect(states.last?.progress.history.stoppedEarly == true)
        for state in states.suffix(6) {
            Self.expectEqual(
                try TrainingRunTests.train(options, data, threads: 1, from: state), whole,
                "from epoch \(state.progress.epoch), step \(state.progress.step)")
        }
    }

    /// Stopped after any number of steps, an epoch's last one included, or at an epoch's end: one checkpoint, of there.
    @Test(arguments: 1...8)
    func interruptedAnywhereItGoesOn(asked: Int) throws {
        var options = Self.options(.adam(learningRate: 2e-3), .constant)
        options.epochs = 2
        options.checkpoints = CheckpointOptions(everyMinutes: nil, everyEpoch: false)
        let data = try TrainingRunTests.sample(training: 120, validation: 20)
        let whole = try TrainingRunTests.train(options, data, threads: 1)
        var states: [TrainingState] = []
        var questions = 0
        let stopped = try TrainingRunTests.train(
            options, data, threads: 1,
            shouldStop: {
                questions += 1
                return questions == asked
            }, onCheckpoint: { states.append($0) })
        // Three steps and the epoch's end, twice.
        let places = [(1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0)]
        #expect(stopped.interrupted && states.count == 1)
        let state = try #require(states.first)
        #expect((state.progress.epoch, state.progress.step) == places[asked - 1])
        Self.expectEqual(try TrainingRunTests.train(options, data, threads: 2, from: state), whole, "\(asked)")
    }

    @Test func stateOfAnotherNetworkOrRunIsRefused() throws {
        let options = Self.options(.adam(), .constant)
        let data = try TrainingRunTests.sample(training: 96, validation: 20)
        var states: [TrainingState] = []
        _ = try TrainingRunTests.train(options, data, threads: 1, onCheckpoint: { states.append($0) })
        let state = try #require(states.last)
        func expectRefusal(_ changed: TrainingState, _ options: TrainingOptions, _ word: String) {
            let error = #expect(throws: InputError.self) {
                try TrainingRunTests.train(options, data, threads: 1, from: changed)
            }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
        expectRefusal(state, Self.options(.sgd(learningRate: 0.1), .constant), "optimizer/m")
        var changed = state
        changed.tensors[0].values.removeLast()
        expectRefusal(changed, options, "parameters")
        for epoch in [Int.min, 0, 3, 5, Int.max] {
            changed = state
            changed.progress.epoch = epoch
            expectRefusal(changed, options, "a place in 3 epochs of 2 steps")
        }
        changed = state
        changed.progress.step = 3
        expectRefusal(changed, options, "step 3")
    }

    @Test func withoutTheOptionNothingIsWritten() throws {
        var options = Self.options(.adam(), .constant)
        options.checkpoints = nil
        let data = try TrainingRunTests.sample(training: 48, validation: 20)
        var count = 0
        _ = try TrainingRunTests.train(
            options, data, threads: 1, shouldStop: { true }, onCheckpoint: { _ in count += 1 })
        #expect(count == 0)
    }

    /// A step that spoils the weights, whose own loss was sound: the checkpoint after it is not written.
    @Test func spoiltWeightsAreNotWritten() throws {
        let options = Self.options(.sgd(learningRate: 1e39), .constant)
        let data = try TrainingRunTests.sample(training: 96, validation: 20)
        var count = 0
        let error = #expect(throws: TrainingError.self) {
            try TrainingRunTests.train(options, data, threads: 1, onCheckpoint: { _ in count += 1 })
        }
        guard case .diverged(1, 1, let loss, .weights, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(count == 0 && loss.isFinite)
    }
}

/// What a NaN or an infinity in a picture does.
@Suite struct NotFiniteTests {
    /// With batch-norm and without: ReLU may run along with it, or alone.
    private static let networks: [[Layer]] = [
        TrainingRunTests.layers,
        [
            .conv2d(filters: 5, kernelSize: Size2D(3)), .relu, .averagePooling2d(poolSize: Size2D(2)), .gelu, .flatten,
            .dense(units: 24), .relu, .dense(units: 10),
        ],
        [
            .conv2d(filters: 20, kernelSize: Size2D(3), padding: .same), .maxPooling2d(poolSize: Size2D(2)),
            .conv2d(filters: 20, kernelSize: Size2D(3), padding: .same), .leakyRelu(negativeSlope: 0.1),
            .globalAveragePooling2d, .dense(units: 10),
        ],
    ]

    /// At inference it spoils the one image that has it and no other; in training it shows in the loss of its step.
    @Test(arguments: [Float.nan, .infinity, -.infinity], networks)
    func itShowsWhereItIs(_ value: Float, _ layers: [Layer]) throws {
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: layers))
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let count = 9
        let images = AlignedBuffer<Float>(count: count * 784)
        for i in 0..<images.count { images[i] = Float(i * 7 % 31) / 31 }
        let clean = AlignedBuffer<Float>(count: count * 10), spoilt = AlignedBuffer<Float>(count: count * 10)
        let network = InferenceNetwork(graph: graph, batchSize: count, pool: pool)
        network.load(parameters: try graph.initialParameters(seed: 1), state: graph.initialState())
        network.predict(images: images, count: count, probabilities: clean)
        images[4 * 784 + 400] = value
        network.predict(images: images, count: count, probabilities: spoilt)
        for image in 0..<count {
            let range = (image * 10)..<(image * 10 + 10)
            let before = range.map { clean[$0].bitPattern }, after = range.map { spoilt[$0].bitPattern }
            #expect(before.allSatisfy { Float(bitPattern: $0).isFinite })
            if image == 4 {
                #expect(range.contains { spoilt[$0].isNaN })
            } else {
                #expect(before == after, "image \(image)")
            }
        }
        let training = try TrainingNetwork(graph: graph, batchSize: count, shards: 4, seed: 1, pool: pool)
        let labels = AlignedBuffer<Int32>((0..<count).map { Int32($0) })
        #expect(!training.step(images: images, labels: labels, count: count, step: 0).lossSum.isFinite)
    }
}
