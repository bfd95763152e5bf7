import Datasets
import Evaluation
import Experiments
import Foundation
import NeuralNetwork
import Numeral
import Recognition
import TestSupport
import Tensors
import Testing
import Training
import Workers

@testable import Audit

/// What a network was not trained to read.
struct StrangerTests {
    private func normal(_ n: Int, _ d: Int, at centre: [Double], number: UInt32) -> [Float] {
        var stream = RandomStream(RandomAddress(seed: 4, purpose: .test, major: number))
        return (0..<n * d).map { Float(stream.normalPair().0 + centre[$0 % d]) }
    }

    /// Two classes around (±4, 0): the score against the distances and energies as they are defined, in Double.
    @Test func scoresFollowTheDefinition() throws {
        let n = 500
        let a = normal(n, 2, at: [4, 0], number: 1), b = normal(n, 2, at: [-4, 0], number: 2)
        let features = a + b, labels = [UInt8](repeating: 0, count: n) + [UInt8](repeating: 1, count: n)
        func logits(_ features: [Float]) -> [Float] {
            stride(from: 0, to: features.count, by: 2).flatMap { [2 * features[$0], -2 * features[$0]] }
        }
        let known = normal(200, 2, at: [4, 0], number: 3) + normal(200, 2, at: [-4, 0], number: 4)
        let strange = normal(100, 2, at: [0, 9], number: 5)
        let detector = try #require(
            StrangerDetector.fit(
                training: .init(logits: logits(features), features: features), labels: labels,
                heldOut: .init(logits: logits(known), features: known),
                strangers: .init(logits: logits(strange), features: strange), classes: 2))
        let scores = detector.scores(.init(logits: logits(known), features: known))
        let far = detector.scores(.init(logits: logits(strange), features: strange))
        #expect(StrangerDetector.areaUnderROC(known: scores, strangers: far) > 0.99)
        // By hand.
        func mean(_ x: [Float], _ j: Int) -> Double {
            stride(from: j, to: x.count, by: 2).reduce(0) { $0 + Double(x[$1]) } / Double(x.count / 2)
        }
        let means = [[mean(a, 0), mean(a, 1)], [mean(b, 0), mean(b, 1)]]
        var s: [Double] = [0, 0, 0]
        for (x, m) in [(a, means[0]), (b, means[1])] {
            for i in 0..<n {
                let (u, v) = (Double(x[2 * i]) - m[0], Double(x[2 * i + 1]) - m[1])
                s[0] += u * u
                s[1] += u * v
                s[2] += v * v
            }
        }
        s = s.map { $0 / Double(2 * n - 2) }
        let raised = 1e-3 * (s[0] + s[2]) / 2
        let (p, q, r) = (s[0] + raised, s[1], s[2] + raised), determinant = p * r - q * q
        for i in [0, 17, 399] {
            let (x, y) = (Double(known[2 * i]), Double(known[2 * i + 1]))
            let distance: Double =
                means.map { (m: [Double]) -> Double in
                    let u: Double = x - m[0], v: Double = y - m[1]
                    let sum: Double = r * u * u - 2 * q * u * v + p * v * v
                    return sum / determinant
                }.min() ?? 0
            let energy = -log(exp(2 * x) + exp(-2 * x))
            let e: Double = (energy - detector.energy.centre) / detector.energy.spread
            let m: Double = (distance - detector.mahalanobis.centre) / detector.mahalanobis.spread
            let expected: Double = detector.kind == .both ? e + m : detector.kind == .energy ? e : m
            #expect(abs(scores[i] - expected) < 1e-4 * max(1, abs(expected)))
        }
        // Shares of the images it was scaled by.
        let sorted = scores.sorted()
        #expect(abs(detector.familiarity(score: sorted[200]) - 0.5) < 0.005)
        #expect(detector.familiarity(score: sorted[0] - 1) == 1)
        #expect(detector.familiarity(score: sorted[399] + 1) == 0)
        #expect(detector.familiarity(score: .nan) == 0)
        let share = scores.filter { detector.familiarity(score: $0) < 0.05 }.count
        #expect(abs(share - 20) <= 2)
    }

    /// SciPy 1.16's `combine_pvalues`.
    @Test(
        arguments: [
            ([0.02, 0.3, 0.5, 0.04], 0.02081026549233246),
            ([Double](repeating: 0.01, count: 6), 1.6242917209799366e-07),
            ([0.7, 0.9], 0.921082339545832), ([Double](repeating: 0.001, count: 40), 9.34712685866131e-72),
            ([0.3], 0.3),
            ([], 1),
        ] as [([Double], Double)])
    func severalTogether(_ familiarities: [Double], _ expected: Double) {
        #expect(abs(StrangerDetector.together(familiarities) - expected) <= 1e-9 * expected)
        // No image is said to be likelier than one in a thousand.
        #expect(StrangerDetector.together([0, 0.5]) == StrangerDetector.together([0.001, 0.5]))
    }

    @Test func areaCountsPairs() {
        #expect(StrangerDetector.areaUnderROC(known: [1, 2, 3], strangers: [2, 4]) == (1.5 + 3) / 6)
        #expect(StrangerDetector.areaUnderROC(known: [], strangers: [1]) == 0.5)
    }

    /// The network in the box knows digits, and neither noise, blank paper, scraps of digits nor digits on their side.
    @Test func boxKnowsDigits() throws {
        let model = try BoxModel.load(), detector = try #require(model.strangers)
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let classifier = Classifier(
            graph: model.graph, batchSize: 64, normalization: model.normalization, pool: pool, keepsFeatures: true)
        classifier.load(parameters: model.parameters, state: model.state)
        var options = DataOptions()
        options.source = .sample
        let digits = try DatasetLoader.load(options, seed: 0).loadTest().images
        func unknown(_ images: ImageSet) throws -> Double {
            let scores = detector.scores(try #require(.init(images, classifier)))
            return Double(scores.filter { detector.familiarity(score: $0) < 0.05 }.count) / Double(scores.count)
        }
        #expect(try unknown(digits) < 0.08)
        #expect(try unknown(ImageSet(digits, bytes: randomBytes(50 * 784, 8))) == 1)
        #expect(try unknown(ImageSet(digits, bytes: [UInt8](repeating: 0, count: 784))) == 1)
        #expect(try unknown(#require(digits.strangers(most: 200))) > 0.7)
        // 2, 4 and 7 on their side.
        let lying = digits.subset(digits.labels.indices.filter { [2, 4, 7].contains(digits.labels[$0]) })
        #expect(try unknown(#require(lying.transposed)) > 0.6)
    }

    /// One image and many, any number of threads: the same bits; and the model file keeps them.
    @Test func featuresDoNotDependOnTheBatch() throws {
        let model = try BoxModel.load(), images = try DuplicateTests.sample(19)
        func activations(_ threads: Int, _ batchSize: Int) throws -> StrangerDetector.Activations {
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            let classifier = Classifier(
                graph: model.graph, batchSize: batchSize, normalization: model.normalization, pool: pool,
                keepsFeatures: true)
            classifier.load(parameters: model.parameters, state: model.state)
            return try #require(.init(images, classifier))
        }
        let many = try activations(1, 19)
        #expect(many.features.count == 19 * (try #require(model.graph.featurePlaces).channels))
        #expect(try activations(3, 8) == many)
        let single = try activations(2, 1)
        for (a, b) in zip(many.features, single.features) { #expect(abs(a - b) <= 1e-4 * max(1, abs(a))) }
        let again = try SavedModel.decode(model.encoded(), name: "again")
        #expect(again.strangers == model.strangers)
        #expect(again.encoded() == model.encoded())
    }

    /// Features are what the extractor of the embedding finds, averaged.
    @Test func featuresAreTheExtractors() throws {
        let model = try BoxModel.load(), images = try DuplicateTests.sample(9)
        let pool = WorkerPool(threads: 1)
        let classifier = Classifier(
            graph: model.graph, batchSize: 4, normalization: model.normalization, pool: pool, keepsFeatures: true)
        classifier.load(parameters: model.parameters, state: model.state)
        let extractor = FeatureExtractor(
            graph: model.graph, batchSize: 4, normalization: model.normalization, pool: pool)
        extractor.load(parameters: model.parameters, state: model.state)
        let whole = extractor.features(of: images), own = try #require(classifier.activations(of: images)).features
        let (places, channels) = try #require(model.graph.featurePlaces)
        for i in 0..<9 {
            for c in 0..<channels {
                let mean =
                    (0..<places).reduce(0.0) { $0 + Double(whole[(i * places + $1) * channels + c]) } / Double(places)
                #expect(abs(mean - Double(own[i * channels + c])) < 1e-4)
            }
        }
    }

    @Test func damagedDetectorsAreRefused() throws {
        let model = try BoxModel.load()
        let text = String(decoding: model.encoded(), as: UTF8.self)
        #expect(text.contains("numeral.strangers"))
        for (good, bad) in [
            ("both", "bath"), ("strangers.quantiles", "strangers.quintiles"),
        ] {
            var bytes = [UInt8](model.encoded())
            let range = try #require(Data(bytes).range(of: Data(good.utf8)), "\(good)")
            bytes.replaceSubrange(range, with: Array(bad.utf8))
            #expect(throws: InputError.self) { try SavedModel.decode(Data(bytes), name: "damaged") }
        }
    }
}
