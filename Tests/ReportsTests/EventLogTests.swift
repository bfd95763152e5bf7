import Datasets
import Evaluation
import Foundation
import Tensors
import Testing
import Workers

@testable import Reports
@testable import Runs
@testable import Training

@Suite struct EventLogTests {
    private func object(_ event: TrainingEvent) throws -> [String: Any] {
        let line = EventLog.line(event, date: Date(timeIntervalSince1970: 1_700_000_000.25))
        #expect(line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func everyEventIsALineOfJSON() throws {
        let step = try object(
            .step(
                StepProgress(
                    epoch: 2, step: 3, stepsPerEpoch: 4, images: 96, seconds: 0.5, loss: 0.3125, accuracy: 0.75,
                    learningRate: 1e-3)))
        #expect(step["event"] as? String == "step" && step["time"] as? Double == 1_700_000_000.25)
        #expect(step["loss"] as? Double == 0.3125 && step["images"] as? Int == 96)
        let record = EpochRecord(
            epoch: 1, learningRate: 1e-3, trainingLoss: .nan, trainingAccuracy: 0.5, validationLoss: nil,
            validationAccuracy: 1, seconds: 2, imagesPerSecond: 3)
        let epoch = try object(.epoch(record, isBest: true))
        #expect(epoch["isBest"] as? Bool == true && epoch["validationAccuracy"] as? Double == 1)
        #expect(epoch["trainingLoss"] is NSNull && epoch["validationLoss"] is NSNull)
        let ended = try object(.ended(Samples.history(epochs: 5, best: 3)))
        var history = TrainingHistory()
        history.seconds = 0.1 + 0.2
        #expect(EventLog.line(.ended(history), date: Date()).contains("\"seconds\":0.30000000000000004,"))
        #expect(ended["bestEpoch"] as? Int == 3 && ended["epochs"] as? Int == 5)
    }

    @Test func linesReachTheFileWhenAnEpochEnds() throws {
        var text = ""
        let log = EventLog { text += String(decoding: $0, as: UTF8.self) }
        let history = Samples.history(epochs: 2, best: 2)
        let step = StepProgress(
            epoch: 1, step: 1, stepsPerEpoch: 2, images: 1, seconds: 1, loss: 1, accuracy: 1, learningRate: 1)
        try log.record(.step(step))
        #expect(text.isEmpty)
        try log.flush()
        #expect(text.hasPrefix("{\"event\":\"step\""))
        try log.record(.epoch(history.epochs[0], isBest: true))
        try log.record(.epoch(history.epochs[1], isBest: true))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3 && lines[2].contains("\"epoch\":2"))
    }

    @Test func smallRecordsAreGathered() throws {
        var writes: [Int] = []
        let buffer = RecordBuffer { writes.append($0.count) }
        for _ in 0..<100 { try buffer.append([UInt8](repeating: 1, count: 1000)) }
        try buffer.flush()
        try buffer.flush()
        #expect(writes == [66_000, 34_000])
    }
}

@Suite struct EventPictureTests {
    /// Without augmentation the sheet is the images themselves, a grey line between them.
    @Test func theSheetShowsTheImages() throws {
        let pixels = (0..<(5 * 6)).map { UInt8($0 * 8) }
        let images = try ImageSet(
            images: pixels, labels: [0, 1, 0, 1, 0], height: 2, width: 3, classCount: 2, classNames: ["a", "b"])
        let png = try AugmentedInputs.png(images, options: AugmentationOptions(), seed: 1, columns: 2)
        #expect(png.width == 7 && png.height == 5 && png.colour == .grey)
        #expect(Array(png.pixels[0..<7]) == [0, 8, 16, 96, 48, 56, 64])
        #expect(Array(png.pixels[14..<21]) == [UInt8](repeating: 96, count: 7))
        // The fifth place is empty: only four images fit two by two.
        #expect(Array(png.pixels[28..<35]) == [120, 128, 136, 96, 168, 176, 184])
    }

    /// The sheet is what the loader gives the first epoch.
    @Test func theSheetIsTheFirstEpochs() throws {
        var options = AugmentationOptions()
        options.rotation = 30
        var random = RandomStream(RandomAddress(seed: 5, purpose: .test))
        let pixels = (0..<(4 * 36)).map { _ in UInt8(truncatingIfNeeded: random.nextWord()) }
        let images = try ImageSet(
            images: pixels, labels: [0, 1, 0, 1], height: 6, width: 6, classCount: 2, classNames: ["a", "b"])
        let loader = BatchLoader(
            data: images, batchSize: 4,
            augmenter: try Augmenter(options, height: 6, width: 6, channels: 1, seed: 9), seed: 9, shuffle: false,
            pool: WorkerPool(threads: 1))
        loader.start(epoch: 1)
        let batch = try #require(loader.next())
        let png = try AugmentedInputs.png(images, options: options, seed: 9, columns: 2)
        for i in 0..<4 {
            for y in 0..<6 {
                for x in 0..<6 {
                    let found = png.pixels[(i / 2 * 7 + y) * 13 + i % 2 * 7 + x]
                    #expect(found == UInt8((batch.images[i * 36 + y * 6 + x] * 255).rounded()))
                }
            }
        }
    }

    @Test(arguments: [2, 10, 62])
    func confusionMatrixHasACellForEachPair(classes: Int) throws {
        let matrix = try Samples.evaluation(classes: classes, samples: 40 * classes, strength: 6).confusionMatrix
        let png = ConfusionMatrixImage.png(matrix)
        let cell = (png.width - 1) / classes - 1
        #expect(png.width == png.height && png.width == classes * (cell + 1) + 1)
        func corner(_ i: Int, _ j: Int) -> [UInt8] {
            let at = ((i * (cell + 1) + 1) * png.width + j * (cell + 1) + 1) * 3
            return Array(png.pixels[at..<(at + 3)])
        }
        // An empty cell is the lightest blue, a row's hits darker than its errors.
        for i in 0..<classes {
            for j in 0..<classes where matrix.counts[i][j] == 0 { #expect(corner(i, j) == [247, 251, 255]) }
            #expect(corner(i, i)[0] < 120)
        }
    }
}
