import Datasets
import Formats
import Tensors

/// The weights of the classes in the training and validation loss: an image's loss is multiplied by its class's weight,
/// a mixed image's loss by the average of two weights according to their shares. The mean loss is taken over images,
/// not over weights.
public enum ClassWeights: Hashable, Sendable {
    /// `N/(K·n)` for a class with n of the N training images of K classes, so that every class counts equally, like
    /// scikit-learn's `balanced`.
    case balanced
    /// Weights by class name, each above 0; classes that are not listed have weight 1.
    case given([String: Double])

    /// Returns the weight of each class of `images`, or `nil` if all weights are 1.
    /// - Throws: An ``InputError`` if a name is not the name of a class.
    package static func weights(_ options: ClassWeights?, for images: ImageSet) throws(InputError) -> [Float]? {
        switch options {
        case nil: return nil
        case .balanced:
            // A class without images counts as if it had one, which avoids a division by zero.
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
