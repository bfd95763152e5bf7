import Tensors

/// Where a value stands in a configuration: `model.layers[3].filters`.
package struct ConfigurationPath: Hashable, Sendable {
    /// Empty at the top.
    package var text: String

    package init(text: String = "") { self.text = text }

    /// The member `key` of the object here. A key that is no plain word is quoted, so that an error stays one line.
    package func key(_ key: String) -> ConfigurationPath {
        guard Self.isWord(key) else {
            return ConfigurationPath(text: "\(text)[\(JSONValue.string(key).excerpt)]")
        }
        return ConfigurationPath(text: text.isEmpty ? key : "\(text).\(key)")
    }

    /// The element `index` of the array here.
    package func index(_ index: Int) -> ConfigurationPath { ConfigurationPath(text: "\(text)[\(index)]") }

    /// An error at this place.
    package func error(_ expected: String, _ received: JSONValue, remedy: String = "") -> InputError {
        InputError(text, expected: expected, received: received.excerpt, remedy: remedy)
    }

    /// An error for a required key that is not there.
    package func missing(_ expected: String, remedy: String = "") -> InputError {
        InputError(text, expected: expected, received: "nothing", remedy: remedy)
    }

    /// Whether `text` is a letter, `_` or `$`, then letters, digits, `_`, `$`, `-`, all ASCII, at most 64.
    package static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard !isDigit(first), first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy {
            isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "-")
        }
    }
}
