import Foundation
import Numeral
import Testing
import Workers

/// Whole training runs in this process, on parts of the bundled sample.
@Suite struct TrainingRunTests {
    static let layers: [Layer] = [
        .conv2d(filters: 8, kernelSize: Size2D(5), strides: Size2D(2), padding: .same, useBias: false),
        .batchNormalization(), .relu, .maxPooling2d(poolSize: Size2D(2)),
        .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same), .gelu, .dropout(rate: 0.1), .flatten,
        .dense(units: 10),
    ]

    static func sample(training: Int, validation: Int) throws -> LoadedData {
        var options = DataOptions()
        options.source = .sample
        var data = try DatasetLoader.load(options, seed: 0)
        data.train = data.train.subset(0..<training)
        data.validation = data.validation.subset(0..<validation)
        return data
    }

    static func train(
        _ options: TrainingOptions, _ data: LoadedData, threads: Int, seed: UInt64 = 1, layers: [Layer] = layers,
        augmentation: AugmentationOptions = AugmentationOptions(), from state: TrainingState? = nil,
        shouldStop: () -> Bool = { false }, onCheckpoint: ((TrainingState) -> Void)? = nil,
        onEvent: (TrainingEvent) -> Void = { _ in }, communicator: any Communicator = SingleRank()
    ) throws -> TrainedModel {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: layers))
        let trainer = try Trainer(
            graph: graph, options: options, data: data, augmentation: augmentation, normalization: .standardize,
            seed: seed, pool: pool, communicator: communicator)
        return try trainer.run(
            from: state, shouldStop: shouldStop, onCheckpoint: onCheckpoint, onEvent: onEvent)
    }

    @Test func thirtyTwoImagesAreLearntByHeart() throws {
        var options = TrainingOptions()
        options.epochs = 60
        options.batchSize = 16
        options.optimizer = .adam(learningRate: 5e-3)
        options.earlyStopping = nil
        var last: EpochRecord?
        let layers = Self.layers.filter { $0.type != "dropout" }
        _ = try Self.train(
            options, try Self.sample(training: 32, validation: 0), threads: 1, layers: layers,
            onEvent: { if case .epoch(let record, _) = $0 { last = record } })
        #expect(last?.trainingAccuracy == 1)
        #expect((last?.trainingLoss ?? 9) < 0.05)
    }

    /// Dropout, augmentation, averaging, clipping and a short last batch, on 1, 2 and 3 threads.
    @Test func everyThreadCountGivesTheSameBits() throws {
        var options = TrainingOptions()
        options.epochs = 2
        options.batchSize = 48
        options.optimizer = .adamW(learningRate: 2e-3)
        options.averagingDecay = 0.9
        options.gradientClipping = .norm(1)
        options.labelSmoothing = 0.1
        var augmentation = AugmentationOptions()
        augmentation.rotation = 10
        augmentation.scale = 0.9...1.1
        augmentation.elastic = .init(alpha: 8, sigma: 3, probability: 0.5)
        augmentation.erasing = .init()
        augmentation.mixup = .init(alpha: 0.5, probability: 0.5)
        let data = try Self.sample(training: 200, validation: 50)
        let models = try [1, 2, 3].map {
            try Self.train(options, data, threads: $0, augmentation: augmentation)
        }
        for other in models.dropFirst() {
            #expect(other.parameters.array.map(\.bitPattern) == models[0].parameters.array.map(\.bitPattern))
            #expect(other.state.array.map(\.bitPattern) == models[0].state.array.map(\.bitPattern))
            #expect(other.history.epochs.map(\.trainingLoss) == models[0].history.epochs.map(\.trainingLoss))
            #expect(other.history.epochs.map(\.validationLoss) == models[0].history.epochs.map(\.validationLoss))
        }
        let another = try Self.train(options, data, threads: 1, seed: 2, augmentation: augmentation)
        #expect(another.parameters.array != models[0].parameters.array)
    }

    /// The statistics given back are those of the averaged weights on the first training images, as they are or augmented
    /// as in the last epoch.
    @Test(arguments: [false, true]) func averagedWeightsGetStatisticsOfTheirOwn(augmented: Bool) throws {
        var options = TrainingOptions()
        options.epochs = 2
        options.batchSize = 48
        options.averagingDecay = 0.9
        options.earlyStopping = nil
        var augmentation = AugmentationOptions()
        augmentation.translation = 2
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: Self.layers))
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        for validation in [0, 40] {
            let data = try Self.sample(training: 150, validation: validation)
            options.averagingStatisticsImages = 0
            let plain = try Self.train(options, data, threads: 2, augmentation: augmentation)
            options.averagingStatisticsImages = 100
            options.averagingStatisticsAugmented = augmented
            let model = try Self.train(options, data, threads: 1, augmentation: augmentation)
            #expect(model.parameters.array == plain.parameters.array)
            let mean = data.normalizationConstants(.standardize)
            let augmenter = try Augmenter(augmentation, height: 28, width: 28, channels: 1, seed: 1)
            let loader = BatchLoader(
                data: data.train.subset(0..<100), batchSize: 100, normalization: mean,
                augmenter: augmented ? augmenter : nil, seed: 5, shuffle: false, pool: pool)
            loader.start(epoch: 2)
            let batch = try #require(loader.next())
            let statistics = try #require(
                BatchNormStatistics(graph: graph, batchSize: 100, shards: options.shards, pool: pool))
            let state = graph.initialState()
            statistics.begin(parameters: model.parameters)
            statistics.add(images: batch.images, count: 100)
            statistics.finish(into: state)
            #expect(model.state.array == state.array && model.state.array != plain.state.array)
        }
    }

    /// The mean over the views: of shifts by whole pixels, what sets of images shifted beforehand give.
    @Test func viewsAreAveraged() throws {
        let data = try Self.sample(training: 64, validation: 23)
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: Self.layers))
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let classifier = Classifier(
            graph: graph, batchSize: 10, normalization: data.normalizationConstants(.standardize), pool: pool)
        classifier.load(parameters: try graph.initialParameters(seed: 4), state: graph.initialState())
        let images = data.validation
        func shifted(_ x: Int, _ y: Int) throws -> ImageSet {
            let pixels = images.images.indices.map { index -> UInt8 in
                let column = index % 28 - x, row = index / 28 % 28 - y
                guard (0..<28).contains(column), (0..<28).contains(row) else { return 0 }
                return images.images[index - y * 28 - x]
            }
            return try ImageSet(
                images: pixels, labels: images.labels, height: 28, width: 28, classCount: 10,
                classNames: images.classNames)
        }
        let each = try [(0, 0), (-2, 0), (2, 0), (0, -2), (0, 2)].map {
            classifier.probabilities(of: try shifted($0, $1))
        }
        let found = try classifier.probabilities(of: images, averagedOver: TestTimeAugmentation(translation: 2))
        #expect(found.count == 230)
        for i in found.indices {
            let mean = each.reduce(0.0) { $0 + Double($1[i]) } / 5
            #expect(abs(Double(found[i]) - mean) < 1e-6)
        }
        #expect(try classifier.probabilities(of: images, averagedOver: nil) == each[0])
    }

    /// With far too high a rate validation gets worse: training stops, and the weights given back are those of the best
    /// epoch, as a run of only so many epochs leaves them.
    @Test func earlyStoppingGivesBackTheBestWeights() throws {
        var options = TrainingOptions()
        options.epochs = 30
        options.batchSize = 32
        options.optimizer = .sgd(learningRate: 0.5, momentum: 0.9)
        options.earlyStopping = EarlyStoppingOptions(patience: 2)
        let data = try Self.sample(training: 128, validation: 100)
        let stopped = try Self.train(options, data, threads: 2)
        let history = stopped.history
        #expect(history.stoppedEarly)
        #expect(history.epochs.count == history.bestEpoch + 2)
        let losses = history.epochs.compactMap(\.validationLoss)
        #expect(losses.min() == losses[history.bestEpoch - 1])
        options.epochs = history.bestEpoch
        options.earlyStopping = nil
        let short = try Self.train(options, data, threads: 2)
        #expect(short.parameters.array.map(\.bitPattern) == stopped.parameters.array.map(\.bitPattern))
        #expect(short.state.array.map(\.bitPattern) == stopped.state.array.map(\.bitPattern))
    }

    @Test func divergenceNamesTheStep() throws {
        var options = TrainingOptions()
        options.batchSize = 32
        options.optimizer = .sgd(learningRate: 1e30)
        let layers: [Layer] = [.flatten, .dense(units: 32), .dense(units: 10)]
        let data = try Self.sample(training: 128, validation: 10)
        let error = #expect(throws: TrainingError.self) {
            try Self.train(options, data, threads: 1, layers: layers)
        }
        guard case .diverged(let step, let epoch, let loss, .loss, let remedy)? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect((2...4).contains(step) && epoch == 1 && !loss.isFinite)
        #expect(remedy.contains("lower training.optimizer.learningRate (1e+30;"))
        #expect(remedy.contains("training.gradientClipping"))
    }

    @Test func askedToStopItFinishesTheStepAndKeepsTheBestEpoch() throws {
        var options = TrainingOptions()
        options.batchSize = 32
        let data = try Self.sample(training: 96, validation: 20)
        var steps = 0
        let model = try Self.train(
            options, data, threads: 1, shouldStop: { steps >= 4 }, onEvent: { if case .step = $0 { steps += 1 } })
        #expect(model.interrupted && steps == 4)
        #expect(model.history.epochs.count == 1 && model.history.bestEpoch == 1)
        #expect(model.parameters.array.contains { $0 != 0 })
    }

    @Test func modelFilesRepeatTheModel() throws {
        var options = TrainingOptions()
        options.epochs = 1
        let data = try Self.sample(training: 64, validation: 20)
        let trained = try Self.train(options, data, threads: 1)
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: Self.layers))
        var experiment = Experiment(name: "round-trip", model: graph.graph, training: options)
        experiment.data.directory = "/some/where"
        let saved = SavedModel(
            experiment: experiment, graph: graph, classNames: data.train.classNames,
            normalization: data.normalizationConstants(.standardize), parameters: trained.parameters,
            state: trained.state)
        let bytes = saved.encoded()
        let again = try SavedModel.decode(bytes, name: "file")
        #expect(again.parameters.array.map(\.bitPattern) == trained.parameters.array.map(\.bitPattern))
        #expect(again.state.array.map(\.bitPattern) == trained.state.array.map(\.bitPattern))
        #expect(again.normalization?.mean == saved.normalization?.mean)
        #expect(again.classNames == data.train.classNames)
        #expect(again.experiment.data.directory == nil, "a model names no folder of the machine that made it")
        #expect(again.encoded() == bytes)
        for cut in [0, 7, 8, 100, bytes.count - 1] {
            #expect(throws: InputError.self) { try SavedModel.decode(bytes.prefix(cut), name: "file") }
        }
    }
}
