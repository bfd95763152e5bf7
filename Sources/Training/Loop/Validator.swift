import Datasets
import Tensors

/// Scores an epoch's weights on validation data.
protocol Validator: AnyObject {
    /// Copies trained weights into the validator.
    func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>)
    /// Returns the mean loss, defined as in training, and the fraction of correct results.
    func score() -> (loss: Double, accuracy: Double)
}

/// Scores weights on the validation images.
final class ImageValidator: Validator {
    private let classifier: Classifier
    private let images: ImageSet
    private let options: TrainingOptions
    private let classWeights: [Float]?

    init(_ classifier: Classifier, images: ImageSet, options: TrainingOptions, classWeights: [Float]?) {
        (self.classifier, self.images, self.options, self.classWeights) = (classifier, images, options, classWeights)
    }

    func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        classifier.load(parameters: parameters, state: state)
    }

    func score() -> (loss: Double, accuracy: Double) {
        classifier.score(
            images, labelSmoothing: options.labelSmoothing, loss: options.loss, classWeights: classWeights)
    }
}
