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
        #expect(states.count == 8)
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

    /// Wide gaps, few characters: within seconds a good part of the lines is read, which guessing would not.
    @Test func readingIsLearnt() throws {
        var options = Self.options()
        (options.epochs, options.frozen, options.averagingDecay) = (24, [], nil)
        options.optimizer = .adamW(learningRate: 1e-2)
        options.schedule = .oneCycle()
        let data = try Self.data { lines in
            (lines.count, lines.touching, lines.noise, lines.blur, lines.remnants) = (2_400, 0, 0, 0, 0)
            (lines.rotation, lines.slant, lines.stroke, lines.distortion) = (0, 0, 0, 0)
            lines.length = .init(1, 2)
        }
        let layers = Self.layers.filter { $0.type != "dropout" }
        let model = try Self.train(options, data, threads: 2, layers: layers)
        #expect(model.history.epochs.last?.trainingAccuracy ?? 0 > 0.3)
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
            try LineComposer(
                images.train.subset([]), LineData(LineOptions(), height: 16, width: 64), seed: 0, columns: [])
        }
    }

    // MARK: - The command

    private static let configuration = """
        {
          "name": "lines", "seed": 3,
          "data": {
            "dataset": "mnist", "source": "sample",
            "lines": {
              "count": 96, "validationCount": 30, "testCount": 30, "widths": 3, "length": [1, 4]
            }
          },
          "model": {
            "inputShape": [16, 96, 1],
            "layers": [
              {"type": "conv2d", "filters": 8, "kernelSize": 3, "padding": "same", "useBias": false},
              {"type": "batchNormalization"}, {"type": "relu"}, {"type": "maxPooling2d", "poolSize": 2},
              {"type": "conv2d", "filters": 8, "kernelSize": [8, 3], "padding": [0, 0, 1, 1]}, {"type": "relu"},
              {"type": "conv2d", "filters": 11, "kernelSize": 1}
            ]
          },
          "training": {
            "epochs": 12, "batchSize": 16, "loss": {"type": "ctc"}, "checkpoints": {"everySteps": 3, "keep": 2}
          }
        }
        """

    @Test func theCommandTrainsGoesOnEvaluatesAndReads() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(Self.configuration.utf8).write(to: folder.appendingPathComponent("lines.json"))
        let small = SmallRun(folder: folder, epochs: 12)
        func begin(_ output: String) -> [String] { ["--config", "lines.json", "--output", output] }
        let outcome = try small.trainer(begin("whole") + ["--threads", "2"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("96 lines, 30 for validation") && outcome.errors.contains("lines/s"))
        #expect(outcome.output.contains("read right as a whole") && outcome.output.contains("BUNDLED SAMPLE"))
        let whole = try small.run(in: "whole")
        let process = try small.start(begin("cut") + ["--threads", "1"], until: SmallRun.isUnderWay, output: "cut")
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let resumed = try small.trainer(["--resume", small.path(of: "cut"), "--threads", "3"])
        #expect(resumed.code == 0, "\(resumed.errors)")
        let cut = try small.run(in: "cut")
        for name in [
            "model.safetensors", "lines.csv", "acceptance.csv", "acceptance.svg", "mistakes.svg", "composed.svg",
        ] {
            #expect(
                try Data(contentsOf: whole.appendingPathComponent(name))
                    == Data(contentsOf: cut.appendingPathComponent(name)), "\(name)")
        }
        for name in ["metrics.json", "report.html", "history.csv", "learning_curves.svg"] {
            #expect(FileManager.default.fileExists(atPath: whole.appendingPathComponent(name).path), "\(name)")
        }
        // The same lines again, and the same figures.
        let run = try small.path(of: "whole")
        let evaluated = try small.trainer(["evaluate", "--model", run, "--output", "again"])
        #expect(evaluated.code == 0, "\(evaluated.errors)")
        #expect(
            try Data(contentsOf: small.run(in: "again").appendingPathComponent("lines.csv"))
                == Data(contentsOf: whole.appendingPathComponent("lines.csv")))
        // Every command says what it does not do with lines.
        func refusal(_ arguments: [String]) throws -> String {
            let outcome = try small.trainer(arguments)
            #expect(outcome.code == 2, "\(arguments): \(outcome.errors)")
            return outcome.errors
        }
        #expect(try refusal(["export", "--model", run, "--format", "onnx", "x.onnx"]).contains("reads lines of text"))
        #expect(try refusal(["compare", run, run]).contains("a run on lines of text"))
        #expect(try refusal(["evaluate", "--model", run, "--robustness"]).contains("lines"))
        #expect(try refusal(["audit", "--model", run]).contains("lines are not audited"))
        #expect(try refusal(["audit", "--model", run, "--save", "x", "--prune", "both"]).contains("--prune"))
        // It reads too little of the 30 lines to know what is usual.
        #expect(try refusal(["audit", "--model", run, "--save", "x"]).contains("--save: expected at least 100"))
        #expect(try refusal(["--config", "lines.json", "--folds", "2"]).contains("data.fold"))
        #expect(try refusal(["lr-find", "--config", "lines.json"]).contains("lines of text"))
        #expect(
            try refusal(["--config", "lines.json", "--set", "training.loss.type=crossEntropy"]).contains(
                "training.loss"))
        let picture = folder.appendingPathComponent("p.pgm")
        try
            (Data("P5 60 40 255\n".utf8)
            + Data((0..<2400).map { $0 % 60 > 20 && $0 % 60 < 30 && $0 > 600 && $0 < 1800 ? 0 : 240 }))
            .write(to: picture)
        #expect(try refusal(["predict", "--model", run, "p.pgm"]).contains("--segment"))
        let read = try small.trainer(["predict", "--model", run, "--segment", "--json", "p.pgm"])
        #expect(read.code == 0 && read.output.contains("\"text\""), "\(read.errors)")
        for command in [
            ["inspect", "--config", "lines.json"],
            ["profile", "--config", "lines.json", "--steps", "1", "--inference-batch", "4"],
        ] {
            let outcome = try small.trainer(command)
            #expect(outcome.code == 0, "\(outcome.errors)")
        }
        // A network of lines goes on where another one ended.
        let from = try small.trainer(
            begin("from") + ["--from", run, "--set", "training.epochs=1", "--set", "training.earlyStopping=null"])
        #expect(from.code == 0 && from.errors.contains("which knows all 10 classes"), "\(from.errors)")
    }
}
