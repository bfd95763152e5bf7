import Datasets
import Tensors

/// All images of an audit, part after part.
package struct AuditedImages: Sendable {
    /// One part of the data.
    package struct Part: Sendable {
        /// `train`, `validation` or `test`.
        package var name: String
        /// Its images, among all.
        package var range: Range<Int>
    }

    package let images: ImageSet
    package let parts: [Part]

    /// - Precondition: the parts are of one size and the same classes.
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

    /// The part of image `index`, and its number there.
    package func place(_ index: Int) -> (part: String, index: Int) {
        for part in parts where part.range.contains(index) { return (part.name, index - part.range.lowerBound) }
        preconditionFailure("AuditedImages: image \(index) of \(images.count)")
    }

    /// The part called `name`.
    package func part(_ name: String) -> Part? { parts.first { $0.name == name } }
}
