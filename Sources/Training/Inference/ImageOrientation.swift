import Datasets

/// Checks whether images have the orientation a model was trained on: EMNIST's files have rows and columns exchanged,
/// and a model reads such images without complaint.
package enum ImageOrientation {
    /// The maximum number of images that are examined, from the first on.
    package static let limit = 1000

    /// Returns the fraction of images for which the model is more confident with rows and columns exchanged, or `nil`
    /// if the images cannot be transposed, for example because they are not square.
    /// - Parameter probabilities: Returns the probabilities of every class, `[count, K]`.
    package static func surerTransposed(
        _ images: ImageSet, probabilities: (ImageSet) throws -> [Float]
    ) rethrows -> Double? {
        let some = images.subset(0..<min(images.count, limit))
        guard some.count > 0, let turned = some.transposed else { return nil }
        let classes = images.classCount
        let (upright, exchanged) = (try probabilities(some), try probabilities(turned))
        func confidence(_ values: [Float], _ image: Int) -> Float {
            values[(image * classes)..<((image + 1) * classes)].max() ?? 0
        }
        let surer = (0..<some.count).count { confidence(exchanged, $0) > confidence(upright, $0) }
        return Double(surer) / Double(some.count)
    }

    /// Returns a note about this fraction, or `nil` if most images have the right orientation.
    package static func note(_ share: Double?) -> String? {
        guard let share, share > 0.5 else { return nil }
        return
            "the model is surer of \(Int((100 * share).rounded())) % of these images with rows and columns exchanged: they "
            + "look transposed, as EMNIST's files are; if so, give --transposed (or data.files.transposed)"
    }
}
