import Foundation
import Numeral
import Tensors
import Testing
import Workers

/// Whole training runs with whitening, smaller images, teachers and snapshots.
@Suite struct TechniqueTests {
    private static func options(epochs: Int = 3) -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = epochs
        options.batchSize = 48
        options.optimizer = .adamW(learningRate: 2e-3)
        options.averagingDecay = 0.9
        options.earlyStopping = nil
        return options
    }

    private static let pooled: [Layer] = [
        .conv2d(filters: 8, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(), .relu,
        .maxPooling2d(poolSize: Size2D(2)), .conv2d(filters: 16, kernelSize: Size2D(3), padding: .same), .gelu,
        .globalAveragePooling2d, .dense(units: 10),
    ]

    private func train(
        _ options: TrainingOptions, _ data: LoadedData, threads: Int, layers: [Layer] = TrainingRunTests.layers,
        teachers: [Teacher] = [], from state: TrainingState? = nil,
        onSnapshot: (Int, TrainedModel) -> Void = { _, _ in },
        onCheckpoint: ((TrainingState) -> Void)? = nil
    ) throws -> TrainedModel {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: layers))
        var augmentation = AugmentationOptions()
        augmentation.translation = 1
        let trainer = try Trainer(
            graph: graph, options: options, data: data, augmentation: augmentation, normalization: .standardize,
            teachers: teachers, seed: 1, pool: pool)
        return try trainer.run(from: state, onSnapshot: onSnapshot, onCheckpoint: onCheckpoint)
    }

    /// Two trained networks, one of them for pixels as they are.
    private func teachers(_ data: LoadedData) throws -> [Teacher] {
        let graph = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: Self.pooled))
        return try [1, 2].map { seed in
            Teacher(
                graph: graph, classNames: data.train.classNames,
                normalization: seed == 1 ? nil : data.normalizationConstants(.standardize),
                parameters: try graph.initialParameters(seed: seed), state: graph.initialState())
        }
    }

    /// Every place of a run with each technique leads to the same bits, on any number of threads.
    @Test(arguments: ["whitening", "resizing", "distillation"])
    func everyPlaceLeadsToTheSameBits(technique: String) throws {
        let data = try TrainingRunTests.sample(training: 120, validation: 40)
        var options = Self.options(), teachers: [Teacher] = []
        options.checkpoints = CheckpointOptions(everySteps: 1, everyMinutes: nil)
        var layers = TrainingRunTests.layers
        switch technique {
        case "whitening": options.whitening = WhiteningOptions(images: 50)
        case "resizing":
            options.progressiveResizing = [
                .init(epochs: 1, height: 14, width: 12), .init(epochs: 1, height: 20, width: 20),
            ]
            layers = Self.pooled
        default:
            options.distillation = DistillationOptions(teachers: ["a", "b"], temperature: 3, weight: 0.6)
            teachers = try self.teachers(data)
        }
        var states: [TrainingState] = []
        let whole = try train(
            options, data, threads: 2, layers: layers, teachers: teachers, onCheckpoint: { states.append($0) })
        #expect(states.count == 9)
        for (index, state) in states.enumerated() {
            let resumed = try train(
                options, data, threads: 1 + index % 3, layers: layers, teachers: teachers, from: state)
            #expect(resumed.parameters.array == whole.parameters.array, "\(technique) from \(index)")
            #expect(resumed.state.array == whole.state.array, "\(technique) from \(index)")
            #expect(resumed.history.epochs.map(\.trainingLoss) == whole.history.epochs.map(\.trainingLoss))
        }
    }

    /// Frozen filters stay what the images made them, in the averaged weights too; others move.
    @Test func frozenFiltersStay() throws {
        let data = try TrainingRunTests.sample(training: 96, validation: 10)
        var options = Self.options(epochs: 2)
        func kernel(_ model: TrainedModel) -> [Float] { Array(model.parameters.array[0..<200]) }
        var kernels: [[Float]] = []
        for epochs in 1...2 {
            options.epochs = epochs
            options.whitening = WhiteningOptions(images: 60)
            kernels.append(kernel(try train(options, data, threads: 1)))
        }
        #expect(kernels[0] == kernels[1] && Set(kernels[0]).count > 100)
        options.averagingDecay = nil
        #expect(kernel(try train(options, data, threads: 1)) == kernels[0])
        options.whitening = WhiteningOptions(images: 60, frozen: false)
        let moved = kernel(try train(options, data, threads: 1))
        #expect(moved != kernels[0])
        // Two epochs of four steps at 2e-3 move a weight by some 0.01.
        #expect(zip(moved, kernels[0]).allSatisfy { abs($0 - $1) < 0.05 })
    }

    /// A stage on images of 14×14 trains as images made smaller beforehand do, as long as it lasts.
    @Test func stagesTrainOnSmallerImages() throws {
        let data = try TrainingRunTests.sample(training: 96, validation: 20)
        var options = Self.options(epochs: 2)
        options.averagingDecay = nil
        options.progressiveResizing = [.init(epochs: 1, height: 14, width: 14)]
        let resized = try train(options, data, threads: 2, layers: Self.pooled)
        options.progressiveResizing = []
        let whole = try train(options, data, threads: 2, layers: Self.pooled)
        #expect(resized.history.epochs.count == 2 && whole.history.epochs.count == 2)
        #expect(resized.history.epochs[0].trainingLoss != whole.history.epochs[0].trainingLoss)
        // A network of its own on the smaller images, without augmentation: the same first epoch.
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        func firstLoss(_ size: Int, _ stages: [ResizingStage], _ images: ImageSet) throws -> Double? {
            var small = data, options = options
            small.train = images
            small.validation = images.subset(0..<0)
            options.progressiveResizing = stages
            options.epochs = stages.isEmpty ? 1 : 2
            let graph = try ResolvedGraph(Graph(inputShape: Shape([size, size, 1]), layers: Self.pooled))
            let trainer = try Trainer(
                graph: graph, options: options, data: small, augmentation: AugmentationOptions(), normalization: .none,
                seed: 1, pool: pool)
            return try trainer.run().history.epochs.first?.trainingLoss
        }
        // Blocks of four equal pixels: their mean is exact.
        let blocks = data.train.images.indices.map { index -> UInt8 in
            let (image, y, x) = (index / 784, index % 784 / 28, index % 28)
            return data.train.images[image * 784 + y / 2 * 56 + x / 2 * 2]
        }
        let quarter = (0..<96 * 196).map { index -> UInt8 in
            let (image, y, x) = (index / 196, index % 196 / 14, index % 14)
            return data.train.images[image * 784 + y * 56 + x * 2]
        }
        func set(_ pixels: [UInt8], _ size: Int) throws -> ImageSet {
            try ImageSet(
                images: pixels, labels: data.train.labels, height: size, width: size, classCount: 10,
                classNames: data.train.classNames)
        }
        let a = try firstLoss(28, [.init(epochs: 1, height: 14, width: 14)], set(blocks, 28))
        let b = try firstLoss(14, [], set(quarter, 14))
        #expect(abs((a ?? 0) - (b ?? 1)) < 1e-5)
    }

    @Test func sizesThatDoNotFitAreRefused() throws {
        let data = try TrainingRunTests.sample(training: 64, validation: 10)
        let refusals: [(Int, [Layer], String)] = [
            (14, TrainingRunTests.layers, "globalAveragePooling2d"), (29, Self.pooled, "28×28"),
            (1, Self.pooled, "training.progressiveResizing[0].size"),
        ]
        for (size, layers, word) in refusals {
            var options = Self.options()
            options.progressiveResizing = [.init(epochs: 1, height: size, width: size)]
            let error = #expect(throws: InputError.self) { try train(options, data, threads: 1, layers: layers) }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
        var options = Self.options()
        options.distillation = DistillationOptions(teachers: [])
        #expect(throws: InputError.self) { try train(options, data, threads: 1) }
        options.distillation = nil
        options.whitening = WhiteningOptions()
        let dense: [Layer] = [.flatten, .dense(units: 10)]
        #expect(throws: InputError.self) { try train(options, data, threads: 1, layers: dense) }
    }

    /// With all the weight on a teacher at temperature 1, the student's answers go to the teacher's, labels or not.
    @Test func aStudentLearnsFromItsTeacher() throws {
        let data = try TrainingRunTests.sample(training: 96, validation: 0)
        var options = Self.options(epochs: 60)
        options.optimizer = .adam(learningRate: 5e-3)
        options.averagingDecay = nil
        let graph = try ResolvedGraph(
            Graph(inputShape: Shape([28, 28, 1]), layers: [.flatten, .dense(units: 30), .tanh, .dense(units: 10)]))
        let state = graph.initialState()
        // Sharp answers that have nothing to do with the labels, from pixels brought to it in its own way.
        let parameters = try graph.initialParameters(seed: 9)
        for i in 0..<parameters.count { parameters[i] *= 3 }
        let constants = data.normalizationConstants(.standardize),
            itsOwn: (mean: Float, standardDeviation: Float)? = (0.5, 0.25)
        let teacher = Teacher(
            graph: graph, classNames: data.train.classNames, normalization: itsOwn, parameters: parameters, state: state
        )
        options.distillation = DistillationOptions(teachers: ["t"], temperature: 1, weight: 1)
        let layers = TrainingRunTests.layers.filter { $0.type != "dropout" }
        let student = try train(options, data, threads: 2, layers: layers, teachers: [teacher])
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        func answers(
            _ graph: ResolvedGraph, _ parameters: AlignedBuffer<Float>, _ state: AlignedBuffer<Float>,
            _ normalization: (mean: Float, standardDeviation: Float)?
        ) -> [Int] {
            let classifier = Classifier(graph: graph, batchSize: 96, normalization: normalization, pool: pool)
            classifier.load(parameters: parameters, state: state)
            let p = classifier.probabilities(of: data.train)
            return (0..<96).map { i -> Int in
                let row = Array(p[i * 10..<i * 10 + 10])
                return row.firstIndex(of: row.max() ?? 0) ?? -1
            }
        }
        // A teacher of other classes teaches other things.
        let other = Teacher(
            graph: graph, classNames: (0..<10).map { "\($0 + 1)" }, normalization: itsOwn, parameters: parameters,
            state: state)
        #expect(throws: InputError.self) {
            _ = try train(options, data, threads: 1, layers: layers, teachers: [other])
        }
        let expected = answers(graph, parameters, state, itsOwn)
        let own = try ResolvedGraph(Graph(inputShape: Shape([28, 28, 1]), layers: layers))
        let found = answers(own, student.parameters, student.state, constants)
        #expect(zip(found, expected).filter { $0 == $1 }.count > 60)
        #expect(zip(expected, data.train.labels).filter { $0 == Int($1) }.count < 50)
        #expect(Set(expected).count > 3)
    }

    /// Every cycle's end gives its weights, the last one's being those of the run.
    @Test func cyclesLeaveSnapshots() throws {
        let data = try TrainingRunTests.sample(training: 96, validation: 20)
        var options = Self.options(epochs: 6)
        options.schedule = .cosine(cycles: 3)
        options.averagingStatisticsImages = 50
        var snapshots: [(Int, TrainedModel)] = []
        let model = try train(options, data, threads: 2, onSnapshot: { snapshots.append(($0, $1)) })
        #expect(snapshots.map(\.0) == [1, 2, 3])
        #expect(snapshots.map(\.1.history.epochs.count) == [2, 4, 6])
        #expect(snapshots[2].1.parameters.array == model.parameters.array)
        #expect(snapshots[2].1.state.array == model.state.array)
        #expect(snapshots[0].1.parameters.array != snapshots[1].1.parameters.array)
        let rates = model.history.epochs.map(\.learningRate)
        #expect(rates[0] == rates[2] && rates[1] == rates[5] && rates[1] < rates[2])
    }

    /// Through the command line: teachers by path, snapshots as files, evaluated together; a run that was killed writes
    /// the same.
    @Test func snapshotsTeachAsAnEnsemble() throws {
        try SmallRun.with(epochs: 4, everySteps: 5) { small in
            let cycles = ["--set", #"training.schedule={"type": "cosine", "cycles": 2}"#]
            let trained = try small.trainer(SmallRun.begin("runs") + cycles)
            #expect(trained.code == 0 && trained.output.contains("Snapshots of 2 cycles"), "\(trained.errors)")
            let run = try small.path(of: "runs")
            let names = try FileManager.default.contentsOfDirectory(atPath: small.file("\(run)/snapshots").path)
                .sorted()
            #expect(names == ["cycle-01.safetensors", "cycle-02.safetensors"])
            let outcome = try small.trainer(["evaluate", "--model", "\(run)/snapshots", "--output", "together"])
            #expect(outcome.code == 0 && outcome.output.contains("cycle-02.safetensors"), "\(outcome.errors)")
            let teachers = #"training.distillation={"teachers": ["\#(run)/snapshots"], "temperature": 3}"#
            let student = try small.trainer(SmallRun.begin("student") + ["--set", teachers])
            #expect(student.code == 0, "\(student.errors)")
            let environment = try String(
                contentsOf: try small.run(in: "student").appendingPathComponent("environment.json"), encoding: .utf8)
            #expect(
                environment.contains("teacher \(run)/snapshots/cycle-01.safetensors".replacing("/", with: "\\/"))
                    || environment.contains("teacher \(run)/snapshots/cycle-01.safetensors"))
            let lost = #"training.distillation={"teachers": ["nowhere"]}"#
            let refused = try small.trainer(SmallRun.begin("refused") + ["--set", lost])
            #expect(refused.code == 2 && refused.errors.contains("nowhere"), "\(refused.errors)")
        }
    }
}
