import Tensors

/// A reader of the rows and fields of a table in a text file: CSV, TSV, or the output of spreadsheets and NumPy's
/// `savetxt`.
///
/// Fields are separated by commas, semicolons, tabs, bars or spaces, whichever is most frequent in the first line, or by
/// what a line `sep=;` says, as Excel writes it; they may be quoted, with quotes inside doubled (RFC 4180). Lines end with
/// `\n`, `\r\n` or `\r`. Empty lines, and comments before the table (`#`, `%`, `//`), are skipped. The file may be
/// gzipped.
package struct TableText {
    /// The maximum number of decompressed bytes.
    package static let largestFile = 1 << 32

    package let path: String
    package let separator: UInt8
    /// The number of comment lines skipped before the table.
    package let comments: Int
    private let bytes: [UInt8]
    private var position = 0
    /// The line on which the next row begins, from 1.
    private var nextLine = 1
    /// The line on which the last row began.
    package private(set) var line = 0
    /// The file and line of the last row, for errors.
    package var place: String { "\(path):\(line)" }

    /// Opens the file at `path`.
    /// - Throws: an `InputError` if it cannot be read, is too large, or is not UTF-8.
    package static func load(_ path: String) throws(InputError) -> TableText {
        let file = try BinaryFile(path)
        let isPacked = Gzip.isGzip(try file.read(upTo: 2))
        try file.seek(to: 0)
        let source: any ByteSource = isPacked ? GzipSource(file, limit: largestFile) : file
        guard isPacked || file.size <= largestFile else {
            throw InputError(path, expected: "a table of at most 4 GiB", received: "\(file.size) bytes")
        }
        var bytes: [UInt8] = []
        if !isPacked { bytes.reserveCapacity(file.size) }
        while true {
            let more = try source.read(upTo: 1 << 20)
            guard !more.isEmpty else { break }
            bytes += more
        }
        return try TableText(bytes, path: path)
    }

    package init(_ bytes: [UInt8], path: String) throws(InputError) {
        if let stranger = Self.stranger(bytes) {
            throw InputError(path, expected: "a table in UTF-8", received: stranger.name, remedy: stranger.remedy)
        }
        self.path = path
        self.bytes = bytes
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0, line = 1, comments = 0
        var named: UInt8?
        while start < bytes.count {
            let isEmpty = bytes[start] == 0x0A || bytes[start] == 0x0D
            if let separator = Self.namedSeparator(bytes[start...]) {
                named = separator
            } else if Self.isComment(bytes[start...]) {
                comments += 1
            } else if !isEmpty {
                break
            }
            while start < bytes.count, bytes[start] != 0x0A, bytes[start] != 0x0D { start += 1 }
            start += bytes[start...].starts(with: [0x0D, 0x0A]) ? 2 : 1
            line += 1
        }
        self.comments = comments
        position = min(start, bytes.count)
        // Read all the same, words that differ in such bytes would become one.
        if let fault = Self.fault(in: bytes, from: position) {
            let before = (position..<fault).count {
                bytes[$0] == 0x0A || bytes[$0] == 0x0D && bytes[$0 + 1] != 0x0A
            }
            throw InputError(
                "\(path):\(line + before)", expected: "UTF-8",
                received: "the byte 0x" + String(bytes[fault], radix: 16, uppercase: true),
                remedy: "if it is Latin-1, save it as UTF-8: iconv -f LATIN1 -t UTF-8 FILE > NEW")
        }
        nextLine = line
        separator = named ?? Self.separator(bytes[position...])
    }

    /// Returns whether a line before the table is a comment: `#` and anything, or `%`, `//` or a quoted `#` and a space or a
    /// letter, since a sign may be the class of an image.
    private static func isComment(_ line: ArraySlice<UInt8>) -> Bool {
        let line = line.drop { $0 == 0x20 }
        if line.first == 0x23 { return true }
        return ["%", "//", "\"#", "\"%", "\"//"].contains { mark in
            let next = line.dropFirst(mark.utf8.count).first.map { Character(Unicode.Scalar($0)) }
            return line.starts(with: mark.utf8) && next.map { $0 == " " || $0.isLetter } == true
        }
    }

    /// Returns the separator that Excel names before a table: `sep=;`.
    private static func namedSeparator(_ line: ArraySlice<UInt8>) -> UInt8? {
        let line = line.drop { $0 == 0x22 }
        guard line.starts(with: "sep=".utf8), let byte = line.dropFirst(4).first else { return nil }
        return [0x2C, 0x3B, 0x09, 0x7C].contains(byte) ? byte : nil
    }

    /// Returns what a file that is no text seems to be, and how to make a table of it; nil for text.
    private static func stranger(_ bytes: [UInt8]) -> (name: String, remedy: String)? {
        func begins(_ start: [UInt8]) -> Bool { bytes.starts(with: start) }
        if begins([0xFF, 0xFE]) || begins([0xFE, 0xFF]) {
            return ("UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW")
        }
        if begins(Array("PK\u{3}\u{4}".utf8)) {
            return bytes.prefix(4096).ranges(of: Array("[Content_Types].xml".utf8)).isEmpty
                ? ("a zip archive", "unpack it first: unzip") : ("a spreadsheet (.xlsx)", "save it as CSV, UTF-8")
        }
        if begins([0xD0, 0xCF, 0x11, 0xE0]) { return ("a spreadsheet (.xls)", "save it as CSV, UTF-8") }
        if begins(Array("PAR1".utf8)) {
            return ("a Parquet file", "in Python: pandas.read_parquet('FILE').to_csv('FILE.csv', index=False)")
        }
        if begins(Array("BZh".utf8)), bytes.dropFirst(4).starts(with: [0x31, 0x41, 0x59]) {
            return ("a bzip2 file", "unpack it first: bunzip2")
        }
        if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A]) { return ("an xz file", "unpack it first: unxz") }
        if begins([0x28, 0xB5, 0x2F, 0xFD]) { return ("a Zstandard file", "unpack it first: unzstd") }
        return bytes.prefix(64).contains(0) ? ("bytes that are no text", "save it as CSV, UTF-8") : nil
    }

    /// Returns the index of the first byte from `start` that begins no UTF-8 character; nil if there is none.
    private static func fault(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] < 0x80 {
                index += 1
                continue
            }
            let length =
                switch bytes[index] {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                default: 4
                }
            guard index + length <= bytes.count,
                String(validating: bytes[index..<(index + length)], as: UTF8.self) != nil
            else { return index }
            index += length
        }
        return nil
    }

    /// Returns the separator in the first line of `bytes`, ignoring quoted fields; a space only if there is no other.
    private static func separator(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        var counts: [UInt8: Int] = [:], isQuoted = false
        for byte in bytes {
            if byte == 0x22 { isQuoted.toggle() }
            guard !isQuoted else { continue }
            if byte == 0x0A || byte == 0x0D { break }
            counts[byte, default: 0] += 1
        }
        let candidates: [UInt8] = [0x2C, 0x3B, 0x09]
        let best = candidates.max { counts[$0, default: 0] < counts[$1, default: 0] } ?? 0x2C
        if counts[best, default: 0] > 0 { return best }
        let spaces = counts[0x20, default: 0], bars = counts[0x7C, default: 0]
        if bars > max(1, spaces) { return 0x7C }
        return spaces > 0 ? 0x20 : 0x2C
    }

    /// Reads the next row into `fields`: the range of each field, without its quotes and surrounding spaces.
    /// - Returns: false at the end.
    /// - Throws: an `InputError` if a quote is not closed.
    package mutating func next(_ fields: inout [Range<Int>]) throws(InputError) -> Bool {
        fields.removeAll(keepingCapacity: true)
        while position < bytes.count, isLineEnd(bytes[position]) { endLine() }
        guard position < bytes.count else { return false }
        line = nextLine
        if separator == 0x20 { skipSpaces() }
        while true {
            fields.append(try field())
            guard position < bytes.count, bytes[position] == separator else { break }
            position += 1
            if separator == 0x20 {
                skipSpaces()
                if position == bytes.count || isLineEnd(bytes[position]) { break }
            }
        }
        endLine()
        return true
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private mutating func endLine() {
        guard position < bytes.count else { return }
        let isPair = bytes[position] == 0x0D && position + 1 < bytes.count && bytes[position + 1] == 0x0A
        position += isPair ? 2 : 1
        nextLine += 1
    }

    private mutating func skipSpaces() {
        while position < bytes.count, bytes[position] == 0x20 { position += 1 }
    }

    /// Reads a field up to the separator or the end of the line, and leaves `position` there.
    private mutating func field() throws(InputError) -> Range<Int> {
        skipSpaces()
        if position < bytes.count, bytes[position] == 0x22 { return try quotedField() }
        let start = position
        while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) { position += 1 }
        var end = position
        while end > start, bytes[end - 1] == 0x20 { end -= 1 }
        return start..<end
    }

    private mutating func quotedField() throws(InputError) -> Range<Int> {
        position += 1
        let start = position
        while true {
            guard position < bytes.count else {
                throw InputError("\(path):\(line)", expected: "a closing quote", received: "the end of the file")
            }
            if bytes[position] == 0x22 {
                guard position + 1 < bytes.count, bytes[position + 1] == 0x22 else { break }
                position += 1
            } else if bytes[position] == 0x0A {
                nextLine += 1
            }
            position += 1
        }
        let end = position
        position += 1
        if separator != 0x20 { skipSpaces() }
        guard position == bytes.count || bytes[position] == separator || isLineEnd(bytes[position]) else {
            throw InputError(
                "\(path):\(line)", expected: "a separator after a quoted field",
                received: "\"\(String(decoding: bytes[position..<min(position + 8, bytes.count)], as: UTF8.self))\"")
        }
        return start..<end
    }

    /// Returns the next row's fields as text; nil at the end.
    /// - Throws: an `InputError` if a quote is not closed.
    package mutating func nextRow() throws(InputError) -> [String]? {
        var fields: [Range<Int>] = []
        return try next(&fields) ? fields.map(text) : nil
    }

    /// Returns the next row of a table with a fixed number of columns; nil at the end.
    /// - Throws: an `InputError` if the row has a different number of columns, or a quote is not closed.
    package mutating func nextRow(columns: Int) throws(InputError) -> [String]? {
        guard let row = try nextRow() else { return nil }
        guard row.count == columns else {
            throw InputError(place, expected: "\(columns) columns", received: "\(row.count)")
        }
        return row
    }

    /// Returns a field as text.
    package func text(_ field: Range<Int>) -> String {
        String(decoding: bytes[field], as: UTF8.self).replacing("\"\"", with: "\"")
    }

    /// Returns a field as a finite number; nil if it is not one.
    package func number(_ field: Range<Int>) -> Double? {
        if field.count <= 3, !field.isEmpty {
            var value = 0
            for index in field {
                let digit = Int(bytes[index]) - 0x30
                guard (0...9).contains(digit) else { return double(field) }
                value = 10 * value + digit
            }
            return Double(value)
        }
        return double(field)
    }

    private func double(_ field: Range<Int>) -> Double? {
        // Swift's own parser would also accept hexadecimal numbers and words.
        let allowed: (UInt8) -> Bool = { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }
        guard field.count <= 64, !field.isEmpty, bytes[field].allSatisfy(allowed) else { return nil }
        return Double(String(decoding: bytes[field], as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
    }
}
