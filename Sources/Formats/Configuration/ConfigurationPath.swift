import Tensors

/// The location of a value in a configuration, such as `model.layers[3].filters`.
package struct ConfigurationPath: Hashable, Sendable {
    /// The path as text; empty for the root.
    package var text: String

    package init(text: String = "") { self.text = text }

    /// Returns the path of member `key` of this object. A key that is not a plain word is quoted, so that errors stay
    /// on one line.
    package func key(_ key: String) -> ConfigurationPath {
        guard Self.isWord(key) else {
            return ConfigurationPath(text: "\(text)[\(JSONValue.string(key).excerpt)]")
        }
        return ConfigurationPath(text: text.isEmpty ? key : "\(text).\(key)")
    }

    /// Returns the path of element `index` of this array.
    package func index(_ index: Int) -> ConfigurationPath { ConfigurationPath(text: "\(text)[\(index)]") }

    /// Returns an error at this location.
    package func error(_ expected: String, _ received: JSONValue, remedy: String = "") -> InputError {
        InputError(text, expected: expected, received: received.excerpt, remedy: remedy)
    }

    /// Returns an error for a missing required key.
    package func missing(_ expected: String, remedy: String = "") -> InputError {
        InputError(text, expected: expected, received: "nothing", remedy: remedy)
    }

    /// Whether `text` consists of a letter, `_` or `$`, followed by letters, digits, `_`, `$` or `-`, all ASCII, at
    /// most 64.
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
