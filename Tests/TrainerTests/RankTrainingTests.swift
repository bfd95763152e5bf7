import Foundation
import Numeral
import TestSupport
import Testing
import Workers

@testable import Training

/// Whole training runs on several ranks (threads of this process): the bits of one rank.
@Suite struct RankTrainingTests {
    private static func options() -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = 3
        options.batchSize = 48
        options.optimizer = .adamW(learningRate: 2e-3)
        options.averagingDecay = 0.9
        options.gradientClipping = .norm(1)
        options.labelSmoothing = 0.1
        options.frozen = [FrozenLayers("conv2d_1", epochs: 1), FrozenLayers("batch*", epochs: 2)]
        options.checkpoints = CheckpointOptions(everySteps: 2, everyMinutes: nil)
        return options
    }

    private static let augmentation: AugmentationOptions = {
        var options = AugmentationOptions()
        options.rotation = 10
        options.elastic = .init(alpha: 8, sigma: 3, probability: 0.5)
        return options
    }()

    private static func bits(_ model: TrainedModel) -> [[UInt32]] {
        [model.parameters, model.state].map { $0.array.map(\.bitPattern) }
    }

    private static func figures(_ model: TrainedModel) -> [[Double?]] {
        model.history.epochs.map { [$0.trainingLoss, $0.trainingAccuracy, $0.validationLoss, $0.validationAccuracy] }
    }

    /// A last batch of 5 images, which leaves ranks without any; augmentation, dropout, batch-norm; and from every
    /// checkpoint of one rank three go on.
    @Test func everyNumberOfRanksGivesTheSameBits() throws {
        var options = Self.options()
        // Whether an epoch's end is worth one is a matter of time.
        options.checkpoints?.everyEpoch = false
        let data = try TrainingRunTests.sample(training: 101, validation: 50)
        var states: [TrainingState] = []
        let expected = try TrainingRunTests.train(
            options, data, threads: 1, augmentation: Self.augmentation, onCheckpoint: { states.append($0) })
        for ranks in [2, 4, 7] {
            let (models, _) = try ThreadRanks.run(ranks) {
                try TrainingRunTests.train(
                    options, data, threads: 1, augmentation: Self.augmentation, communicator: $0)
            }
            for model in models {
                #expect(Self.bits(model) == Self.bits(expected), "\(ranks) ranks")
                #expect(Self.figures(model) == Self.figures(expected), "\(ranks) ranks")
            }
        }
        #expect(states.map(\.progress.optimizerSteps) == [2, 4, 6, 8])
        for state in states {
            let (models, _) = try ThreadRanks.run(3) {
                try TrainingRunTests.train(
                    options, data, threads: 1, augmentation: Self.augmentation, from: state, communicator: $0)
            }
            for model in models { #expect(Self.bits(model) == Self.bits(expected)) }
        }
    }

    /// What came beside the plain step: mixed images, statistics of averaged weights, smaller images first, several cycles.
    @Test func techniquesGiveTheSameBits() throws {
        var options = Self.options()
        options.averagingStatisticsImages = 70
        options.lookahead = LookaheadOptions()
        options.progressiveResizing = [.init(epochs: 1, height: 14, width: 14)]
        var augmentation = Self.augmentation
        augmentation.mixup = .init(alpha: 0.4, probability: 0.5)
        augmentation.cutmix = .init(alpha: 1, probability: 0.5)
        let layers = TrainingRunTests.layers.map { $0 == .flatten ? .globalAveragePooling2d : $0 }
        let data = try TrainingRunTests.sample(training: 101, validation: 50)
        let expected = try TrainingRunTests.train(
            options, data, threads: 2, layers: layers, augmentation: augmentation)
        for ranks in [2, 5] {
            let (models, _) = try ThreadRanks.run(ranks) {
                try TrainingRunTests.train(
                    options, data, threads: 1, layers: layers, augmentation: augmentation, communicator: $0)
            }
            for model in models {
                #expect(Self.bits(model) == Self.bits(expected), "\(ranks) ranks")
                #expect(Self.figures(model) == Self.figures(expected), "\(ranks) ranks")
            }
        }
    }

    /// Teachers would have to see a batch grouped as on one process: refused, not computed otherwise.
    @Test func teachersAreRefused() throws {
        var options = Self.options()
        options.distillation = DistillationOptions(teachers: ["a"])
        let data = try TrainingRunTests.sample(training: 64, validation: 10)
        let (errors, _) = try ThreadRanks.run(2) { communicator in
            do {
                _ = try TrainingRunTests.train(options, data, threads: 1, communicator: communicator)
                return InputError?.none
            } catch { return error as? InputError }
        }
        #expect(errors.allSatisfy { $0?.place == "training.distillation" && $0?.received == "2" })
    }

    /// Test-time views, in batches of which some ranks have nothing.
    @Test func averagedViews() throws {
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: TrainingRunTests.layers))
        let images = try TrainingRunTests.sample(training: 45, validation: 1).train
        let parameters = try graph.initialParameters(seed: 3)
        @Sendable func probabilities(_ communicator: any Communicator) throws -> [UInt32] {
            let pool = WorkerPool(threads: 1)
            let classifier = Classifier(
                graph: graph, batchSize: 20, normalization: (0.1, 0.3), pool: pool, communicator: communicator)
            classifier.load(parameters: parameters, state: graph.initialState())
            return try classifier.probabilities(
                of: images, averagedOver: TestTimeAugmentation(translation: 1, rotation: 5)
            ).map(\.bitPattern)
        }
        let expected = try probabilities(SingleRank())
        let (found, _) = try ThreadRanks.run(4) { try probabilities($0) }
        for other in found { #expect(other == expected) }
    }

    /// One rank is asked to stop; the checkpoint is written by rank 0 at the same step, and one rank goes on from it.
    @Test func oneRankStopsAll() throws {
        let options = Self.options()
        let data = try TrainingRunTests.sample(training: 101, validation: 20)
        let expected = try TrainingRunTests.train(options, data, threads: 1)
        let (found, _) = try ThreadRanks.run(3) { communicator in
            var questions = 0
            var last: TrainingState?
            let model = try TrainingRunTests.train(
                options, data, threads: 1,
                shouldStop: {
                    questions += 1
                    return communicator.rank == 2 && questions == 5
                }, onCheckpoint: { last = $0 }, communicator: communicator)
            return (model.interrupted, last)
        }
        #expect(found.map(\.0) == [true, true, true])
        // Three steps and an epoch's end are four questions.
        #expect(found.map(\.1?.progress.optimizerSteps) == [4, 4, 4])
        let resumed = try TrainingRunTests.train(options, data, threads: 1, from: found[0].1)
        #expect(Self.bits(resumed) == Self.bits(expected))
    }

    @Test func allDivergeAtTheSameStep() throws {
        var options = TrainingOptions()
        options.batchSize = 32
        options.optimizer = .sgd(learningRate: 1e30)
        let data = try TrainingRunTests.sample(training: 128, validation: 10)
        let (errors, _) = try ThreadRanks.run(3) { communicator in
            do {
                _ = try TrainingRunTests.train(
                    options, data, threads: 1, layers: [.flatten, .dense(units: 32), .dense(units: 10)],
                    communicator: communicator)
                return TrainingError?.none
            } catch { return error as? TrainingError }
        }
        // As text: a loss of NaN equals nothing.
        let first = try #require(errors[0])
        #expect(errors.allSatisfy { $0.map { "\($0)" } == "\(first)" })
    }

    /// A rank that holds other weights is found before the first step.
    @Test func otherWeightsAreFound() throws {
        let options = Self.options()
        let data = try TrainingRunTests.sample(training: 64, validation: 10)
        let (errors, _) = try ThreadRanks.run(3) { communicator in
            let pool = WorkerPool(threads: 1)
            let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: TrainingRunTests.layers))
            let trainer = try Trainer(
                graph: graph, options: options, data: data, augmentation: AugmentationOptions(),
                normalization: .standardize, seed: 1, pool: pool, communicator: communicator)
            let parameters = trainer.network.store.parameters
            if communicator.rank == 1 { parameters[parameters.count - 1] += 1e-6 }
            do {
                _ = try trainer.run()
                return OperationError?.none
            } catch { return error as? OperationError }
        }
        #expect(errors.allSatisfy { $0?.problem.contains("rank 1 does not hold the weights of rank 0") == true })
    }

    #if !NUMERAL_MPI
        /// Started by mpirun, a build without MPI does not train the same network several times over.
        @Test func withoutMPIThereIsOneProcess() throws {
            let folder = try CommandLineTests.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let process = try CommandLineTests.process(["--config", CommandLineTests.config], in: folder)
            process.environment?["OMPI_COMM_WORLD_SIZE"] = "2"
            try process.run()
            let outcome = try CommandLineTests.outcome(of: process, in: folder)
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains("expected a trainer built with MPI, to train with 2 processes together"))
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("runs").path))
        }
    #endif
}
