import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral
import Workers

/// Numeral's side of `Benchmarks/time_to_accuracy.py`: trains a recipe on the whole training set and tests it after every
/// epoch, outside the clock. No choice is made by it; `trainer` itself looks at the test set once.
@main
struct TimeToAccuracy: ParsableCommand {
    @Option(help: "The recipe, a configuration.")
    var config: String

    @Option var seed: UInt64 = 0

    @Option(help: "Folder of the data set.")
    var data: String?

    @Option var threads: Int?

    func run() throws {
        let overrides = ["data.validationFraction=0", "training.earlyStopping=null", "seed=\(seed)"]
        var experiment = try ExperimentFile.load(path: config, overrides: overrides)
        experiment.data.directory = data
        experiment.data.source = .full
        experiment.training.checkpoints = nil
        let pool = WorkerPool(threads: threads ?? Machine.usableCores)
        try BLASSelfTest.require(pool: pool)
        var images = try DatasetLoader.load(experiment.data, seed: seed)
        // What is validated after each epoch is the test set.
        images.validation = try images.loadTest().images
        let cache = LoweringCache(folder: URL(fileURLWithPath: DatasetLocations().cacheDirectory, isDirectory: true))
        let (graph, _) = cache.tuned(
            try ResolvedGraph(experiment.model), batchSize: experiment.training.batchSize,
            shards: experiment.training.shards, anew: false
        ) { FileHandle.standardError.write(Data("\($0)\n".utf8)) }
        let trainer = try Trainer(
            graph: graph, options: experiment.training, data: images, augmentation: experiment.augmentation,
            normalization: experiment.data.normalization, evaluationBatchSize: experiment.evaluation.batchSize,
            seed: seed, pool: pool)
        let history = try trainer.run().history
        var seconds = 0.0
        let epochs = history.epochs.map { record -> Epoch in
            seconds += record.seconds
            return Epoch(
                epoch: record.epoch, seconds: seconds, accuracy: record.validationAccuracy ?? 0,
                trainingLoss: record.trainingLoss)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let outcome = Outcome(
            parameters: graph.parameterCount, images: images.train.count, threads: pool.threads, epochs: epochs)
        print(String(decoding: try encoder.encode(outcome), as: UTF8.self))
    }

    struct Epoch: Encodable {
        var epoch: Int
        /// Of training, from the first step.
        var seconds: Double
        var accuracy: Double
        var trainingLoss: Double
    }

    struct Outcome: Encodable {
        var parameters: Int
        var images: Int
        var threads: Int
        var epochs: [Epoch]
    }
}
