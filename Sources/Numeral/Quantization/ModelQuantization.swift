import Datasets
import Evaluation
import Experiments
import NeuralNetwork
import Tensors
import Training
import Workers

extension Model {
    /// The same network with layers that multiply bytes (int8) at inference, each where that is faster on this machine and the network is
    /// as often right: at most 0.05 points less, or no more than chance explains (McNemar's test at 0.05).
    ///
    /// Weights get one scale an output channel, what layers read one scale and zero point; `y = s_x·s_w·Σ (q_x − z)·q_w`, the sums
    /// exact. ``save(to:)`` writes it in a quarter of the bytes. Its probabilities are calibrated on `images`; what it was not trained to
    /// read it no longer knows (the command `trainer quantize` has the training images for that).
    ///
    /// - Parameters:
    ///   - images: that it did not learn from: ranges are found on the first thousand, both networks compared on all.
    ///   - threads: that compute, in 1…1024; nil: the cores this process may use.
    /// - Throws: an ``InputError`` where images or network do not fit, an ``OperationError`` where no layer is faster and as often right.
    /// - Complexity: some dozen passes of all images.
    public func quantized(on images: ImageSet, threads: Int? = nil) throws -> Model {
        try Classifier.check(saved.graph, fits: images, named: "images")
        guard images.count > 0 else { throw InputError("images", expected: "at least one", received: "none") }
        let pool = WorkerPool(threads: try Machinery.threads(threads))
        defer { pool.shutdown() }
        let (model, report) = try Quantizer(saved, images: images, options: .init(), pool: pool).run()
        guard report.isGain else { throw Quantizer.nothingGained }
        let classifier = Classifier(
            graph: model.graph, batchSize: model.experiment.evaluation.batchSize, normalization: model.normalization,
            pool: pool)
        classifier.load(parameters: model.parameters, state: model.state)
        let temperature = TemperatureScaling.fit(
            logits: classifier.logits(of: images), labels: images.labels, classes: model.graph.classCount)
        return try Model(model.calibrated(temperature: temperature, strangers: nil), threads: threads)
    }
}
