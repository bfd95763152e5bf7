import Formats
import Foundation
import NeuralNetwork
import Numeral
import Synchronization
import Tensors
import Testing
import Workers

@Suite struct TrainModelTests {
    /// The bytes that the trainer's own loop comes to with the same split, network and lowerings.
    @Test func arraysTrainToTheTrainersBytes() throws {
        let model = try Stripes.trained.get()
        let experiment = model.experiment
        let images = try Stripes.images(300, seed: 1)
        let parts = StratifiedSplit.indices(of: images.labels, fraction: 0.1, seed: 3)
        let data = LoadedData(train: images.subset(parts.train), validation: images.subset(parts.validation))
        let graph = try ResolvedGraph(experiment.model)
        let pool = WorkerPool(threads: 1)
        let trained = try Trainer(
            graph: graph, options: experiment.training, data: data, augmentation: experiment.augmentation,
            normalization: .standardize, seed: 3, pool: pool
        ).run()
        let normalization = data.normalizationConstants(.standardize)
        let classifier = Classifier(graph: graph, batchSize: 500, normalization: normalization, pool: pool)
        classifier.load(parameters: trained.parameters, state: trained.state)
        let saved = SavedModel(
            experiment: experiment, graph: graph, classNames: Stripes.names, normalization: normalization,
            temperature: TemperatureScaling.fit(
                logits: classifier.logits(of: data.validation), labels: data.validation.labels, classes: 3),
            learned: try LearnedImages(data.train), parameters: trained.parameters, state: trained.state)
        #expect(saved.encoded() == model.encoded())
        #expect(data.train.count == 270 && data.validation.count == 30)
        let learned = try #require(try model.learned(among: images))
        #expect(learned.compared == 300 && learned.learned == 270)
    }

    /// Activations of 10²⁰ have a variance beyond Float, which batch-norm divides by without a trace in the loss.
    @Test func aVarianceBeyondFloatEndsTraining() throws {
        // Orthogonal layers keep lengths: ten gains of 100.
        let vast = (0..<10).map { _ in Layer.dense(units: 6, initializer: .orthogonal(gain: 100)) }
        let graph = try Graph(
            inputShape: [Stripes.side, Stripes.side, 1],
            layers: [.flatten] + vast + [.batchNormalization(), .dense(units: 3)])
        var experiment = Experiment(name: "vast", seed: 3, model: graph)
        experiment.training.epochs = 1
        experiment.data.validationFraction = 0
        experiment.training.earlyStopping = nil
        let error = #expect(throws: TrainingError.self) {
            try Model.train(experiment, on: Stripes.images(60, seed: 1), threads: 1)
        }
        guard case .diverged(_, let epoch, let loss, let finding, _) = error else { return }
        #expect(epoch == 1 && loss.isFinite && finding == .weights)
    }

    /// On a thread of its own it comes to the same bytes, and tells every step.
    @Test func asynchronousTrainingIsTheSame() async throws {
        let steps = Mutex<(steps: Int, epochs: [Int], ended: Int)>((0, [], 0))
        let model = try await Model.train(Stripes.experiment(), on: Stripes.images(300, seed: 1), threads: 1) { event in
            steps.withLock {
                switch event {
                case .began: break
                case .step: $0.steps += 1
                case .epoch(let record, _): $0.epochs.append(record.epoch)
                case .ended(let history): $0.ended = history.epochs.count
                }
            }
        }
        #expect(model.encoded() == (try Stripes.trained.get().encoded()))
        let told = steps.withLock { $0 }
        #expect(told.steps == 4 * 17 && told.epochs == [1, 2, 3, 4] && told.ended == 4)
    }

    @Test func aCancelledTaskStops() async throws {
        var endless = try Stripes.experiment(epochs: 100_000)
        endless.training.earlyStopping = nil
        let experiment = endless
        let images = try Stripes.images(300, seed: 1)
        let (epochs, began) = AsyncStream<Int>.makeStream()
        let task = Task {
            try await Model.train(experiment, on: images, threads: 1) { event in
                if case .epoch(let record, _) = event { began.yield(record.epoch) }
            }
        }
        for await _ in epochs { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    /// Images that the caller holds back, instead of a part of the others.
    @Test func validationImagesAreTheCallers() throws {
        var experiment = try Stripes.experiment(epochs: 1)
        experiment.data.validationFraction = 0
        var scale: TrainingScale?
        let model = try Model.train(
            experiment, on: Stripes.images(40, seed: 1), validation: Stripes.images(21, seed: 2), threads: 1
        ) {
            if case .began(let size) = $0 { scale = size }
        }
        #expect(scale?.trainingImages == 40 && scale?.validationImages == 21)
        // The model says their share, so that its configuration is one that can be read again.
        #expect(abs(model.experiment.data.validationFraction - 21.0 / 61) < 1e-12)
        let path = NSTemporaryDirectory() + "callers-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try model.save(to: path)
        #expect(try Model.load(path).classNames == model.classNames)
        // Early stopping has nothing to watch without any.
        let error = #expect(throws: InputError.self) { try Model.train(experiment, on: Stripes.images(40, seed: 1)) }
        #expect(error?.place == "data.validationFraction")
        experiment.training.earlyStopping = nil
        #expect(throws: Never.self) { try Model.train(experiment, on: Stripes.images(40, seed: 1), threads: 1) }
    }

    @Test func optionsOutOfRangeAreRefused() throws {
        let spoilt: [(place: String, by: (inout Experiment) -> Void)] = [
            ("training.epochs", { $0.training.epochs = 0 }),
            ("training.batchSize", { $0.training.batchSize = -1 }),
            ("training.labelSmoothing", { $0.training.labelSmoothing = 1 }),
            ("training.labelSmoothing", { $0.training.labelSmoothing = .nan }),
            ("training.optimizer.learningRate", { $0.training.optimizer = .sgd(learningRate: .infinity) }),
            ("training.averaging.decay", { $0.training.averagingDecay = 2 }),
            ("training.shards", { $0.training.shards = 0 }),
            ("seed", { $0.seed = .max }),
            ("name", { $0.name = "a/b" }),
            ("augmentation.rotation", { $0.augmentation.rotation = -.nan }),
            ("data.validationFraction", { $0.data.validationFraction = 1 }),
            ("model.layers[6].units", { $0.model.nodes[6].layer = .dense(units: -3) }),
            ("model.layers[0].name", { $0.model.nodes[0].name = "a b" }),
        ]
        for (place, spoil) in spoilt {
            var experiment = try Stripes.experiment()
            spoil(&experiment)
            let error = #expect(throws: InputError.self) {
                try Model.train(experiment, on: Stripes.images(30, seed: 1))
            }
            #expect(error?.place == place)
        }
    }

    @Test func imagesThatDoNotFitAreRefused() throws {
        let experiment = try Stripes.experiment()
        func line(_ images: ImageSet, validation: ImageSet? = nil) -> String? {
            (#expect(throws: InputError.self) { try Model.train(experiment, on: images, validation: validation) })?
                .description
        }
        let pixels = [UInt8](repeating: 9, count: 288)
        #expect(
            line(try ImageSet(pixels: pixels, labels: [0, 1], height: 8, width: 18, classNames: Stripes.names))
                == "model.inputShape: expected the images of images, 8×18×1 · received 12×12×1 · "
                + "set model.inputShape to [8, 18, 1] or \"auto\"")
        #expect(
            line(try ImageSet(pixels: pixels, labels: [0, 1], height: 12, width: 12))
                == "model.layers[6] (dense_1): expected 10 outputs, the classes of images · received 3 · "
                + "\"units\": \"classes\" in the last dense layer takes as many as there are")
        #expect(line(try Stripes.images(1, seed: 1)) == "images: expected at least 2 images · received 1")
    }

    /// Two images, and a last batch of one, with batch-norm in the network: nothing traps.
    @Test(arguments: [2, 3, 17]) func fewImagesTrain(_ count: Int) throws {
        var experiment = try Stripes.experiment(epochs: 1)
        experiment.training.earlyStopping = nil
        experiment.data.validationFraction = 0
        let model = try Model.train(experiment, on: Stripes.images(count, seed: 1), threads: 1)
        #expect(try model.classify([UInt8](repeating: 0, count: 144)).probabilities.allSatisfy(\.isFinite))
    }

    /// A network whose loss overflows ends with the step and a remedy, not with a model.
    @Test func divergenceIsTold() throws {
        let linear = try Graph(
            inputShape: [12, 12, 1], layers: [.flatten, .dense(units: 32), .dense(units: 32), .dense(units: 3)])
        var experiment = Experiment(name: "diverging", model: linear)
        experiment.training.optimizer = .sgd(learningRate: 100, momentum: 0.9)
        #expect(throws: TrainingError.self) { try Model.train(experiment, on: Stripes.images(60, seed: 1), threads: 1) }
    }

    /// A configuration in a file, its data, and back.
    @Test func aConfigurationTrains() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var experiment = try Experiment.load(
            root.appendingPathComponent("config/default.json").path,
            overrides: ["data.source=sample", "training.epochs=1", "model.layers[0].filters=4"])
        #expect(experiment.training.epochs == 1)
        let data = try experiment.loadData()
        #expect(data.train.count == 3_500 && data.validation.count == 500)
        #expect(try data.loadTest().images.count == 1_000)
        experiment.training.epochs = 0
        #expect(throws: InputError.self) { try experiment.encoded() }
        experiment.training.epochs = 2
        #expect(try experiment.encoded().contains("\"epochs\": 2"))
        let error = #expect(throws: InputError.self) { try Experiment.load("no.json") }
        #expect(error?.description == "no.json: expected a configuration file that can be read · received no such file")
    }

    /// An empty validation set is none, as of a configuration that holds nothing out.
    @Test func noValidationImagesAreNone() throws {
        let images = try Stripes.images(60, seed: 1)
        var experiment = try Stripes.experiment()
        experiment.data.validationFraction = 0
        experiment.training.earlyStopping = nil
        experiment.training.epochs = 1
        let model = try Model.train(experiment, on: images, validation: images.subset([]), threads: 1)
        #expect(model.encoded() == (try Model.train(experiment, on: images, threads: 1).encoded()))
    }

    /// A layer that no configuration can name is an error, not the end of the program.
    @Test func unregisteredLayersAreRefused() throws {
        struct Doubling: TapeLayer {
            static let type = "doubling"
            static var options: Section<Doubling> { Section(initial: Doubling(), fields: []) }
            func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue { inputs[0] + inputs[0] }
            func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
        }
        let graph = try Graph(inputShape: [12, 12, 1], layers: [Layer(Doubling()), .flatten, .dense(units: 3)])
        let experiment = Experiment(name: "own", model: graph)
        let error = #expect(throws: InputError.self) {
            try Model.train(experiment, on: Stripes.images(60, seed: 1), threads: 1)
        }
        #expect(error?.place == "model.layers[0].type" && error?.received.contains("unregistered") == true)
    }
}
