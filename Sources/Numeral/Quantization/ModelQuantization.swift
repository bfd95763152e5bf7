import Datasets
import Evaluation
import Experiments
import NeuralNetwork
import Tensors
import Training
import Workers

extension Model {
    /// Returns the network quantized to int8 for inference.
    ///
    /// A layer is quantized where that is faster on this machine and the network remains as accurate: its accuracy
    /// drops by at most 0.05 percentage points, or by no more than chance explains (McNemar's test at 0.05).
    ///
    /// Weights have one scale per output channel, layer inputs one scale and zero point; `y = s_x·s_w·Σ (q_x − z)·q_w`
    /// with exact integer sums. ``save(to:)`` writes the model in a quarter of the bytes. Its probabilities are
    /// calibrated on `images`. It has no out-of-distribution detector, since fitting one requires the training images
    /// (the command `trainer quantize` has them).
    ///
    /// - Parameters:
    ///   - images: Held-out images: the first thousand calibrate the ranges, all of them compare the two networks.
    ///   - threads: The number of threads, in 1…1024; nil for the cores this process may use.
    /// - Throws: An ``InputError`` if the images do not match the network or the network cannot be quantized; an
    ///   ``OperationError`` if no layer is faster at equal accuracy.
    /// - Complexity: About a dozen passes over all images.
    public func quantized(on images: ImageSet, threads: Int? = nil) throws -> Model {
        try quantized(on: images, threads: threads, options: .init())
    }

    func quantized(on images: ImageSet, threads: Int?, options: Quantizer.Options) throws -> Model {
        try requireOneLabel()
        try images.requireOneLabel()
        try Classifier.check(saved.graph, fits: images, named: "images")
        guard images.count > 0 else { throw InputError("images", expected: "at least one", received: "none") }
        let pool = try Machinery.pool(threads: threads)
        defer { pool.shutdown() }
        let (model, report) = try Quantizer(saved, images: images, options: options, pool: pool).run()
        guard report.isGain else { throw Quantizer.nothingGained }
        let classifier = Classifier(
            graph: model.graph, batchSize: model.experiment.evaluation.batchSize, for: images.count,
            normalization: model.normalization, pool: pool)
        classifier.load(parameters: model.parameters, state: model.state)
        let temperature = TemperatureScaling.fit(
            logits: classifier.logits(of: images), labels: images.labels, classes: model.graph.classCount)
        return try Model(model.calibrated(temperature: temperature, strangers: nil), threads: threads)
    }
}
