/// The files of a form: `multipart/form-data`.
///
/// Source: RFC 7578, and RFC 2046 for the boundaries.
struct Multipart {
    struct Part {
        /// The file's name as it was sent, without its folders; nil if the part is not a file.
        var fileName: String?
        var bytes: ArraySlice<UInt8>
    }

    /// The maximum number of parts of a form.
    static let mostParts = 1_000
    private static let mostHeaderBytes = 8_192

    /// Returns the boundary given in a content type; nil for other types.
    static func boundary(_ contentType: String) -> String? {
        let fields = fields(contentType)
        guard fields[0].lowercased() == "multipart/form-data" else { return nil }
        return value("boundary", in: fields).flatMap { (1...70).contains($0.utf8.count) ? $0 : nil }
    }

    /// Returns a header's value and its parameters: the text between semicolons outside quotes, without spaces around.
    private static func fields(_ header: some StringProtocol) -> [String] {
        var fields = [""], isQuoted = false
        for character in header {
            if character == "\"" { isQuoted.toggle() }
            if character == ";", !isQuoted { fields.append("") } else { fields[fields.count - 1].append(character) }
        }
        return fields.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// Returns a parameter, a token or a quoted string (RFC 2183); nil if it is not there.
    private static func value(_ name: String, in fields: [String]) -> String? {
        for field in fields.dropFirst() where field.lowercased().hasPrefix(name + "=") {
            let text = field.dropFirst(name.count + 1)
            return String(text.hasPrefix("\"") ? text.dropFirst().prefix { $0 != "\"" } : text)
        }
        return nil
    }

    /// - Throws: a ``ServiceError`` (400) if the body does not follow its boundary.
    static func parts(_ body: [UInt8], boundary: String) throws(ServiceError) -> [Part] {
        let delimiter = Array("--\(boundary)".utf8)
        func fail(_ text: String) -> ServiceError { ServiceError(.badRequest, "multipart/form-data: \(text)") }
        guard var position = find(delimiter, in: body, from: 0, atLineStart: true) else {
            throw fail("expected its boundary \(boundary.debugDescription) · received none")
        }
        var parts: [Part] = []
        while true {
            position += delimiter.count
            if body[position...].starts(with: [0x2D, 0x2D]) { return parts }
            guard body[position...].starts(with: [0x0D, 0x0A]) else {
                throw fail("expected a line break after its boundary")
            }
            position += 2
            guard parts.count < mostParts else { throw fail("expected at most \(mostParts) parts") }
            guard let end = headerEnd(body, from: position) else {
                throw fail("expected a part's headers and an empty line")
            }
            guard let next = find(delimiter, in: body, from: end, atLineStart: true) else {
                throw fail("expected a boundary after the last part")
            }
            let content = end..<max(end, next - 2)
            parts.append(Part(fileName: fileName(body[position..<end]), bytes: body[content]))
            position = next
        }
    }

    /// Returns the position after the empty line that ends the headers.
    private static func headerEnd(_ body: [UInt8], from start: Int) -> Int? {
        if body[start...].starts(with: [0x0D, 0x0A]) { return start + 2 }
        let end = min(body.count, start + mostHeaderBytes)
        return find([0x0D, 0x0A, 0x0D, 0x0A], in: body, from: start, atLineStart: false).flatMap {
            $0 < end ? $0 + 4 : nil
        }
    }

    private static func find(_ pattern: [UInt8], in body: [UInt8], from start: Int, atLineStart: Bool) -> Int? {
        let first = pattern[0]
        var position = start
        let last = body.count - pattern.count
        while position <= last {
            if body[position] == first, body[position..<(position + pattern.count)].elementsEqual(pattern),
                !atLineStart || position == 0 || position == start
                    || (position >= 2 && body[position - 2] == 0x0D && body[position - 1] == 0x0A)
            {
                return position
            }
            position += 1
        }
        return nil
    }

    private static func fileName(_ headers: ArraySlice<UInt8>) -> String? {
        for line in String(decoding: headers, as: UTF8.self).split(separator: "\r\n")
        where line.lowercased().hasPrefix("content-disposition:") {
            guard let name = value("filename", in: fields(line)) else { continue }
            return name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        }
        return nil
    }
}
