import Foundation
import Tensors

/// The JSON that runs write: sorted keys, indentation, numbers that read back as the same Double, absent figures as
/// `null`, and a trailing newline.
package enum JSONText {
    package static func encode(_ value: some Encodable, named name: String) throws(OperationError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            return try encoder.encode(value) + Data("\n".utf8)
        } catch {
            throw OperationError("encoding \(name)", problem: "\(error)")
        }
    }
}

extension KeyedEncodingContainer {
    /// Encodes a number, or null if it is absent or not finite, which JSON cannot represent.
    package mutating func encodeFigure(_ value: Double?, forKey key: Key) throws {
        try encode(value.flatMap { $0.isFinite ? $0 : nil }, forKey: key)
    }
}
