import Numeral
import Tensors
import TestSupport
import Testing

/// Images with several labels through the library: training, saving, probabilities, evaluation, and what is refused.
@Suite struct MultiLabelModelTests {
    private static let side = 8, names = ["left", "top", "bright corner"]

    /// The left half, the upper half and the last pixel are bright or not, each for itself.
    private static func images(_ count: Int, seed: UInt64) throws -> ImageSet {
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
        var pixels: [UInt8] = [], sets: [[Int]] = []
        for _ in 0..<count {
            let set = (0..<3).filter { _ in stream.integer(below: 2) == 1 }
            for y in 0..<side {
                for x in 0..<side {
                    var level = stream.integer(below: 60)
                    if set.contains(0), x < side / 2 { level += 60 }
                    if set.contains(1), y < side / 2 { level += 60 }
                    if set.contains(2), x >= side - 2, y >= side - 2 { level += 120 }
                    pixels.append(UInt8(level))
                }
            }
            sets.append(set.reversed())
        }
        return try ImageSet(pixels: pixels, labelSets: sets, height: side, width: side, classNames: names)
    }

    private static func experiment() throws -> Experiment {
        let graph = try Graph(inputShape: [side, side, 1]) {
            Layer.flatten
            Layer.dense(units: 16)
            Layer.relu
            Layer.dense(units: 3)
        }
        var experiment = Experiment(name: "labels", seed: 5, model: graph)
        experiment.training.epochs = 30
        experiment.training.batchSize = 16
        experiment.training.loss = .binaryCrossEntropy
        experiment.training.optimizer = .adam(learningRate: 5e-3)
        return experiment
    }

    @Test func trainsSavesAndEvaluates() throws {
        let model = try Model.train(Self.experiment(), on: Self.images(400, seed: 1), threads: 1)
        let same = try Model.train(Self.experiment(), on: Self.images(400, seed: 1), threads: 2)
        #expect(model.encoded() == same.encoded())
        let test = try Self.images(200, seed: 2)
        let evaluation = try model.evaluate(multiLabel: test)
        #expect(evaluation.exactShare > 0.95 && evaluation.f1.macro > 0.97)
        let loaded = try Model(decoding: model.encoded())
        #expect(loaded.isMultiLabel)
        // The same images at once: the same bits. Fewer at once may round differently (another matrix product).
        let rows = try loaded.labelProbabilities(images: (0..<test.count).flatMap { test[$0].pixels })
        #expect(rows.flatMap { $0 } == evaluation.probabilities)
        let two = try loaded.labelProbabilities(images: test[0].pixels + test[1].pixels)
        #expect(two.count == 2 && zip(two[1], rows[1]).allSatisfy { abs($0 - $1) < 1e-5 })
        // One label an image is another question.
        for error in [
            #expect(throws: InputError.self) { _ = try loaded.classify(test[0].pixels) },
            #expect(throws: InputError.self) { _ = try loaded.classify(images: test[0].pixels) },
            #expect(throws: InputError.self) { _ = try loaded.evaluate(on: test) },
            #expect(throws: InputError.self) { _ = try loaded.read(picture: Array("P2 1 1 255 0".utf8)) },
        ] { #expect(error?.received == "one of several labels") }
        let stripes = try Stripes.trained.get()
        #expect(throws: InputError.self) { _ = try stripes.labelProbabilities(images: []) }
        let plain = try Stripes.images(30, seed: 1)
        let several = try ImageSet(
            pixels: plain.images, labelSets: (0..<30).map { [$0 % 3] }, height: plain.height, width: plain.width,
            classNames: plain.classNames)
        #expect(throws: InputError.self) { _ = try stripes.evaluate(on: several) }
        #expect(throws: InputError.self) { _ = try stripes.quantized(on: several) }
    }

    @Test func otherLossesAndMixingAreRefused() throws {
        var experiment = try Self.experiment()
        experiment.training.loss = .crossEntropy
        var error = #expect(throws: InputError.self) {
            _ = try Model.train(experiment, on: Self.images(20, seed: 1), threads: 1)
        }
        #expect(error?.place == "training.loss")
        experiment.training.loss = .binaryCrossEntropy
        experiment.augmentation.mixup = AugmentationOptions.Mixing(probability: 0.5)
        error = #expect(throws: InputError.self) {
            _ = try Model.train(experiment, on: Self.images(20, seed: 1), threads: 1)
        }
        #expect(error?.place == "augmentation.mixup")
    }

    @Test func labelSetsThatCannotBeAreRefused() {
        var error = #expect(throws: InputError.self) {
            _ = try ImageSet(pixels: [1, 2], labelSets: [[0], [3]], height: 1, width: 1, classNames: ["a", "b"])
        }
        #expect(error?.place == "labelSets[1]")
        error = #expect(throws: InputError.self) {
            _ = try ImageSet(
                pixels: [1], labelSets: [[0]], height: 1, width: 1, classNames: (0..<65).map { "\($0)" })
        }
        #expect(error?.place == "classNames")
    }

    /// A weight of 2 pulls like two copies: by one step of plain descent on all images, whose loss is the mean over their
    /// number.
    @Test func wholeWeightsCountLikeCopies() throws {
        func probabilities(_ set: ImageSet, rate: Double) throws -> [Float] {
            var experiment = try Stripes.experiment(epochs: 1)
            (experiment.data.validationFraction, experiment.training.earlyStopping) = (0, nil)
            (experiment.data.normalization, experiment.training.averagingDecay) = (.none, nil)
            (experiment.training.batchSize, experiment.augmentation) = (set.count, AugmentationOptions())
            experiment.training.optimizer = .sgd(learningRate: rate)
            experiment.training.schedule = .constant
            experiment.model = try Graph(inputShape: [Stripes.side, Stripes.side, 1]) {
                Layer.flatten
                Layer.dense(units: 3)
            }
            let model = try Model.train(experiment, on: set, threads: 1)
            return try model.classify(images: Stripes.pixels(40, seed: 3).0).flatMap(\.probabilities)
        }
        let images = try Stripes.images(40, seed: 4), doubled = (0..<40).filter { $0 % 3 == 0 }
        let weighted = try images.weighted((0..<40).map { $0 % 3 == 0 ? 2 : 1 })
        let copied = images.subset(Array(0..<40) + doubled)
        let a = try probabilities(weighted, rate: 0.1)
        let b = try probabilities(copied, rate: 0.1 * Double(copied.count) / 40)
        let none = try probabilities(images, rate: 0.1)
        #expect(largestDifference(a, b.map(Double.init)) < 1e-4)
        #expect(largestDifference(a, none.map(Double.init)) > 1e-2)
    }

    /// A weight of 0 leaves an image out: what it shows has no influence.
    @Test func weightsOfImages() throws {
        func trained(_ set: ImageSet, _ weights: [Float]) throws -> [UInt8] {
            var experiment = try Stripes.experiment(epochs: 2)
            (experiment.data.validationFraction, experiment.training.earlyStopping) = (0, nil)
            // Batch statistics and standardisation see all images.
            experiment.data.normalization = .none
            experiment.model = try Graph(inputShape: [Stripes.side, Stripes.side, 1]) {
                Layer.flatten
                Layer.dense(units: 3)
            }
            return [UInt8](try Model.train(experiment, on: set.weighted(weights), threads: 2).encoded())
        }
        let images = try Stripes.images(60, seed: 4), others = try Stripes.images(60, seed: 9)
        let weights = (0..<60).map { Float($0 % 4 == 0 ? 0 : 2) }
        let mixed = try ImageSet(
            pixels: (0..<60).flatMap { $0 % 4 == 0 ? others[$0].pixels : images[$0].pixels },
            labels: (0..<60).map { images[$0].label }, height: Stripes.side, width: Stripes.side,
            classNames: Stripes.names)
        #expect(try trained(images, weights) == trained(mixed, weights))
        #expect(try trained(images, weights) != trained(images, [Float](repeating: 2, count: 60)))
        var error = #expect(throws: InputError.self) { _ = try images.weighted([1]) }
        #expect(error?.place == "weights")
        error = #expect(throws: InputError.self) { _ = try images.weighted([Float](repeating: -1, count: 60)) }
        #expect(error?.place == "weights[0]")
    }
}
