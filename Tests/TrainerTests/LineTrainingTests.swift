import Foundation
import Numeral
import TestSupport
import Testing
import Workers

@testable import Datasets
@testable import Training

/// Training on lines of text: the same bits however it is shared out and wherever it goes on, and what it refuses.
@Suite struct LineTrainingTests {
    private static let layers: [Layer] = [
        .conv2d(filters: 8, kernelSize: 3, padding: .same, useBias: false), .batchNormalization(), .relu,
        .maxPooling2d(poolSize: 2),
        .conv2d(filters: 12, kernelSize: 3, padding: .same), .relu, .maxPooling2d(poolSize: Size2D(4, 1)),
        .conv2d(filters: 16, kernelSize: Size2D(2, 1)), .relu, .dropout(rate: 0.1),
        .conv2d(filters: 11, kernelSize: 1),
    ]

    private static func options() -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 2
        options.batchSize = 24
        options.loss = .ctc
        options.optimizer = .adamW(learningRate: 3e-3)
        options.averagingDecay = 0.9
        options.earlyStopping = nil
        options.frozen = [FrozenLayers("conv2d_1", epochs: 1)]
        options.checkpoints = CheckpointOptions(everySteps: 1, everyMinutes: nil, everyEpoch: false)
        return options
    }

    private static func data(_ change: (inout LineOptions) -> Void = { _ in }) throws -> LoadedData {
        var data = try TrainingRunTests.sample(training: 200, validation: 60), lines = LineOptions()
        (lines.count, lines.validationCount, lines.widths) = (85, 20, 3)
        lines.length = .init(1, 4)
        change(&lines)
        data.lines = try LineData(lines, height: 16, width: 96)
        return data
    }

    private static func train(
        _ options: TrainingOptions = options(), _ data: LoadedData? = nil, threads: Int, layers: [Layer] = layers,
        width: Int = 96, augmentation: AugmentationOptions = .init(), normalization: Normalization = .none,
        from state: TrainingState? = nil, onCheckpoint: ((TrainingState) -> Void)? = nil,
        communicator: any Communicator = SingleRank()
    ) throws -> TrainedModel {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let graph = try ResolvedGraph(Graph(inputShape: Shape([16, width, 1]), layers: layers))
        let trainer = try Trainer(
            graph: graph, options: options, data: try data ?? Self.data(), augmentation: augmentation,
            normalization: normalization, seed: 5, pool: pool, communicator: communicator)
        return try trainer.run(from: state, onCheckpoint: onCheckpoint)
    }

    private static func bits(_ model: TrainedModel) -> [[UInt32]] {
        [model.parameters, model.state].map { $0.array.map(\.bitPattern) }
    }

    private static func figures(_ model: TrainedModel) -> [[Double?]] {
        model.history.epochs.map { [$0.trainingLoss, $0.trainingAccuracy, $0.validationLoss, $0.validationAccuracy] }
    }

    @Test func everyThreadCountRankAndPlaceToGoOnGivesTheSameBits() throws {
        var states: [TrainingState] = []
        let whole = try Self.train(threads: 1, onCheckpoint: { states.append($0) })
        #expect(whole.history.epochs.count == 2 && whole.history.epochs[1].validationLoss != nil)
        #expect(states.count == 6)
        for threads in [2, 3] {
            let other = try Self.train(threads: threads)
            #expect(Self.bits(other) == Self.bits(whole) && Self.figures(other) == Self.figures(whole))
        }
        for (index, state) in states.enumerated() {
            let resumed = try Self.train(threads: 1 + index % 3, from: state)
            #expect(Self.bits(resumed) == Self.bits(whole), "\(index)")
            #expect(Self.figures(resumed) == Self.figures(whole), "\(index)")
        }
        for ranks in [2, 5] {
            let (models, _) = try ThreadRanks.run(ranks) { try Self.train(threads: 1, communicator: $0) }
            for model in models {
                #expect(Self.bits(model) == Self.bits(whole), "\(ranks) ranks")
                #expect(Self.figures(model) == Self.figures(whole), "\(ranks) ranks")
            }
        }
    }

    /// Wide gaps, few characters: within seconds most of the lines are read.
    @Test func readingIsLearnt() throws {
        var options = Self.options()
        (options.epochs, options.frozen, options.averagingDecay) = (12, [], nil)
        options.optimizer = .adamW(learningRate: 6e-3)
        let data = try Self.data { lines in
            (lines.count, lines.touching, lines.noise, lines.blur, lines.remnants) = (960, 0, 0, 0, 0)
            (lines.rotation, lines.slant, lines.stroke, lines.distortion) = (0, 0, 0, 0)
            lines.length = .init(1, 3)
        }
        let model = try Self.train(options, data, threads: 2)
        #expect(model.history.epochs.last?.trainingAccuracy ?? 0 > 0.5)
        #expect(model.history.epochs.last?.validationLoss ?? 9 < 0.5 * (model.history.epochs[0].validationLoss ?? 0))
    }

    @Test func whatDoesNotGoTogetherIsRefused() throws {
        func place(_ work: () throws -> TrainedModel) -> String {
            do {
                _ = try work()
                return "accepted"
            } catch {
                return (error as? InputError)?.place ?? "\(error)"
            }
        }
        var options = Self.options()
        options.loss = .crossEntropy
        #expect(place { try Self.train(options, threads: 1) } == "training.loss")
        let images = try TrainingRunTests.sample(training: 40, validation: 0)
        #expect(place { try Self.train(Self.options(), images, threads: 1) } == "training.loss")
        // Two rows high at the end; other classes; a width that no window fits.
        var layers = Self.layers
        layers[7] = .conv2d(filters: 16, kernelSize: 1)
        #expect(place { try Self.train(threads: 1, layers: layers) }.hasPrefix("model.layers["))
        layers = Self.layers
        layers[10] = .conv2d(filters: 10, kernelSize: 1)
        #expect(place { try Self.train(threads: 1, layers: layers) } == "model.layers[10] (conv2d_4)")
        layers = Self.layers
        layers[9] = .conv2d(filters: 4, kernelSize: Size2D(1, 40))
        #expect(place { try Self.train(threads: 1, layers: layers) } == "model.layers")
        layers = Self.layers.dropLast() + [.flatten, .dense(units: 11)]
        #expect(place { try Self.train(threads: 1, layers: layers) } == "model.layers[11] (dense_1)")
        for (key, change) in [
            ("training.labelSmoothing", { $0.labelSmoothing = 0.1 }),
            ("training.classWeights", { $0.classWeights = .balanced }),
            ("training.whitening", { $0.whitening = WhiteningOptions(images: 10) }),
            ("training.averagingStatisticsImages", { $0.averagingStatisticsImages = 10 }),
        ] as [(String, (inout TrainingOptions) -> Void)] {
            var options = Self.options()
            change(&options)
            #expect(place { try Self.train(options, threads: 1) } == key)
        }
        var augmentation = AugmentationOptions()
        augmentation.rotation = 3
        #expect(place { try Self.train(threads: 1, augmentation: augmentation) } == "augmentation")
        #expect(place { try Self.train(threads: 1, normalization: .standardize) } == "data.normalization")
        #expect(throws: InputError.self) { try LineData(LineOptions(), height: 32, width: 100) }
        #expect(throws: InputError.self) { try LineData(LineOptions(), height: 4, width: 100) }
        #expect(throws: InputError.self) {
            try LineComposer(images.train.subset([]), LineData(LineOptions(), height: 16, width: 64), seed: 0, columns: [])
        }
    }
}
