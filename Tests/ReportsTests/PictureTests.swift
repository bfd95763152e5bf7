import Datasets
import Evaluation
import Foundation
import NeuralNetwork
import Tensors
import Testing
import Training
import Workers

@testable import Reports

@Suite struct PictureTests {
    @Test func mistakesHardestFirst() throws {
        let evaluation = EvaluationSummary(
            try Predictions(
                labels: [0, 1, 2, 1, 0],
                probabilities: [
                    0.5, 0.25, 0.25, 0.75, 0.125, 0.125, 0.5, 0.5, 0, 0.0625, 0.125, 0.8125, 0.25, 0.5, 0.25,
                ],
                classNames: ["a", "b", "<c>"]))
        let mistakes = try Mistakes(evaluation, images: Samples.images(evaluation))
        #expect(mistakes.indices == [2, 1, 3, 4])
        #expect(
            parseCSV(mistakes.csv) == [
                ["index", "label", "prediction", "probability", "trueProbability", "labelName", "predictionName"],
                ["2", "2", "0", "0.5", "0.0", "<c>", "a"], ["1", "1", "0", "0.75", "0.125", "b", "a"],
                ["3", "1", "2", "0.8125", "0.125", "b", "<c>"], ["4", "0", "1", "0.5", "0.25", "a", "b"],
            ])
        let content = try wellFormed(Data(mistakes.figure.svg.utf8))
        #expect(content.elements["image"] == 4)
        #expect(content.text.contains("true <c>") && content.text.contains("test image 3: true b (12.50 %)"))
    }

    @Test func manyMistakesAndNone() throws {
        let bad = try Samples.evaluation(classes: 4, samples: 300, strength: 0)
        let sheet = try Mistakes(bad, images: Samples.images(bad))
        #expect(try wellFormed(Data(sheet.figure.svg.utf8)).elements["image"] == Mistakes.shownLimit)
        #expect(parseCSV(sheet.csv).count == 1 + 300 - bad.confusionMatrix.correct)
        let good = EvaluationSummary(
            try Predictions(labels: [0, 1], probabilities: [1, 0, 0, 1], classNames: ["a", "b"]))
        let none = try Mistakes(good, images: Samples.images(good))
        #expect(none.figure.subtitle == "none: all of 2 samples right")
    }

    /// What the sheet shows of epoch e is what the loader feeds in epoch e.
    @Test func augmentationIsThatOfTraining() throws {
        let evaluation = try Samples.evaluation(classes: 3, samples: 12)
        let images = try Samples.images(evaluation)
        var options = AugmentationOptions()
        options.rotation = 20
        options.translation = 1
        let rows = parseCSV(try AugmentationSheet(images, options: options, seed: 6).csv)
        #expect(rows.count == 1 + 3 * 9)
        let loader = BatchLoader(
            data: images, batchSize: images.count, normalization: nil,
            augmenter: try Augmenter(options, height: 6, width: 6, channels: 1, seed: 6), seed: 6, shuffle: false,
            pool: WorkerPool(threads: 1))
        for epoch in [1, 2] {
            loader.start(epoch: epoch)
            let batch = try #require(loader.next())
            for row in rows.dropFirst() where row[2] == "\(epoch)" {
                let sample = try #require(Int(row[0]))
                #expect(row[1] == "\(images.labels[sample])")
                let fed = (0..<36).map { Int((batch.images[sample * 36 + $0] * 255).rounded()) }
                #expect(row.dropFirst(3).compactMap { Int($0) } == fed)
            }
        }
        let unchanged = try #require(rows.dropFirst().first { $0[2] == "0" && $0[1] == "2" })
        let sample = try #require(Int(unchanged[0]))
        #expect(
            unchanged.dropFirst(3).compactMap { UInt8($0) } == Array(images.images[(sample * 36)..<(sample * 36 + 36)]))
    }

    @Test(arguments: [(1, true), (2, false), (3, true)])
    func filters(channels: Int, shown: Bool) throws {
        let graph = try Samples.graph(classes: 3, channels: channels)
        let parameters = try graph.initialParameters(seed: 1)
        let sheet = try FilterSheet(graph, parameters: parameters)
        #expect((sheet != nil) == shown)
        guard let sheet else { return }
        let rows = parseCSV(sheet.csv).dropFirst().map { $0.compactMap(Double.init) }
        #expect(rows.count == 5 * 3 * 2 * channels)
        for row in rows {
            let (f, y, x, c) = (Int(row[0]), Int(row[1]), Int(row[2]), Int(row[3]))
            #expect(row[4] == Double(parameters[((y * 2 + x) * channels + c) * 5 + f]))
        }
        #expect(try wellFormed(Data(sheet.figure.svg.utf8)).elements["image"] == 5)
    }

    @Test func denseNetworksHaveNoFilters() throws {
        let graph = try ResolvedGraph(
            Graph(inputShape: Shape([7]), nodes: [LayerNode(name: "d", inputs: ["input"], layer: .dense(units: 3))]))
        #expect(try FilterSheet(graph, parameters: graph.initialParameters(seed: 1)) == nil)
    }

    @Test func embedding() throws {
        let evaluation = try Samples.evaluation(classes: 4, samples: 90)
        let map = try #require(try Samples.pictures(evaluation).pictures.embedding)
        let rows = parseCSV(map.csv)
        #expect(rows.count == 91 && rows[0] == ["index", "label", "prediction", "axis1", "axis2"])
        for (i, row) in rows.dropFirst().enumerated() {
            #expect(row[0] == "\(i)" && row[1] == "\(evaluation.predictions.labels[i])")
        }
        // Coordinates are centred, and the first axis is the wider one.
        let xs = rows.dropFirst().compactMap { Double($0[3]) }, ys = rows.dropFirst().compactMap { Double($0[4]) }
        #expect(abs(xs.reduce(0, +)) < 1e-3 && abs(ys.reduce(0, +)) < 1e-3)
        #expect(xs.reduce(0) { $0 + $1 * $1 } > ys.reduce(0) { $0 + $1 * $1 })
        let content = try wellFormed(Data(map.figure.svg.utf8))
        #expect(content.text.contains("flatten<2>") && content.elements["path"] == 5)
    }

    @Test func namesAreMovedApart() {
        var random = RandomStream(RandomAddress(seed: 2, purpose: .test))
        var boxes = (0..<62).map { i in
            NameBox(
                name: "\(i)", x: 250 + Double(random.uniform()) * 60, y: 250 + Double(random.uniform()) * 60, width: 27,
                height: 18, series: i)
        }
        NameBox.separate(&boxes, inside: (0, 0, 500, 500))
        for i in boxes.indices {
            #expect(boxes[i].x >= 13.5 && boxes[i].x <= 486.5 && boxes[i].y >= 9 && boxes[i].y <= 491)
            for j in 0..<i {
                #expect(abs(boxes[i].x - boxes[j].x) >= 26.9 || abs(boxes[i].y - boxes[j].y) >= 17.9, "\(i) on \(j)")
            }
        }
    }

    @Test func classScores() throws {
        let evaluation = EvaluationSummary(
            try Predictions(labels: [0, 1], probabilities: [0, 1, 0, 0, 1, 0], classNames: ["a", "b", "c"]))
        let rows = parseCSV(ClassScoresTable.csv(evaluation))
        #expect(rows[1][0...3] == ["a", "1", "0.0", ""] && rows[3][8...10] == ["0.0", "", ""])
        let content = try wellFormed(Data(ClassScoresFigure.svg(evaluation).utf8))
        #expect(content.text.contains("F1 0.6667"))
    }
}
