import Datasets

/// Whether images lie the way a model was trained: EMNIST's files have rows and columns exchanged, and a model reads them
/// so without complaint.
package enum ImageOrientation {
    /// Images that are looked at, the first ones.
    package static let limit = 1000

    /// The share of square images of which the model is surer with rows and columns exchanged; nil where they are not square.
    /// - Parameter probabilities: Of every class, `[count, K]`.
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

    /// What to say of it; nil where the images lie right on most.
    package static func note(_ share: Double?) -> String? {
        guard let share, share > 0.5 else { return nil }
        return
            "the model is surer of \(Int((100 * share).rounded())) % of these images with rows and columns exchanged: they "
            + "look transposed, as EMNIST's files are; if so, give --transposed (or data.files.transposed)"
    }
}
