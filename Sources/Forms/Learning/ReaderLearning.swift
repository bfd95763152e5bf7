import Evaluation
import Experiments
import Foundation
import Numeral
import Tensors

/// Fine-tunes a single-character network on the characters that people keyed, mixed with original training images to
/// prevent forgetting. The result is kept only if it is better on held-out forms.
package struct ReaderLearning: Sendable {
    /// The fraction of forms that is held out, and the number of original images per keyed character.
    private static let (setAside, mixture) = (0.3, 4)
    /// The minimum and maximum number of original images.
    private static let originals = 4_000...20_000
    /// The approximate number of original images used to detect forgetting.
    private static let witnesses = 4_000
    private static let epochs = 14
    private static let significance = 0.05

    package struct Outcome: Sendable {
        /// The new model; nil if the old one is kept.
        package var model: Model?
        package var trained: Int
        package var tested: Int
        /// The number of correct characters, of `tested`, before and after.
        package var before: Int
        package var after: Int
        package var test: McNemar
        /// The same figures on original images.
        package var witnesses: Int
        package var witnessesBefore: Int
        package var witnessesAfter: Int
        package var witnessTest: McNemar
        package var reason: String
    }

    /// Fine-tunes a model and compares it with the old one.
    /// - Parameters:
    ///   - path: The path of the old network, for ``TrainingOptions/initialModel``.
    ///   - original: Images that the old network was trained on, prepared as its input.
    /// - Throws: An `InputError` if there are too few keyed characters.
    package static func learn(
        _ corrections: CorrectedCharacters, old: Model, path: String, original: ImageSet, threads: Int?,
        progress: (TrainingEvent) -> Void
    ) throws -> Outcome {
        let forms = corrections.forms
        guard forms.count >= 10, corrections.count >= 50 else {
            throw InputError(
                "corrections", expected: "at least 50 characters of 10 forms",
                received: "\(corrections.count) of \(forms.count)", remedy: "key more of the review, then merge it")
        }
        // Splits by the order of the forms, so that the split is deterministic.
        let isAside = forms.indices.map { Int(Double($0 + 1) * setAside) > Int(Double($0) * setAside) }
        let train = zip(forms, isAside).filter { !$0.1 }.map(\.0), test = zip(forms, isAside).filter(\.1).map(\.0)
        let wanted = min(
            max(mixture * train.reduce(0) { $0 + $1.labels.count }, originals.lowerBound), originals.upperBound)
        let (mixed, witness) = parts(of: original, mixed: wanted)
        let shape = old.inputShape
        func set(_ inputs: [[UInt8]], _ labels: [UInt8]) throws -> ImageSet {
            try ImageSet(
                images: inputs.flatMap { $0 }, labels: labels, height: shape.height, width: shape.width, channels: 1,
                classCount: old.classNames.count, classNames: old.classNames)
        }
        let tested = try set(test.flatMap(\.inputs), test.flatMap(\.labels))
        var experiment = Experiment.fineTuning(old.saved, from: path)
        experiment.training.epochs = epochs
        experiment.training.batchSize = 64
        experiment.training.earlyStopping = nil
        experiment.data.validationFraction = 0.1
        // Repeats keyed characters to about the number of originals: they are what the network is to learn.
        let own = train.flatMap { zip($0.inputs, $0.labels) }
        let times = max(1, mixed.count / max(1, own.count))
        var inputs: [[UInt8]] = [], labels: [UInt8] = []
        for _ in 0..<times {
            inputs += own.map(\.0)
            labels += own.map(\.1)
        }
        inputs += (0..<mixed.count).map { mixed.bytes(of: $0) }
        labels += mixed.labels
        let new = try Model.train(experiment, on: try set(inputs, labels), threads: threads, progress: progress)
        let (before, after) = (try right(old, tested), try right(new, tested))
        let (witnessBefore, witnessAfter) = (try right(old, witness), try right(new, witness))
        let gain = McNemar(before, after), loss = McNemar(witnessBefore, witnessAfter)
        let isBetter = gain.difference > 0 && gain.pValue < significance
        let hasForgotten = loss.difference < 0 && loss.pValue < significance
        return Outcome(
            model: isBetter && !hasForgotten ? new : nil, trained: own.count, tested: tested.count,
            before: before.count { $0 }, after: after.count { $0 }, test: gain, witnesses: witness.count,
            witnessesBefore: witnessBefore.count { $0 }, witnessesAfter: witnessAfter.count { $0 }, witnessTest: loss,
            reason: hasForgotten
                ? "it forgot what it knew" : isBetter ? "it is better" : "it is not surely better")
    }

    /// Returns about `count` images to train on, and of the others about ``witnesses``, each evenly spaced over the set.
    static func parts(of images: ImageSet, mixed count: Int) -> (mixed: ImageSet, witness: ImageSet) {
        let mixed = Set(stride(from: 0, to: images.count, by: max(2, images.count / max(count, 1))))
        let others = images.labels.indices.filter { !mixed.contains($0) }
        let step = max(1, others.count / witnesses)
        return (
            images.subset(mixed.sorted()),
            images.subset(stride(from: 0, to: others.count, by: step).map { others[$0] })
        )
    }

    private static func right(_ model: Model, _ images: ImageSet) throws -> [Bool] {
        zip(try model.classify(images: images.images), images.labels).map { $0.label == Int($1) }
    }
}

extension McNemar {
    /// Compares two classifiers by whether each is right on the same samples.
    init(_ first: [Bool], _ second: [Bool]) {
        self.init(
            onlyFirst: zip(first, second).count { $0 && !$1 }, onlySecond: zip(first, second).count { !$0 && $1 },
            count: first.count)
    }
}
