import Datasets
import Foundation
import NeuralNetwork
import Tensors
import Testing
import Workers

@testable import Training

@Suite struct LearningRateTestTests {
    /// A loss that falls along a logistic curve and then rises: where it falls fastest and where it is least is known.
    @Test func suggestionsAreTheCurves() throws {
        let steps = 400, low = 1e-6, high = 10.0
        func loss(_ rate: Double) -> Double {
            let x = log(rate)
            return 2.3 - 2 / (1 + exp(-2 * (x - log(1e-3)))) + exp(3 * (x - log(0.2)))
        }
        let points = (0..<steps).map { step -> LearningRateTest.Point in
            let rate = low * pow(high / low, Double(step) / Double(steps - 1))
            return .init(learningRate: rate, loss: loss(rate), smoothedLoss: loss(rate))
        }
        let test = LearningRateTest(points: points, diverged: false)
        let ratio = pow(high / low, 1 / Double(steps - 1))
        // The logistic curve is steepest at its middle; the rise moves it by less than a step.
        #expect(abs(log(try #require(test.steepest) / 1e-3)) < 2 * log(ratio))
        // 4e^(−2u)/(1 + e^(−2u))² = 3e^(3v), u = x − ln 0.001, v = x − ln 0.2: found by bisection, not by search.
        var (a, b) = (log(1e-2), log(0.2))
        for _ in 0..<200 {
            let x = (a + b) / 2, e = exp(-2 * (x - log(1e-3)))
            if 4 * e / ((1 + e) * (1 + e)) > 3 * exp(3 * (x - log(0.2))) { a = x } else { b = x }
        }
        #expect(abs(log(try #require(test.tenthOfMinimum) * 10) - a) <= log(ratio))
    }

    @Test func aLossThatOnlyRisesSuggestsNothing() {
        let points = (0..<100).map {
            LearningRateTest.Point(learningRate: pow(1.1, Double($0)), loss: Double($0), smoothedLoss: Double($0))
        }
        let test = LearningRateTest(points: points, diverged: true)
        #expect(test.steepest == nil && test.tenthOfMinimum == nil)
        #expect(LearningRateTest(points: [], diverged: true).steepest == nil)
    }

    private static let graph = Result {
        try ResolvedGraph(
            Graph(inputShape: Shape([6, 6, 1]), layers: [.flatten, .dense(units: 16), .relu, .dense(units: 3)]))
    }

    private func finder(
        threads: Int, whitening: WhiteningOptions? = nil, graph: ResolvedGraph? = nil, loss: Loss? = nil
    ) throws -> LearningRateFinder {
        var stream = RandomStream(RandomAddress(seed: 1, purpose: .test))
        let labels = (0..<90).map { $0 % 3 }
        let pixels = labels.flatMap { label in
            (0..<36).map { UInt8(($0 / 12 == label ? 150 : 0) + stream.integer(below: 100)) }
        }
        // A fifth of the labels is wrong: what can be learnt without a mistake never diverges, its gradients being zero.
        let told = labels.enumerated().map { $0.offset % 5 == 0 ? ($0.element + 1) % 3 : $0.element }
        let images = try ImageSet(pixels: pixels, labels: told, height: 6, width: 6, classNames: ["a", "b", "c"])
        var options = TrainingOptions()
        options.batchSize = 20
        options.optimizer = .sgd(learningRate: 0.1)
        options.whitening = whitening
        if let loss { options.loss = loss }
        return try LearningRateFinder(
            graph: graph ?? Self.graph.get(), options: options,
            data: LoadedData(train: images, validation: images.subset([])),
            augmentation: AugmentationOptions(), normalization: .none, seed: 5, pool: WorkerPool(threads: threads))
    }

    /// Rates by the formula, the losses' mean by its own, the same bits for any number of threads; it ends where the loss
    /// is beyond bounds.
    @Test func aRunFollowsTheFormulas() throws {
        var options = LearningRateTest.Options()
        (options.low, options.high, options.steps, options.smoothing) = (1e-4, 1e6, 200, 0.8)
        var told: [LearningRateTest.Point] = []
        let test = try #require(try finder(threads: 1).run(options, onStep: { told.append($0) }))
        #expect(test.points == told)
        #expect(test.diverged)
        #expect(test.points.count > 50 && test.points.count < 200, "\(test.points.suffix(3))")
        for (i, point) in test.points.enumerated() {
            #expect(abs(point.learningRate / (1e-4 * pow(10, 10 * Double(i) / 199)) - 1) < 1e-12)
            var (sum, weight) = (0.0, 0.0)
            for j in 0...i {
                sum += pow(0.8, Double(i - j)) * test.points[j].loss
                weight += pow(0.8, Double(i - j))
            }
            #expect(abs(point.smoothedLoss - sum / weight) < 1e-9 * (1 + abs(point.smoothedLoss)))
        }
        #expect(abs(test.points[0].loss - log(3)) < 1.5)
        let least = test.points.map(\.smoothedLoss).min() ?? 0
        #expect(least < 0.85 * test.points[0].loss)
        let rate = try #require(test.steepest)
        #expect(rate > 1e-3 && rate < 10)
        let again = try #require(try finder(threads: 3).run(options))
        #expect(again.points == test.points)
        // Stopped from outside it has nothing to say.
        #expect(try finder(threads: 1).run(options, shouldStop: { true }) == nil)
    }

    /// What training refuses has no rates.
    @Test func aLossOfLinesIsRefusedAsInTraining() {
        let error = #expect(throws: InputError.self) { try finder(threads: 1, loss: .ctc) }
        #expect(error?.place == "training.loss")
    }

    /// The rates are of the network that is trained: with its first filters whitened.
    @Test func whiteningIsObeyed() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([6, 6, 1]),
                layers: [.conv2d(filters: 4, kernelSize: 3), .relu, .flatten, .dense(units: 3)]))
        var options = LearningRateTest.Options()
        options.steps = 12
        let whitening = WhiteningOptions(images: 50, epsilon: 0.01)
        let plain = try #require(try finder(threads: 1, graph: graph).run(options))
        let whitened = try #require(try finder(threads: 1, whitening: whitening, graph: graph).run(options))
        #expect(plain.points[0].loss != whitened.points[0].loss)
        #expect(throws: InputError.self) { try finder(threads: 1, whitening: whitening) }
    }
}
