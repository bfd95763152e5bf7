import Tensors

/// The JSON representation of a value: how it is decoded, how it is encoded, and its schema. All three are defined in
/// one place, so that they cannot disagree.
public struct Codec<Value>: Sendable {
    /// The expectation stated in errors, such as `an integer in 1…65536`.
    package let expected: String
    /// The JSON Schema (draft 2020-12) of the value.
    package let schema: JSONObject
    package let decode: @Sendable (JSONValue, ConfigurationPath) throws(InputError) -> Value
    package let encode: @Sendable (Value) -> JSONValue

    package init(
        expected: String, schema: JSONObject,
        decode: @escaping @Sendable (JSONValue, ConfigurationPath) throws(InputError) -> Value,
        encode: @escaping @Sendable (Value) -> JSONValue
    ) {
        self.expected = expected
        self.schema = schema
        self.decode = decode
        self.encode = encode
    }

    /// Returns a codec with the same JSON for another type.
    package func converted<Other>(
        _ forward: @escaping @Sendable (Value, JSONValue, ConfigurationPath) throws(InputError) -> Other,
        _ backward: @escaping @Sendable (Other) -> Value
    ) -> Codec<Other> {
        let decode = self.decode, encode = self.encode
        return Codec<Other>(
            expected: expected, schema: schema,
            decode: { json, path throws(InputError) in try forward(try decode(json, path), json, path) },
            encode: { encode(backward($0)) })
    }

    /// The same codec that also accepts `null`, for nil.
    package var nullable: Codec<Value?> {
        let decode = self.decode, encode = self.encode, plain = expected
        let expected = plain + " or null"
        return Codec<Value?>(
            expected: expected,
            schema: ["anyOf": .array([.object(schema), ["type": "null"]])],
            decode: { json, path throws(InputError) in
                if json == .null { return nil }
                do throws(InputError) {
                    return try decode(json, path)
                } catch {
                    guard error.place == path.text, error.expected == plain else { throw error }
                    throw InputError(
                        error.place, expected: expected, received: error.received, remedy: error.remedy)
                }
            },
            encode: { $0.map(encode) ?? .null })
    }
}

extension Codec {
    /// Returns a hint if a number is written with a decimal comma, as in `--set rate=0,001`.
    fileprivate static func remedy(_ json: JSONValue) -> String {
        guard let text = json.string, text.count <= JSONValue.numberLengthLimit else { return "" }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, parts[1].allSatisfy(\.isNumber), Int(parts[0]) != nil else {
            return ""
        }
        return "write it with a decimal point: \(parts[0]).\(parts[1])"
    }
}

/// An interval of numbers; each end is open or closed.
public struct NumberRange: Sendable {
    package let low: Double
    package let high: Double
    package let lowIsOpen: Bool
    package let highIsOpen: Bool

    /// Returns the interval `[low, high]`.
    public static func closed(_ low: Double, _ high: Double) -> NumberRange {
        NumberRange(low: low, high: high, lowIsOpen: false, highIsOpen: false)
    }
    /// Returns the interval `[low, high)`.
    public static func below(_ low: Double, _ high: Double) -> NumberRange {
        NumberRange(low: low, high: high, lowIsOpen: false, highIsOpen: true)
    }
    /// Returns the interval `(low, high]`.
    public static func above(_ low: Double, _ high: Double) -> NumberRange {
        NumberRange(low: low, high: high, lowIsOpen: true, highIsOpen: false)
    }
    /// Returns the interval `(low, high)`.
    public static func open(_ low: Double, _ high: Double) -> NumberRange {
        NumberRange(low: low, high: high, lowIsOpen: true, highIsOpen: true)
    }

    /// Whether `value` is in the interval. NaN is in none.
    package func contains(_ value: Double) -> Bool {
        (lowIsOpen ? value > low : value >= low) && (highIsOpen ? value < high : value <= high)
    }

    /// The interval with its ends rounded to `Float`: a bound of 0.1 must admit the `Float` nearest to 0.1.
    package var nearest: NumberRange {
        NumberRange(
            low: Double(Float(low)), high: Double(Float(high)), lowIsOpen: lowIsOpen, highIsOpen: highIsOpen)
    }

    /// The interval for numbers that are first rounded to `Float`: an open end moves inward by half a step, to where
    /// rounding reaches it. (Such ends are 0 and 1, whose last bit is even, so the halfway point itself rounds to
    /// them.)
    package var roundedToFloat: NumberRange {
        let first = Double(Float(low).nextUp), last = Double(Float(high).nextDown)
        return NumberRange(
            low: lowIsOpen ? (low + first) / 2 : low, high: highIsOpen ? (last + high) / 2 : high, lowIsOpen: lowIsOpen,
            highIsOpen: highIsOpen)
    }

    package var text: String {
        "\(lowIsOpen ? "(" : "[")\(JSONNumber(low).text), \(JSONNumber(high).text)\(highIsOpen ? ")" : "]")"
    }

    package var schema: JSONObject {
        [
            "type": "number", lowIsOpen ? "exclusiveMinimum" : "minimum": .number(low),
            highIsOpen ? "exclusiveMaximum" : "maximum": .number(high),
        ]
    }
}

extension Codec where Value == Bool {
    /// A Boolean, `true` or `false`.
    public static var boolean: Codec {
        Codec(
            expected: "true or false", schema: ["type": "boolean"],
            decode: { json, path throws(InputError) in
                guard case .boolean(let value) = json else { throw path.error("true or false", json) }
                return value
            },
            encode: { .boolean($0) })
    }
}

extension Codec where Value == Int {
    /// An exact integer in `range`; `3.0` and `3e0` are read as 3.
    public static func integer(_ range: ClosedRange<Int>) -> Codec {
        let expected = "an integer in \(range.lowerBound)…\(range.upperBound)"
        return Codec(
            expected: expected,
            schema: [
                "type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
            ],
            decode: { json, path throws(InputError) in
                guard case .number(let number) = json, let value = number.integer, range.contains(value) else {
                    throw path.error(expected, json)
                }
                return value
            },
            encode: { .integer($0) })
    }
}

extension Codec where Value == Double {
    /// A number in `range`.
    public static func number(_ range: NumberRange) -> Codec {
        let expected = "a number in \(range.text)"
        return Codec(
            expected: expected, schema: range.schema,
            decode: { json, path throws(InputError) in
                guard case .number(let number) = json, range.contains(number.double) else {
                    throw path.error(expected, json, remedy: Self.remedy(json))
                }
                return number.double
            },
            encode: { .number($0) })
    }
}

extension Codec where Value == Float {
    /// A number in `range`; the bounds apply both to the number as written and to the nearest `Float`.
    public static func number(_ range: NumberRange) -> Codec {
        let expected = "a number in \(range.text)"
        return Codec(
            expected: expected, schema: range.roundedToFloat.schema,
            decode: { json, path throws(InputError) in
                guard case .number(let number) = json, range.contains(number.double),
                    range.nearest.contains(Double(number.float))
                else { throw path.error(expected, json, remedy: Self.remedy(json)) }
                return number.float
            },
            encode: { $0.isFinite ? .number(JSONNumber($0)) : .string("\($0)") })
    }
}

extension Codec where Value == String {
    /// A text of 1…`limit` characters without NUL, such as a path.
    public static func text(limit: Int) -> Codec {
        let expected = "a text of 1…\(limit) characters"
        return Codec(
            expected: expected,
            schema: [
                "type": "string", "minLength": .integer(1), "maxLength": .integer(limit), "pattern": "^[^\\u0000]*$",
            ],
            decode: { json, path throws(InputError) in
                guard case .string(let value) = json, (1...limit).contains(value.unicodeScalars.count),
                    !value.unicodeScalars.contains("\0")
                else { throw path.error(expected, json) }
                return value
            },
            encode: { .string($0) })
    }

    /// An identifier of 1…`limit` ASCII letters, digits, `_`, `-` and the scalars of `others`, starting with a letter,
    /// digit or `_`.
    package static func identifier(limit: Int, others: String) -> Codec {
        let also = (["_", "-"] + others.map { String($0) }).map { "'\($0)'" }.joined(separator: " ")
        let expected = "1…\(limit) letters, digits and \(also), the first a letter, digit or '_'"
        let escaped = others.map { "\\\($0)" }.joined()
        return Codec(
            expected: expected,
            schema: [
                "type": "string", "maxLength": .integer(limit),
                "pattern": .string("^[A-Za-z0-9_][A-Za-z0-9_\(escaped)-]*$"),
            ],
            decode: { json, path throws(InputError) in
                let letter = { (scalar: Unicode.Scalar) in
                    scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                        || scalar == "_"
                }
                guard case .string(let value) = json, let first = value.unicodeScalars.first, letter(first),
                    value.unicodeScalars.count <= limit,
                    value.unicodeScalars.allSatisfy({
                        letter($0) || $0 == "-" || others.unicodeScalars.contains($0)
                    })
                else { throw path.error(expected, json) }
                return value
            },
            encode: { .string($0) })
    }
}

extension Codec {
    /// One of several words, each with the value that it represents.
    public static func choice(_ choices: [(word: String, value: Value)]) -> Codec where Value: Equatable & Sendable {
        let words = choices.map(\.word)
        let expected = "one of: " + words.joined(separator: ", ")
        return Codec(
            expected: expected,
            schema: ["enum": .array(words.map { .string($0) })],
            decode: { json, path throws(InputError) in
                guard case .string(let word) = json else { throw path.error(expected, json) }
                guard let choice = choices.first(where: { $0.word == word }) else {
                    throw path.error(expected, json, remedy: Spelling.remedy(for: word, among: words))
                }
                return choice.value
            },
            encode: { value in
                guard let choice = choices.first(where: { $0.value == value }) else {
                    preconditionFailure("\(value) is none of \(words)")
                }
                return .string(choice.word)
            })
    }

    /// One of the raw values of an enumeration.
    public static func choice(_ type: Value.Type) -> Codec
    where Value: CaseIterable & RawRepresentable & Equatable & Sendable, Value.RawValue == String {
        choice(type.allCases.map { ($0.rawValue, $0) })
    }

    /// An array of a number of elements in `count`, all with the same codec.
    public static func array<Element>(
        _ element: Codec<Element>, count: ClosedRange<Int>, expected: String
    ) -> Codec where Value == [Element] {
        Codec(
            expected: expected,
            schema: [
                "type": "array", "items": .object(element.schema), "minItems": .integer(count.lowerBound),
                "maxItems": .integer(count.upperBound),
            ],
            decode: { json, path throws(InputError) in
                guard case .array(let elements) = json, count.contains(elements.count) else {
                    throw path.error(expected, json)
                }
                var values: [Element] = []
                for (index, value) in elements.enumerated() {
                    values.append(try element.decode(value, path.index(index)))
                }
                return values
            },
            encode: { .array($0.map(element.encode)) })
    }
}
