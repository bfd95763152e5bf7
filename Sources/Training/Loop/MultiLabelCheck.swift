import Datasets
import NeuralNetwork
import Tensors

extension Trainer {
    /// Checks that images with several labels are trained on with a loss for them, and without what needs one class an
    /// image.
    static func check(
        _ options: TrainingOptions, _ images: ImageSet, _ augmentation: AugmentationOptions
    ) throws(InputError) {
        guard images.isMultiLabel else { return }
        guard options.loss.takesSeveralLabels else {
            throw InputError(
                "training.loss",
                expected: "a loss for images with several labels (data.multiLabel), such as binaryCrossEntropy",
                received: options.loss.type)
        }
        for (key, isOn) in [
            ("augmentation.mixup", augmentation.mixup != nil), ("augmentation.cutmix", augmentation.cutmix != nil),
            ("training.distillation", options.distillation != nil),
        ] where isOn {
            throw InputError(
                key, expected: "null with data.multiLabel: it needs one class an image", received: "options")
        }
    }
}
