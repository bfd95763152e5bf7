import Formats
import Foundation
import Tensors

/// The images that a network has learned, as digests: all of them, or a uniform sample.
///
/// Kept are the ``capacity`` smallest digests (a bottom-k sketch), so that two sets can be compared by those of their
/// digests that are small enough to be kept in either, and the sketch of a union follows from the sketches. A digest is
/// the first 64 bits of the SHA-256 of an image's bytes, without its class: whether an image was learned is told without
/// mistake, and only for an image that is exactly the same.
///
/// Source: Beyer, Haas, Reinwald, Sismanis and Gemulla 2007, “On synopses for distinct-value estimation under multiset
/// operations”.
package struct LearnedImages: Hashable, Sendable {
    /// The number of digests kept at most.
    package static let capacity = 4_096

    /// In ascending order, each once.
    private let digests: [UInt64]

    private init(_ all: some Sequence<UInt64>) {
        digests = Array(Set(all).sorted().prefix(Self.capacity))
    }

    /// Creates the sketch of `images` but for those whose weight is 0; reads each of them once.
    /// - Throws: `OperationError` if OpenSSL lacks SHA-256.
    package init(_ images: ImageSet) throws {
        let weights = images.weights
        try self.init(Self.digests(of: images).enumerated().filter { weights?[$0.offset] != 0 }.map(\.element))
    }

    /// Whether it tells of no image.
    package var isEmpty: Bool { digests.isEmpty }

    /// Returns the sketch of the images of both.
    package func union(_ other: LearnedImages?) -> LearnedImages {
        LearnedImages(digests + (other?.digests ?? []))
    }

    /// How many of other images were learned.
    package struct Overlap: Hashable, Sendable {
        /// The number of images that were compared: all, or those whose digests are in the sample.
        package let compared: Int
        /// The number of these that were learned.
        package let learned: Int

        /// The share learned, in [0, 1].
        package var share: Double { compared == 0 ? 0 : Double(learned) / Double(compared) }

        /// The numbers for people: `51 of 1,000 test images (5.1 %)`.
        /// - Parameters:
        ///   - what: What the images are: `test images`.
        ///   - count: The number of images, compared or not.
        package func text(_ what: String, of count: Int) -> String {
            "\(Text.grouped(learned)) of \(Text.grouped(compared)) \(what)"
                + (compared < count ? " that were compared" : "") + " (\(Text.fixed(100 * share, 1)) %)"
        }
    }

    /// Compares `images` with those learned. If there are more learned images than ``capacity``, only about
    /// `capacity / learned` of them all are compared.
    /// - Throws: `OperationError` if OpenSSL lacks SHA-256.
    package func overlap(with images: ImageSet) throws -> Overlap {
        let last = digests.count < Self.capacity ? UInt64.max : digests[Self.capacity - 1]
        let comparable = try Self.digests(of: images).filter { $0 <= last }
        let known = Set(digests)
        return Overlap(compared: comparable.count, learned: comparable.count { known.contains($0) })
    }

    /// The number that big-endian bytes are.
    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func digests(of images: ImageSet) throws -> [UInt64] {
        var result: [UInt64] = []
        result.reserveCapacity(images.count)
        try images.forEachImage { _, pixels in
            let digest = Digest()
            digest.update(pixels)
            result.append(number(try digest.bytes().prefix(8)))
        }
        try images.checkReading()
        return result
    }

    // MARK: - In a model file

    /// The digests as big-endian bytes in Base64.
    package var text: String {
        Data(digests.flatMap { LittleEndian.bytes(of: $0.byteSwapped) }).base64EncodedString()
    }

    /// Reads ``text``.
    /// - Parameter name: The name of the text in errors.
    /// - Throws: `InputError` if it is none.
    package init(text: String, name: String) throws(InputError) {
        let expected = "at most \(Self.capacity) ascending numbers of 64 bits in Base64"
        guard text.utf8.count <= 16 * Self.capacity, let bytes = Data(base64Encoded: text), bytes.count % 8 == 0 else {
            throw InputError(name, expected: expected, received: "\(text.utf8.count) characters that are none")
        }
        let values = stride(from: 0, to: bytes.count, by: 8).map { Self.number(bytes[$0..<($0 + 8)]) }
        guard values.count <= Self.capacity, zip(values, values.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw InputError(name, expected: expected, received: "\(values.count), or in another order")
        }
        digests = values
    }
}
