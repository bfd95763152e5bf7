import Datasets
import Formats
import Tensors

/// How much the images of each class count in the loss, in training and validation: an image's loss is multiplied with its
/// class's weight, a mixed one's with the mean of two by their shares. The mean is over images, not over weights.
public enum ClassWeights: Hashable, Sendable {
    /// `N/(K·n)` for a class with n of the N training images of K classes: every class counts as much as the others, as
    /// scikit-learn's `balanced` has it.
    case balanced
    /// By the names of classes, each above 0; the others 1.
    case given([String: Double])

    /// The weight of each class of `images`; nil: all 1.
    /// - Throws: an ``InputError`` where a name is none of the classes.
    package static func weights(_ options: ClassWeights?, for images: ImageSet) throws(InputError) -> [Float]? {
        switch options {
        case nil: return nil
        case .balanced:
            // A class without images has none to weigh.
            return images.classSizes.map { Float(Double(images.count) / Double(images.classCount * max($0, 1))) }
        case .given(let weights):
            for name in weights.keys.sorted() where !images.classNames.contains(name) {
                throw InputError(
                    ConfigurationPath().key("training").key("classWeights").key(name).text,
                    expected: "the name of a class (\(images.classNames.joined(separator: ", ")))",
                    received: "\"\(name)\"", remedy: Spelling.remedy(for: name, among: images.classNames))
            }
            return images.classNames.map { Float(weights[$0] ?? 1) }
        }
    }
}
