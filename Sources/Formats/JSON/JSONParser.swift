import Tensors

extension JSONValue {
    /// The maximum size of a text to parse, in bytes.
    package static let sizeLimit = 1 << 20
    /// The maximum nesting depth of arrays and objects.
    package static let depthLimit = 64
    /// The maximum length of a number literal, in characters.
    package static let numberLengthLimit = 100

    /// Parses a JSON text (RFC 8259) strictly: UTF-8, no comments, no trailing commas, no duplicate keys, no lone
    /// surrogates, within the limits above. A leading UTF-8 byte-order mark, as written by Windows editors, is skipped;
    /// UTF-16 and UTF-32 are rejected by name.
    ///
    /// - Parameters:
    ///   - name: the name of the text in errors, whose place is `name:line:column`, both counted from 1, columns in
    ///     Unicode scalars.
    ///   - limit: the maximum number of bytes to parse.
    /// - Throws: `InputError` at the first byte that cannot be part of such a text.
    package static func parse(_ bytes: [UInt8], name: String, limit: Int = sizeLimit) throws(InputError) -> JSONValue {
        guard bytes.count <= limit else {
            throw InputError(name, expected: "at most \(limit) bytes of JSON", received: "\(bytes.count) bytes")
        }
        if let encoding = foreignEncoding(bytes) {
            throw InputError(
                name, expected: "JSON in UTF-8", received: encoding,
                remedy: "save it as UTF-8: iconv -f \(encoding) -t UTF-8 FILE > NEW")
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var parser = JSONParser(
            bytes: bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes, name: name)
        return try parser.parseText()
    }

    /// Returns the encoding, as named by `iconv`, that is indicated by a byte-order mark or, as JSON begins with two
    /// ASCII characters, by the zeros among the first four bytes (RFC 4627, section 3); nil for UTF-8.
    private static func foreignEncoding(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
        guard bytes.count >= 2 else { return nil }
        let isZero = bytes.prefix(4).map { $0 == 0 }
        switch isZero {
        case [true, true, true, false]: return "UTF-32BE"
        case [false, true, true, true]: return "UTF-32LE"
        default:
            if isZero[0] != isZero[1] { return isZero[0] ? "UTF-16BE" : "UTF-16LE" }
            return nil
        }
    }

    /// Parses a JSON text in a string.
    package static func parse(_ text: String, name: String) throws(InputError) -> JSONValue {
        try parse(Array(text.utf8), name: name)
    }
}

/// A recursive-descent parser over bytes; `JSONValue.parse` is its only caller.
private struct JSONParser {
    static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    let bytes: [UInt8]
    let name: String
    var position = 0
    var depth = 0

    package init(bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func parseText() throws(InputError) -> JSONValue {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw unexpected("the end of the text") }
        return value
    }

    mutating func parseValue() throws(InputError) -> JSONValue {
        switch current {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case let byte? where byte == UInt8(ascii: "-") || Self.digits.contains(byte): return try parseNumber()
        case UInt8(ascii: "t"): return try parseWord("true", .boolean(true))
        case UInt8(ascii: "f"): return try parseWord("false", .boolean(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        default: throw unexpected("a JSON value")
        }
    }

    mutating func parseWord(_ word: String, _ value: JSONValue) throws(InputError) -> JSONValue {
        for byte in word.utf8 {
            guard current == byte else { throw unexpected(word) }
            position += 1
        }
        return value
    }

    mutating func descend() throws(InputError) {
        depth += 1
        guard depth <= JSONValue.depthLimit else {
            throw error(at: position, "at most \(JSONValue.depthLimit) levels of nesting", "more")
        }
        position += 1
        skipSpace()
    }

    mutating func parseArray() throws(InputError) -> JSONValue {
        try descend()
        var elements: [JSONValue] = []
        if !take("]") {
            repeat {
                skipSpace()
                let start = position
                elements.append(try parseValue())
                // A number ends after a leading zero: [0,001] is 0 followed by an invalid literal.
                try refuseDecimalComma(before: start)
                skipSpace()
            } while take(",")
            guard take("]") else { throw unexpected("',' or ']'") }
        }
        depth -= 1
        return .array(elements)
    }

    mutating func parseObject() throws(InputError) -> JSONValue {
        try descend()
        var members: [JSONObject.Member] = []
        var keys: Set<String> = []
        if !take("}") {
            repeat {
                skipSpace()
                let start = position
                guard current == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
                let key = try parseString()
                guard keys.insert(key).inserted else {
                    throw error(
                        at: start, "each key once", "\(JSONValue.string(key).excerpt) again",
                        remedy: "remove one of the two")
                }
                skipSpace()
                guard take(":") else { throw unexpected("':'") }
                skipSpace()
                let value = position
                members.append(JSONObject.Member(key: key, value: try parseValue()))
                try refuseDecimalComma(after: value)
                skipSpace()
            } while take(",")
            guard take("}") else { throw unexpected("',' or '}'") }
        }
        depth -= 1
        return .object(JSONObject(distinct: members))
    }

    mutating func parseString() throws(InputError) -> String {
        let start = position
        position += 1
        var content: [UInt8] = []
        while true {
            switch current {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: content, as: UTF8.self) else {
                    throw error(at: start, "a string in UTF-8", "bytes that are not")
                }
                return string
            case UInt8(ascii: "\\"): content += Array(String(try parseEscape()).utf8)
            case let byte? where byte >= 0x20:
                content.append(byte)
                position += 1
            default: throw unexpected("the rest of a string and '\"'")
            }
        }
    }

    mutating func parseEscape() throws(InputError) -> Unicode.Scalar {
        let start = position
        position += 1
        guard let byte = current else { throw unexpected("an escape sequence") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try parseHex()
            if let scalar = Unicode.Scalar(first) { return scalar }
            if first < 0xDC00, take("\\"), take("u") {
                let second = try parseHex()
                let code = 0x10000 + (first & 0x3FF) << 10 + second & 0x3FF
                if (0xDC00...0xDFFF).contains(second), let scalar = Unicode.Scalar(code) { return scalar }
            }
            throw error(at: start, "a surrogate pair", "a lone surrogate")
        default:
            position -= 1
            throw unexpected("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
        }
    }

    mutating func parseHex() throws(InputError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = current.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw unexpected("four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    mutating func parseNumber() throws(InputError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") { try skipDigits() }
        if take(".") { try skipDigits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try skipDigits()
        }
        guard position - start <= JSONValue.numberLengthLimit else {
            let length = "\(position - start) characters"
            throw error(at: start, "a number of at most \(JSONValue.numberLengthLimit) characters", length)
        }
        return .number(JSONNumber(literal: String(decoding: bytes[start..<position], as: UTF8.self)))
    }

    /// Rejects `0,001` where a key must follow the comma: the number at `start` uses a decimal comma.
    func refuseDecimalComma(after start: Int) throws(InputError) {
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: ","),
            Self.digits.contains(bytes[position + 1]),
            Self.digits.contains(bytes[position - 1])
        else { return }
        let rest = bytes[(position + 1)...].prefix { Self.digits.contains($0) }
        throw decimalComma(at: start, bytes[start..<position], rest)
    }

    /// Rejects a decimal comma in an array, where `0,5` is two valid numbers and only `0,05` is invalid.
    func refuseDecimalComma(before start: Int) throws(InputError) {
        guard start >= 2, bytes[start - 1] == UInt8(ascii: ","), Self.digits.contains(bytes[start - 2]),
            position == start + 1, bytes[start] == UInt8(ascii: "0"), position < bytes.count,
            Self.digits.contains(bytes[position])
        else { return }
        let first = bytes[..<(start - 1)].lastIndex { !Self.digits.contains($0) && $0 != UInt8(ascii: "-") } ?? -1
        let rest = bytes[start...].prefix { Self.digits.contains($0) }
        throw decimalComma(at: first + 1, bytes[(first + 1)..<(start - 1)], rest)
    }

    private func decimalComma(at start: Int, _ whole: ArraySlice<UInt8>, _ fraction: ArraySlice<UInt8>) -> InputError {
        let parts = [whole, fraction].map { String(decoding: $0, as: UTF8.self) }
        return error(
            at: start, "a number with a decimal point", "a decimal comma, \(parts[0]),\(parts[1])",
            remedy: "write \(parts[0]).\(parts[1])")
    }

    mutating func skipDigits() throws(InputError) {
        let start = position
        while let byte = current, Self.digits.contains(byte) { position += 1 }
        guard position > start else { throw unexpected("a digit") }
    }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    func unexpected(_ expected: String) -> InputError {
        guard let byte = current else { return error(at: position, expected, "the end of the text") }
        let rest = bytes[position..<min(position + 4, bytes.count)]
        let scalar = byte < 0x80 ? Unicode.Scalar(byte) : String(decoding: rest, as: UTF8.self).unicodeScalars.first
        return error(at: position, expected, JSONValue.string(scalar.map { String($0) } ?? "").excerpt)
    }

    func error(at offset: Int, _ expected: String, _ received: String, remedy: String = "") -> InputError {
        let before = bytes[..<offset]
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = bytes[lineStart..<offset].count { $0 & 0xC0 != 0x80 } + 1
        return InputError("\(name):\(line):\(column)", expected: expected, received: received, remedy: remedy)
    }
}
