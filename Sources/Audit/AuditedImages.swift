import Datasets
import Tensors

/// The images of an audit, with all parts concatenated.
package struct AuditedImages: Sendable {
    /// One part of the data.
    package struct Part: Sendable {
        /// `train`, `validation` or `test`.
        package var name: String
        /// The range of its images among all.
        package var range: Range<Int>
    }

    package let images: ImageSet
    package let parts: [Part]

    /// - Precondition: all parts have the same image size and the same classes.
    package init(_ sets: [(name: String, images: ImageSet)]) {
        precondition(!sets.isEmpty, "AuditedImages: at least one part")
        var all = sets[0].images, parts: [Part] = []
        parts.append(Part(name: sets[0].name, range: 0..<all.count))
        for (name, images) in sets.dropFirst() {
            parts.append(Part(name: name, range: all.count..<all.count + images.count))
            all = all.joined(with: images)
        }
        self.images = all
        self.parts = parts
    }

    /// Returns the part that contains image `index`, and the image's index in that part.
    package func place(_ index: Int) -> (part: String, index: Int) {
        for part in parts where part.range.contains(index) { return (part.name, index - part.range.lowerBound) }
        preconditionFailure("AuditedImages: image \(index) of \(images.count)")
    }

    /// Returns the part named `name`.
    package func part(_ name: String) -> Part? { parts.first { $0.name == name } }
}
