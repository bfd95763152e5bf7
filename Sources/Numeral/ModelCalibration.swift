import Datasets
import Evaluation
import NeuralNetwork
import Recognition
import Tensors
import Training
import Workers

/// A network's calibration on held-out images: its temperature and its out-of-distribution detector.
package struct ModelCalibration: Sendable {
    /// The temperature by which logits are divided; nil without held-out images.
    package var temperature: Double?
    /// The out-of-distribution detector; nil if there are too few held-out images.
    package var strangers: StrangerDetector?

    /// Creates an empty calibration.
    package init() {}

    /// The number of training lines from which class means and covariance are estimated.
    private static let trainingLines = 2_000

    /// Calibrates a line-reading network.
    /// - Parameters:
    ///   - training: The characters from which the training lines are composed.
    ///   - heldOut: The characters from which the held-out lines are composed.
    /// - Throws: An `InputError` if the network does not support the lines' widths.
    package init(
        lines: LineData, graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>,
        batchSize: Int, seed: UInt64, training: ImageSet, heldOut: ImageSet, pool: WorkerPool
    ) throws(InputError) {
        let graphs = try graph.widened(to: lines.widths), columns = graphs.map(\.outputColumns)
        guard let set = try lines.validation(of: heldOut, seed: seed, columns: columns) else { return }
        let networks = LineNetworks(graphs, batchSize: batchSize, pool: pool, keepsFeatures: true)
        networks.load(parameters: parameters, state: state)
        let held = networks.logits(of: set)
        temperature = LineNetworks.temperature(of: held)
        let learned = try lines.samples(of: training, count: Self.trainingLines, seed: seed, columns: columns)
        strangers = StrangerDetector.fit(
            training: networks.logits(of: learned), heldOut: held, strangers: networks.logits(of: set.strangers))
    }

    /// Calibrates a network of single images; of images with several labels there is nothing to calibrate.
    /// - Parameters:
    ///   - training: The training images.
    ///   - heldOut: The held-out images.
    package init(
        graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>, batchSize: Int,
        normalization: (mean: Float, standardDeviation: Float)?, training: ImageSet, heldOut: ImageSet, pool: WorkerPool
    ) {
        // A temperature is fitted to a softmax, and a detector to classes that exclude each other.
        guard heldOut.count > 0, !heldOut.isMultiLabel else { return }
        let classifier = Classifier(
            graph: graph, batchSize: batchSize, for: max(training.count, heldOut.count), normalization: normalization,
            pool: pool, keepsFeatures: true)
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
    /// The approximate number of training images from which class means and covariance are estimated.
    private static let mostTraining = 5_000
    /// The maximum number of held-out images that are turned into strangers.
    private static let mostStrangers = 1_000

    /// Fits a detector to a trained network, with strangers derived from the held-out images.
    /// - Parameters:
    ///   - classifier: The loaded classifier, created with `keepsFeatures`.
    ///   - training: The training images.
    ///   - heldOut: The held-out images.
    ///   - known: The activations of the held-out images, if already computed.
    /// - Returns: Nil if no detector can be fitted; see ``fit(training:labels:heldOut:strangers:classes:)``.
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
    /// Computes the activations of images; nil if the classifier keeps no features.
    package init?(_ images: ImageSet, _ classifier: Classifier) {
        guard let (logits, features) = classifier.activations(of: images) else { return nil }
        self.init(logits: logits, features: features)
    }
}
