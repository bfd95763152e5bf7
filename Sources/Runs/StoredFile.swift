import Formats
import Foundation
import Tensors
import Training

/// Reads files that somebody else may have written: whole, never more than a limit, never a pipe or a device.
package enum StoredFile {
    /// Returns the bytes of a regular file.
    /// - Throws: `InputError` naming the file if it is absent, not a regular file, larger than `limit` bytes or
    ///   unreadable.
    package static func read(_ url: URL, limit: Int) throws(InputError) -> [UInt8] {
        let place = url.relativePath
        let expected = "a file that can be read"
        // Without O_NONBLOCK, opening a pipe would wait for its writer.
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw InputError(
                place, expected: expected,
                received: errno == ENOENT ? "no such file" : AtomicFile.systemReason(errno))
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw InputError(place, expected: expected, received: "a folder, a pipe or a device")
        }
        let data: Data
        do {
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw InputError(place, expected: expected, received: AtomicFile.reason(error))
        }
        guard data.count <= limit else {
            throw InputError(place, expected: "at most \(limit) bytes", received: "more")
        }
        return [UInt8](data)
    }

    /// Decodes JSON. Keys that `type` does not know are ignored, so that files of other versions can be read.
    /// - Throws: `InputError` naming the file and the key at fault.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, _ url: URL, limit: Int = 1 << 24
    ) throws(InputError) -> Value {
        let data = Data(try read(url, limit: limit))
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            let (path, received) = explain(error)
            throw InputError(
                url.relativePath + (path.isEmpty ? "" : ": \(path)"), expected: "what a run of Numeral writes",
                received: received)
        }
    }

    private static func explain(_ error: any Error) -> (path: String, received: String) {
        func place(_ path: [any CodingKey]) -> String {
            path.reduce("") { text, key in
                key.intValue.map { "\(text)[\($0)]" } ?? (text.isEmpty ? "" : text + ".") + key.stringValue
            }
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return (place(context.codingPath + [key]), "nothing")
        case DecodingError.typeMismatch(_, let context): return (place(context.codingPath), "a value of another type")
        case DecodingError.valueNotFound(_, let context): return (place(context.codingPath), "null")
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            return (place(context.codingPath), "a value out of range")
        default: return ("", "something that is not JSON")
        }
    }
}

/// A comma-separated table of numbers, parsed strictly: every line must have as many fields as the header.
package struct NumberTable {
    package let header: [String]
    /// `[rows][columns]`; nil for an empty field.
    package let rows: [[Double?]]

    /// - Parameter words: the trailing columns that contain text; they are skipped if present.
    /// - Throws: `InputError` at `file:line`.
    package init(_ url: URL, words: [String] = [], limit: Int = 1 << 30) throws(InputError) {
        let bytes = try StoredFile.read(url, limit: limit)
        let place = url.relativePath
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.last?.isEmpty == true else {
            throw InputError(
                "\(place):\(lines.count)", expected: "a line break at the end", received: "none: the file is cut short")
        }
        lines.removeLast()
        guard let first = lines.first else { throw InputError(place, expected: "a header", received: "an empty file") }
        let names = Self.fields(first).map { String(decoding: $0, as: UTF8.self) }
        let wordCount = !words.isEmpty && names.suffix(words.count).elementsEqual(words) ? words.count : 0
        let header = Array(names.dropLast(wordCount))
        var rows: [[Double?]] = []
        rows.reserveCapacity(lines.count - 1)
        for (number, line) in lines.enumerated().dropFirst() {
            let fields = Self.fields(line)
            guard fields.count == names.count else {
                throw InputError(
                    "\(place):\(number + 1)", expected: "\(names.count) fields", received: "\(fields.count)")
            }
            var row: [Double?] = []
            row.reserveCapacity(header.count)
            for (column, field) in fields.dropLast(wordCount).enumerated() {
                let text = String(decoding: field, as: UTF8.self)
                guard field.count <= 40, let value = text.isEmpty ? .some(nil) : Double(text).map({ Double?($0) })
                else {
                    throw InputError(
                        "\(place):\(number + 1): \(Text.name(header[column], limit: 40))", expected: "a number",
                        received: "'\(Text.name(text, limit: 40))'")
                }
                row.append(value)
            }
            rows.append(row)
        }
        self.header = header
        self.rows = rows
    }

    /// Returns the fields of a line. Commas inside quotes do not separate fields.
    private static func fields(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var isQuoted = false
        return line.split(omittingEmptySubsequences: false) { byte in
            if byte == 0x22 { isQuoted.toggle() }
            return byte == 0x2C && !isQuoted
        }
    }
}
