import Datasets
import Tensors

/// What an epoch's weights are judged by.
protocol Validator: AnyObject {
    /// Takes copies of trained weights.
    func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>)
    /// The mean loss, as training has it, and the share that is read right.
    func score() -> (loss: Double, accuracy: Double)
}

/// By the validation images.
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
