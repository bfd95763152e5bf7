import TestSupport
import Testing

@testable import Datasets

@Suite struct DataNotesTests {
    private func set(_ labels: [UInt8], classes: Int) throws -> ImageSet {
        try ImageSet(
            images: [UInt8](repeating: 0, count: labels.count), labels: labels, height: 1, width: 1,
            classCount: classes,
            classNames: (0..<classes).map { "c\($0)" })
    }

    private func notes(
        _ train: [UInt8], _ validation: [UInt8], classes: Int, dataset: String = "files", stops: Bool = true
    ) throws -> [String] {
        var data = LoadedData(
            train: try set(train, classes: classes), validation: try set(validation, classes: classes))
        data.dataset = dataset
        return DataNotes.training(data, fraction: 0.1, stopsEarly: stops)
    }

    private let many: [UInt8] = (0..<60).map { UInt8($0 % 3) }
    private let enough: [UInt8] = [0, 1, 2, 0, 1, 2]

    @Test func nothingToSayOfOrdinaryData() throws {
        #expect(try notes(many, enough, classes: 3).isEmpty)
        #expect(DataNotes.test(try set(many, classes: 3)).isEmpty)
    }

    @Test func labelsFromOne() throws {
        let found = try notes(many.map { $0 + 1 }, enough.map { $0 + 1 }, classes: 4)
        #expect(
            found[0]
                == "the lowest label is 1, not 0: the network has 4 classes, of which 1 without images (c0); if labels count "
                + "from 1, subtract 1")
        #expect(found.count == 2, "six validation images are few for four classes")
    }

    @Test func absentAndSingleClasses() throws {
        let found = try notes(many + [4], enough + enough, classes: 5)
        #expect(found.count == 2)
        #expect(found[0].hasPrefix("1 of 5 classes without a training image: c3"))
        #expect(found[1] == "1 of 5 classes with a single training image, and none for validation: c4")
        let test = DataNotes.test(try set(many + [4], classes: 5))
        #expect(test[0].contains("macro figures are means over all 5"))
        #expect(test[1].hasPrefix("1 of 5 classes with a single test image: c4"))
    }

    @Test func tooFewForValidation() throws {
        let none = try notes(many, [], classes: 3)
        #expect(
            none == [
                "too few images for validation: validationFraction 0.1 of 60 leaves none, so early stopping cannot "
                    + "work, and the last epoch is kept"
            ])
        #expect(try notes(many, [], classes: 3, stops: false)[0].hasSuffix("leaves none, so the last epoch is kept"))
        #expect(try notes(many, [0, 1], classes: 3)[0].hasPrefix("only 2 images for validation, of 3 classes"))
        // Where nobody asked for validation there is nothing to say.
        let data = LoadedData(train: try set(many, classes: 3), validation: try set([], classes: 3))
        #expect(DataNotes.training(data, fraction: 0, stopsEarly: true).isEmpty)
    }

    @Test(arguments: [(60, 8, 128, 8), (486, 8, 128, 16), (1_000, 8, 128, 32), (5_000, 9, 512, 128)])
    func fewStepsWantSmallerBatches(images: Int, epochs: Int, batch: Int, better: Int) throws {
        var data = LoadedData(
            train: try set((0..<images).map { UInt8($0 % 3) }, classes: 3), validation: try set(enough, classes: 3))
        data.dataset = "pictures"
        let notes = DataNotes.steps(data, epochs: epochs, batchSize: batch)
        #expect(notes.count == 1 && notes[0].hasSuffix("--set training.batchSize=\(better)"), "\(notes)")
        #expect(DataNotes.steps(data, epochs: epochs, batchSize: better).isEmpty)
        #expect(DataNotes.steps(data, epochs: 100 * epochs, batchSize: batch).isEmpty)
        data.dataset = "mnist"
        #expect(DataNotes.steps(data, epochs: epochs, batchSize: batch).isEmpty)
    }
}
