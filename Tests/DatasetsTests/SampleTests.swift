import Foundation
import Tensors
import Testing

@testable import Datasets

/// Where the full MNIST is, by `NUMERAL_DATA`; tests that want it are skipped elsewhere.
private let fullMNIST = ProcessInfo.processInfo.environment["NUMERAL_DATA"].flatMap { folder in
    ["train-images-idx3-ubyte", "mnist/train-images-idx3-ubyte"].contains { name in
        ["", ".gz"].contains { FileManager.default.fileExists(atPath: joined(folder, name + $0)) }
    } ? folder : nil
}

@Suite struct SampleTests {
    private var options: DataOptions {
        var options = DataOptions()
        options.source = .sample
        return options
    }

    @Test func countsAndSplit() throws {
        let data = try DatasetLoader.load(options, seed: 1)
        let test = try data.loadTest()
        #expect(data.source == .sample && data.dataset == "mnist" && data.notes.isEmpty)
        #expect(data.train.classSizes == [Int](repeating: 350, count: 10))
        #expect(data.validation.classSizes == [Int](repeating: 50, count: 10))
        #expect(test.images.classSizes == [Int](repeating: 100, count: 10))
        #expect(data.train.labels.prefix(12) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
        var seen = Set<[UInt8]>()
        for set in [data.train, data.validation, test.images] {
            #expect((set.height, set.width, set.channels, set.classCount) == (28, 28, 1, 10))
            for index in 0..<set.count { seen.insert(Array(set.images[(index * 784)..<((index + 1) * 784)])) }
        }
        #expect(seen.count == 5_000, "no image is in two parts")
        // NumPy's mean and standard deviation of the CSV's rows (make_sample.py's training part) / 255.
        #expect(abs(data.mean - SampleTests.mean) < 1e-12)
        #expect(abs(data.standardDeviation - SampleTests.standardDeviation) < 1e-12)
    }

    /// Python 3.11, NumPy: `x = idx[16:16+3500*784] / 255.0; x.mean(), x.std()`.
    static let mean = 0.1308392671354256
    static let standardDeviation = 0.3079645397466176

    @Test func theSeedDoesNotMoveIt() throws {
        #expect(
            try DatasetLoader.load(options, seed: 1).train.images == DatasetLoader.load(options, seed: 2).train.images)
    }

    /// A share other than the usual one is taken of all but the test images, by the seed and of each class alike.
    @Test func aShareForValidationIsObeyed() throws {
        var options = options
        options.validationFraction = 0.25
        let data = try DatasetLoader.load(options, seed: 1)
        #expect(data.train.classSizes == [Int](repeating: 300, count: 10))
        #expect(data.validation.classSizes == [Int](repeating: 100, count: 10))
        #expect(try DatasetLoader.load(options, seed: 2).train.images != data.train.images)
        #expect(
            try data.loadTest().images.images == DatasetLoader.load(self.options, seed: 1).loadTest().images.images)
        options.validationFraction = 0
        let whole = try DatasetLoader.load(options, seed: 1)
        #expect(whole.train.count == 4_000 && whole.validation.count == 0)
        #expect(try whole.train.images == Sample.load().set.subset(0..<4_000).images)
    }

    /// What only a table or data without a test half have is not passed over, unless it is a trained model's.
    @Test func keysOfOtherDataAreRefused() throws {
        var table = options, halves = options
        table.labelColumn = "label"
        halves.testFraction = 0.5
        for (key, options) in [("data.labelColumn", table), ("data.testFraction", halves)] {
            let error = #expect(throws: InputError.self) { try DatasetLoader.load(options, seed: 1) }
            #expect(error?.place == key)
            var stored = options
            stored.modelClasses = ImageSet.digits
            #expect(try DatasetLoader.load(stored, seed: 1).train.count == 3_500)
        }
    }

    @Test(
        .enabled(if: fullMNIST != nil, "the full MNIST is not here: set NUMERAL_DATA to a folder that has it"))
    func fullMNISTIsItselfAndHoldsTheSample() throws {
        var full = DataOptions()
        full.source = .full
        full.directory = fullMNIST
        let data = try DatasetLoader.load(full, seed: 1)
        #expect(data.train.count == 54_000 && data.validation.count == 6_000)
        #expect(data.notes.isEmpty)
        let test = try data.loadTest().images
        #expect(test.count == 10_000)
        #expect(test.labels.prefix(10) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
        func images(_ sets: [ImageSet]) -> Set<[UInt8]> {
            var images = Set<[UInt8]>()
            for set in sets {
                for i in 0..<set.count { images.insert([set.labels[i]] + set.images[(i * 784)..<((i + 1) * 784)]) }
            }
            return images
        }
        let sample = try images([Sample.load().set])
        #expect(sample.isSubset(of: images([data.train, data.validation])))
        #expect(sample.isDisjoint(with: images([test])))
    }
}
