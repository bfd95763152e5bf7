import Foundation
import NeuralNetwork
import Tensors
import TestSupport
import Testing

/// Every loss against its formula in Double, written here once more, and its gradient against central differences of that.
@Suite("Losses")
struct LossTests {
    /// The formula, plainly.
    private static func value(_ loss: Loss, _ z: [Double], _ t: [Double]) -> Double {
        let p = Reference.softmax(z, columns: z.count), classes = Double(z.count)
        if loss.kind is BinaryCrossEntropy {
            return zip(z, t).reduce(0) { sum, pair in
                let p = 1 / (1 + exp(-pair.0))
                return sum - (pair.1 * log(p) + (1 - pair.1) * log(1 - p)) / classes
            }
        }
        return zip(p, t).reduce(0) { sum, pair in
            let (p, t) = pair
            switch loss.kind {
            case is CrossEntropy, is CTC: return sum - t * log(p)
            case let focal as FocalLoss: return sum - t * pow(1 - p, focal.gamma) * log(p)
            case is MeanSquaredError: return sum + (p - t) * (p - t) / classes
            default: return .nan
            }
        }
    }

    private static let losses: [Loss] = [
        .crossEntropy, .focal(gamma: 0), .focal(gamma: 0.5), .focal(gamma: 1), .focal(), .focal(gamma: 5),
        .meanSquaredError, .binaryCrossEntropy,
    ]
    private static let targets = [
        LossTarget(label: 1), LossTarget(label: 4, smoothing: 0.1), LossTarget(label: 0, other: 3, share: 0.7),
        LossTarget(label: 2, other: 1, share: 0.25, smoothing: 0.2), LossTarget(label: 3, other: 3, share: 0.5),
    ]

    @Test("value and gradient", arguments: losses, targets)
    func formula(_ loss: Loss, _ target: LossTarget) {
        var data = TestData(51)
        for spread in [0.5, 3, 8] {
            let z = data.floats(5, in: Float(-spread)...Float(spread)), exact = z.doubles
            let t = (0..<5).map { k -> Double in
                let mixed =
                    (k == target.label ? Double(target.share) : 0) + (k == target.other ? 1 - Double(target.share) : 0)
                return (1 - Double(target.smoothing)) * mixed + Double(target.smoothing) / 5
            }
            var dz = [Float](repeating: .nan, count: 5)
            let found = loss.kind.row(z, classes: 5, target: target, weight: 0.25, dz: &dz)
            let expected = Self.value(loss, exact, t)
            #expect(abs(found - expected) <= 2e-7 * max(abs(expected), spread), "\(loss)")
            #expect(loss.kind.row(z, classes: 5, target: target, weight: 9, dz: nil) == found)
            let gradient = (0..<5).map { k in
                var (up, down) = (exact, exact)
                up[k] += 1e-5
                down[k] -= 1e-5
                return 0.25 * (Self.value(loss, up, t) - Self.value(loss, down, t)) / 2e-5
            }
            for k in 0..<5 { #expect(abs(Double(dz[k]) - gradient[k]) <= 1e-6, "\(loss), class \(k)") }
        }
    }

    /// Where a probability is 1 or 0 to the last bit nothing becomes NaN, and a right answer has no gradient.
    @Test("logits far apart", arguments: losses)
    func extremes(_ loss: Loss) {
        for (z, isRight) in [([400, 0, -400], true), ([-400, 0, 400], false), ([3e38, -3e38, 0], true)]
            as [([Float], Bool)]
        {
            var dz = [Float](repeating: .nan, count: 3)
            let value = loss.kind.row(z, classes: 3, target: LossTarget(label: 0), weight: 1, dz: &dz)
            #expect(value.isFinite && value >= 0 && dz.allSatisfy { $0.isFinite }, "\(loss): \(z)")
            // Every class counts for itself, also those between 0 and 1.
            if isRight, loss != .binaryCrossEntropy { #expect(value == 0 && dz == [0, 0, 0], "\(loss): \(z)") }
        }
    }

    /// Binary cross-entropy of several labels, and of none: the formula, with label smoothing.
    @Test("several labels", arguments: [0b0_0000, 0b1_0110, 0b1_1111] as [UInt64])
    func severalLabels(_ labels: UInt64) {
        var data = TestData(54)
        let z = data.floats(5, in: -3...3)
        for smoothing in [0, 0.25] as [Float] {
            let t = (0..<5).map { Double(labels >> $0 & 1) * (1 - Double(smoothing)) + Double(smoothing) / 2 }
            var dz = [Float](repeating: .nan, count: 5)
            let target = LossTarget(labels: labels, smoothing: smoothing)
            let found = Loss.binaryCrossEntropy.kind.row(z, classes: 5, target: target, weight: 2, dz: &dz)
            #expect(abs(found - Self.value(.binaryCrossEntropy, z.doubles, t)) <= 1e-12)
            for k in 0..<5 { #expect(abs(Double(dz[k]) - 2 * (1 / (1 + exp(-Double(z[k]))) - t[k]) / 5) <= 1e-7) }
        }
        #expect(checkGradients(.binaryCrossEntropy).error < 1e-7)
        #expect(checkGradients(.binaryCrossEntropy).tensors.count == 4)
    }

    /// Weights and label sets of images reach the loss of each, whatever the shards; correct is who has them all.
    @Test("weights and label sets of images")
    func imageTargets() throws {
        let graph = try ResolvedGraph(
            Graph(inputShape: Shape([7]), layers: [.dense(units: 5)]))
        let weights = TestWeights(graph, seed: 55), batch = TestBatch(graph, count: 6, seed: 56)
        let factors: [Float] = [2, 0, 0.5, 1, 3, 1], sets: [UInt64] = [0, 0b101, 0b11111, 0b10, 0b11, 0b1000]
        func step(_ run: TrainingRun, _ range: Range<Int>, weights: [Float]?) -> (Double, [Double], Int) {
            let part = batch.part(range)
            let result = run.network.step(
                images: part.imageBuffer(), labels: part.labelBuffer(), count: part.count, step: 0,
                labelSets: AlignedBuffer(sets[range]), weights: weights.map { AlignedBuffer($0) })
            return (result.lossSum, run.network.store.gradients.array.map(Double.init), result.correct)
        }
        let plain = try TrainingRun(graph, weights, batchSize: 6, shards: 1, threads: 1)
        plain.network.loss = (.binaryCrossEntropy, nil)
        var sum = 0.0, gradients = [Double](repeating: 0, count: graph.parameterCount), correct = 0
        for image in 0..<6 {
            let one = step(plain, image..<image + 1, weights: nil)
            sum += Double(factors[image]) * one.0
            for (i, value) in one.1.enumerated() { gradients[i] += Double(factors[image]) * value / 6 }
            correct += one.2
        }
        let all = try TrainingRun(graph, weights, batchSize: 6, shards: 3, threads: 2)
        all.network.loss = (.binaryCrossEntropy, nil)
        let found = step(all, 0..<6, weights: factors)
        #expect(abs(found.0 - sum) <= 1e-6 * sum && found.2 == correct)
        #expect(relativeDistance(found.1, gradients) <= 1e-5)
        let inference = InferenceRun(graph, weights, batchSize: 6)
        _ = inference.predict(batch)
        let score = inference.network.score(
            labels: batch.labelBuffer(), count: 6, loss: .binaryCrossEntropy, labelSets: sets, weights: factors)
        #expect(abs(score.lossSum - sum) <= 1e-5 * sum && score.correct == correct)
    }

    /// Weights multiply each image's part, in training and in scores.
    @Test("weights of classes", arguments: losses)
    func classWeights(_ loss: Loss) throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([6, 6, 1]),
                layers: [.conv2d(filters: 3, kernelSize: 3), .tanh, .flatten, .dense(units: 4)]))
        let weights = TestWeights(graph, seed: 52), batch = TestBatch(graph, count: 6, seed: 53)
        let factors: [Float] = [2, 0.5, 1, 3]
        let plain = try TrainingRun(graph, weights, batchSize: 6, shards: 2, threads: 1)
        plain.network.loss = (loss, nil)
        var gradients = [Double](repeating: 0, count: graph.parameterCount), sum = 0.0
        for image in 0..<batch.count {
            let outcome = plain.step(batch.part(image..<image + 1)), factor = Double(factors[Int(batch.labels[image])])
            sum += factor * outcome.lossSum
            for (i, value) in outcome.gradientValues.enumerated() { gradients[i] += factor * value / 6 }
        }
        let weighted = try TrainingRun(graph, weights, batchSize: 6, shards: 2, threads: 2)
        weighted.network.loss = (loss, factors)
        let found = weighted.step(batch)
        #expect(abs(found.lossSum - sum) <= 1e-6 * sum)
        #expect(relativeDistance(found.gradientValues, gradients) <= 1e-5)
        let inference = InferenceRun(graph, weights, batchSize: 6)
        _ = inference.predict(batch)
        let score = inference.network.score(
            labels: batch.labelBuffer(), count: 6, loss: loss, classWeights: factors)
        #expect(abs(score.lossSum - sum) <= 1e-5 * sum)
        #expect(score.correct == found.correct)
    }
}
