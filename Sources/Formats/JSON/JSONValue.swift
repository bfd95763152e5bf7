/// A JSON text as a tree that preserves the order of members and the digits of numbers.
package enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Returns an integer.
    package static func integer(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }
    /// Returns a number with the fewest digits that give the same `Double` back. NaN and the infinities, which JSON
    /// lacks, become strings, which no number codec accepts.
    package static func number(_ value: Double) -> JSONValue {
        value.isFinite ? .number(JSONNumber(value)) : .string("\(value)")
    }

    /// The members of an object; nil for anything else.
    package var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }
    /// The elements of an array; nil for anything else.
    package var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
    /// The characters of a string; nil for anything else.
    package var string: String? {
        if case .string(let string) = self { string } else { nil }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
    package init(stringLiteral value: String) { self = .string(value) }

    /// Creates an object with its members in the order written.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}

/// A number with its literal as written.
package struct JSONNumber: Hashable, Sendable {
    /// The literal, in JSON's grammar.
    package let text: String

    /// Creates a number from a literal that is known to follow JSON's grammar.
    package init(literal text: String) { self.text = text }

    /// Creates an integer with all its digits.
    package init(_ value: Int) { text = String(value) }

    /// Creates a number with the fewest digits that give the same `Double` back; integers have no fraction.
    ///
    /// - Precondition: `value` is finite: JSON has no other numbers.
    package init(_ value: Double) {
        precondition(value.isFinite, "JSON has no number for \(value)")
        text = value == value.rounded() && value.magnitude < 0x1p53 ? String(Int(value)) : "\(value)"
    }

    /// Creates a number with the fewest digits that give the same `Float` back; integers have no fraction.
    ///
    /// - Precondition: `value` is finite.
    package init(_ value: Float) {
        precondition(value.isFinite, "JSON has no number for \(value)")
        text = value == value.rounded() && value.magnitude < 0x1p24 ? String(Int(value)) : "\(value)"
    }

    /// The nearest `Double`; infinite if the literal exceeds its range.
    package var double: Double { Double(text) ?? .nan }
    /// The nearest `Float`, rounded once.
    package var float: Float { Float(text) ?? .nan }

    /// The exact value, if the literal (`3`, `3.0`, `3e2`) is an integer that fits in an `Int`.
    package var integer: Int? {
        if let value = Int(text) { return value }
        let parts = text.lowercased().split(separator: "e")
        guard let mantissa = parts.first else { return nil }
        let sign = mantissa.hasPrefix("-") ? "-" : ""
        let pieces = mantissa.drop { $0 == "-" }.split(separator: ".")
        let fraction = pieces.count > 1 ? pieces[1] : ""
        var digits = String((String(pieces[0]) + fraction).drop { $0 == "0" })
        if digits.isEmpty { return 0 }
        guard var exponent = parts.count > 1 ? Int(parts[1]) : 0, exponent.magnitude < 1000 else { return nil }
        exponent -= fraction.count
        while digits.last == "0" {
            digits.removeLast()
            exponent += 1
        }
        guard exponent >= 0, digits.count + exponent <= 19 else { return nil }
        return Int(sign + digits + String(repeating: "0", count: exponent))
    }
}

/// The members of an object, in text order, with unique keys.
package struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// A key and its value.
    package struct Member: Hashable, Sendable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) { (self.key, self.value) = (key, value) }
    }

    package private(set) var members: [Member] = []

    package init() {}

    /// Creates an object with its members in the order written. A repeated key keeps its first position and its last
    /// value.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// Creates an object from members whose keys are known to be distinct.
    package init(distinct members: [Member]) { self.members = members }

    package var keys: [String] { members.map(\.key) }

    /// The value of a key. Setting a new key appends it; setting nil removes the key.
    package subscript(key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Returns these members followed by those of `other`, whose values take precedence for shared keys.
    package func merging(_ other: JSONObject) -> JSONObject {
        var result = self
        for member in other.members { result[member.key] = member.value }
        return result
    }
}
