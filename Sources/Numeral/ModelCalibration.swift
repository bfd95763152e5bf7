import Datasets
import Evaluation
import NeuralNetwork
import Recognition
import Tensors
import Training
import Workers

/// What images that a network did not learn from say of its answers: how sure they may be, and what is no answer at all.
package struct ModelCalibration: Sendable {
    /// What logits are divided by; nil where there are no such images.
    package var temperature: Double?
    /// Tells what it was not trained to read; nil where there are too few.
    package var strangers: StrangerDetector?

    /// Nothing is known.
    package init() {}

    /// Training lines that the class means and their covariance are taken of.
    private static let trainingLines = 2_000

    /// Of a network of lines.
    /// - Parameters:
    ///   - training: the characters that the lines it learned from are composed of.
    ///   - heldOut: those of the lines that it did not learn from.
    /// - Throws: an `InputError` where lines are of widths that the network does not take.
    package init(
        lines: LineData, graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>,
        batchSize: Int, seed: UInt64, training: ImageSet, heldOut: ImageSet, pool: WorkerPool
    ) throws(InputError) {
        let graphs = try graph.widened(to: lines.widths), columns = graphs.map(\.outputColumns)
        guard let held = try lines.validation(of: heldOut, seed: seed, columns: columns) else { return }
        let networks = LineNetworks(graphs, batchSize: batchSize, pool: pool, keepsFeatures: true)
        networks.load(parameters: parameters, state: state)
        temperature = networks.temperature(on: held)
        let learned = try lines.samples(of: training, count: Self.trainingLines, seed: seed, columns: columns)
        strangers = StrangerDetector.fit(networks, training: learned, heldOut: held)
    }

    /// Of a network of single images.
    /// - Parameters:
    ///   - training: what it learned from.
    ///   - heldOut: what it did not.
    package init(
        graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>, batchSize: Int,
        normalization: (mean: Float, standardDeviation: Float)?, training: ImageSet, heldOut: ImageSet, pool: WorkerPool
    ) {
        guard heldOut.count > 0 else { return }
        let classifier = Classifier(
            graph: graph, batchSize: batchSize, normalization: normalization, pool: pool, keepsFeatures: true)
        classifier.load(parameters: parameters, state: state)
        let known = StrangerDetector.Activations(heldOut, classifier)
        temperature = TemperatureScaling.fit(
            logits: known?.logits ?? classifier.logits(of: heldOut), labels: heldOut.labels, classes: graph.classCount)
        if let known {
            strangers = StrangerDetector.fit(classifier, training: training, heldOut: heldOut, known: known)
        }
    }
}

extension StrangerDetector {
    /// Images that the class means and their covariance are taken of.
    private static let mostTraining = 5_000
    /// Held-out images that strangers are made of.
    private static let mostStrangers = 1_000

    /// Fits a detector to a trained network, with strangers made of the held-out images.
    /// - Parameters:
    ///   - classifier: made with its features kept, and loaded.
    ///   - training: what it learned from.
    ///   - heldOut: what it did not.
    ///   - known: what it says of these, where that is known already.
    /// - Returns: nil where it cannot be: see ``fit(training:labels:heldOut:strangers:classes:)``.
    package static func fit(
        _ classifier: Classifier, training: ImageSet, heldOut: ImageSet, known: Activations? = nil
    ) -> StrangerDetector? {
        guard heldOut.count >= fewestHeldOut, training.count > training.classCount,
            let made = heldOut.strangers(most: mostStrangers)
        else { return nil }
        let step = max(1, training.count / mostTraining)
        let sample = training.subset(Array(stride(from: 0, to: training.count, by: step)))
        guard let learned = Activations(sample, classifier), let known = known ?? Activations(heldOut, classifier),
            let strangers = Activations(made, classifier)
        else { return nil }
        return fit(
            training: learned, labels: sample.labels, heldOut: known, strangers: strangers, classes: training.classCount
        )
    }
}

extension StrangerDetector.Activations {
    /// Nil where the classifier keeps no features.
    package init?(_ images: ImageSet, _ classifier: Classifier) {
        guard let (logits, features) = classifier.activations(of: images) else { return nil }
        self.init(logits: logits, features: features)
    }
}
