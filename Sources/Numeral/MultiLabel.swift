import Datasets
import Evaluation
import NeuralNetwork
import Tensors
import Training

extension Model {
    /// Whether the model gives an image any number of labels: it was trained on an ``ImageSet`` of several labels, or
    /// with `data.multiLabel`.
    public var isMultiLabel: Bool { saved.experiment.data.multiLabel }

    /// Returns the probability of each label for each image, `[N][K]`, each for itself: a row need not sum to 1. An
    /// image has a label if its probability is at least 1/2.
    ///
    /// - Parameter pixels: The pixels `[N, H, W, C]` in row-major order, N ≥ 0.
    /// - Throws: An ``InputError`` if the model gives one label an image, or the pixels are not a whole number of
    ///   images.
    public func labelProbabilities(images pixels: [UInt8]) throws(InputError) -> [[Float]] {
        let images = try unlabelled(pixels), k = classNames.count
        let probabilities = try sigmoids(of: images)
        return (0..<images.count).map { Array(probabilities[($0 * k)..<(($0 + 1) * k)]) }
    }

    /// Evaluates the model on images with several labels.
    ///
    /// - Parameter images: At least one image of the model's ``inputShape`` and number of classes, with several labels.
    /// - Throws: An ``InputError`` if the model or the images have one label an image, or the images are not the
    ///   model's.
    public func evaluate(multiLabel images: ImageSet) throws(InputError) -> MultiLabelEvaluation {
        try Classifier.check(saved.graph, fits: images, named: "images")
        guard let labelSets = images.labelSets else {
            throw InputError("images", expected: "images with several labels", received: "one label each")
        }
        return try MultiLabelEvaluation(
            labelSets: labelSets, probabilities: try sigmoids(of: images), classNames: classNames)
    }

    private func sigmoids(of images: ImageSet) throws(InputError) -> [Float] {
        guard isMultiLabel else {
            throw InputError(
                "model", expected: "one trained on images with several labels", received: "one label an image",
                remedy: "classify(_:) gives it")
        }
        return engine.labelProbabilities(of: images)
    }

    /// Throws if the model gives an image several labels.
    func requireOneLabel() throws(InputError) {
        guard isMultiLabel else { return }
        throw InputError(
            "model", expected: "one of one label an image", received: "one of several labels",
            remedy: "labelProbabilities(images:) and evaluate(multiLabel:) give them")
    }
}

extension ImageSet {
    /// - Throws: An ``InputError`` if images have several labels, for models that give one.
    func requireOneLabel() throws(InputError) {
        guard isMultiLabel else { return }
        throw InputError("images", expected: "one label an image, as the model gives", received: "several labels")
    }
}
