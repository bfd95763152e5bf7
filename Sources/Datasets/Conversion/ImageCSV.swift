import Formats
import Foundation
import Tensors

/// A data set as a table: a row for each image, its label and its pixels, whole numbers in 0…255.
///
/// The label is the first column, or the one that the header calls `label` or `class`; pixels follow in row-major order.
/// A header is told by a first field that is no number. Fields may stand in quotes; lines end with `\n` or `\r\n`.
package struct ImageCSV {
    /// Bytes of a file at most.
    package static let largestFile = 1 << 32

    private let bytes: [UInt8]
    private let path: String
    private var position = 0
    private var line = 1
    private var problems = ConversionProblems()

    /// Reads the table at `path`.
    /// - Parameter size: Of an image; a square where nil.
    /// - Throws: ``ConversionProblems`` naming file, line and column of every field that cannot be taken.
    package static func read(_ path: String, size: (width: Int, height: Int)? = nil) throws -> ImageSet {
        let file = try BinaryFile(path)
        guard file.size <= largestFile else {
            throw InputError(path, expected: "a table of at most 4 GiB", received: "\(file.size) bytes")
        }
        return try parse(try file.read(exactly: file.size), path: path, size: size)
    }

    /// Reads a table of test images, whose classes and size are those of `train`.
    package static func read(
        _ path: String, size: (width: Int, height: Int)? = nil, as train: ImageSet
    ) throws -> ImageSet {
        let set = try read(path, size: size)
        guard (set.width, set.height) == (train.width, train.height) else {
            throw InputError(
                path, expected: "\(train.width)×\(train.height) pixels, as for training",
                received: "\(set.width)×\(set.height)")
        }
        return try ImageSet(
            images: set.images, labels: set.labels, height: set.height, width: set.width,
            classCount: train.classCount, classNames: train.classNames, place: path)
    }

    /// Reads the table in `bytes`.
    package static func parse(
        _ bytes: [UInt8], path: String, size: (width: Int, height: Int)? = nil
    ) throws -> ImageSet {
        var reader = ImageCSV(bytes: bytes, path: path)
        return try reader.images(size)
    }

    private init(bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    private func error(column: Int, expected: String, received: String) -> InputError {
        InputError("\(path):\(line):\(column)", expected: expected, received: received)
    }

    private mutating func images(_ size: (width: Int, height: Int)?) throws -> ImageSet {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        guard position < bytes.count else {
            throw InputError(path, expected: "rows of numbers", received: "an empty file")
        }
        let labelColumn = try header()
        let first = position
        let columns = countColumns()
        position = first
        guard columns >= 2 else {
            throw error(column: 1, expected: "a label and pixels, parted by commas", received: "\(columns) field")
        }
        let extents = try extents(pixels: columns - 1, size)
        var pixels: [UInt8] = [], labels: [UInt8] = []
        // As many rows as lines of the first one's length, about.
        pixels.reserveCapacity(min(bytes.count, IDX.largestPayload))
        while position < bytes.count {
            if bytes[position] == 0x0A || bytes[position] == 0x0D {
                endLine()
                continue
            }
            let before = (pixels.count, labels.count)
            if !row(columns: columns, labelColumn: labelColumn, &pixels, &labels) {
                pixels.removeLast(pixels.count - before.0)
                labels.removeLast(labels.count - before.1)
            }
        }
        try problems.check()
        guard !labels.isEmpty else { throw InputError(path, expected: "rows of numbers", received: "a header alone") }
        let classes = Int(labels.max() ?? 0) + 1
        guard classes >= 2 else { throw InputError(path, expected: "at least two classes", received: "only label 0") }
        return try ImageSet(
            images: pixels, labels: labels, height: extents.height, width: extents.width, classCount: classes,
            classNames: (0..<classes).map { "\($0)" }, place: path)
    }

    /// Passes over a header where there is one, and says which column holds labels, from 0.
    private mutating func header() throws(InputError) -> Int {
        let start = position
        var names: [String] = []
        while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D {
            names.append(text().trimmingCharacters(in: .whitespaces))
            if position < bytes.count, bytes[position] == 0x2C { position += 1 }
        }
        guard let first = names.first, Int(first) == nil else {
            position = start
            return 0
        }
        endLine()
        return names.firstIndex { ["label", "class"].contains($0.lowercased()) } ?? 0
    }

    private func extents(
        pixels: Int, _ size: (width: Int, height: Int)?
    ) throws(InputError) -> (width: Int, height: Int) {
        if let size {
            guard size.width * size.height == pixels else {
                throw error(
                    column: 1,
                    expected: "\(size.width)·\(size.height) = \(size.width * size.height) pixels after the label",
                    received: "\(pixels)")
            }
            return size
        }
        let side = Int(Double(pixels).squareRoot().rounded())
        guard side * side == pixels, side <= IDX.largestExtent else {
            var error = error(column: 1, expected: "a square number of pixels after the label", received: "\(pixels)")
            error.remedy = "--size WIDTHxHEIGHT says how they are laid out"
            throw error
        }
        return (side, side)
    }

    private mutating func countColumns() -> Int {
        var columns = 1
        while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D {
            if bytes[position] == 0x2C { columns += 1 }
            position += 1
        }
        return columns
    }

    /// Reads a line to its end; false where a field of it was refused.
    private mutating func row(
        columns: Int, labelColumn: Int, _ pixels: inout [UInt8], _ labels: inout [UInt8]
    ) -> Bool {
        for column in 0..<columns {
            let start = position
            guard let value = number() else {
                position = start
                let received = text().trimmingCharacters(in: .whitespaces)
                problems.add(
                    error(
                        column: column + 1, expected: "a whole number in 0…255",
                        received: received.isEmpty ? "nothing" : received))
                skipLine()
                return false
            }
            if column == labelColumn { labels.append(value) } else { pixels.append(value) }
            let ends = position == bytes.count || bytes[position] == 0x0A || bytes[position] == 0x0D
            if ends != (column == columns - 1) {
                problems.add(
                    error(
                        column: column + 1, expected: "\(columns) fields, as the first row has",
                        received: ends ? "\(column + 1)" : "more"))
                skipLine()
                return false
            }
            if !ends { position += 1 }
        }
        endLine()
        return true
    }

    /// A field that is a whole number in 0…255, spaces and quotes around it allowed; up to the comma or the line's end.
    private mutating func number() -> UInt8? {
        func skipSpaces() { while position < bytes.count, bytes[position] == 0x20 { position += 1 } }
        skipSpaces()
        let isQuoted = position < bytes.count && bytes[position] == 0x22
        if isQuoted { position += 1 }
        var value = 0, digits = 0
        while position < bytes.count, (0x30...0x39).contains(bytes[position]), digits < 4 {
            value = 10 * value + Int(bytes[position] - 0x30)
            digits += 1
            position += 1
        }
        if isQuoted {
            guard position < bytes.count, bytes[position] == 0x22 else { return nil }
            position += 1
        }
        skipSpaces()
        let ends = position == bytes.count || [0x2C, 0x0A, 0x0D].contains(bytes[position])
        return ends && digits > 0 && value <= 255 ? UInt8(value) : nil
    }

    /// A field as it stands.
    private mutating func text() -> String {
        let start = position
        while position < bytes.count, ![0x2C, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self).replacing("\"", with: "")
    }

    private mutating func skipLine() {
        while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D { position += 1 }
        endLine()
    }

    private mutating func endLine() {
        if position < bytes.count, bytes[position] == 0x0D { position += 1 }
        if position < bytes.count, bytes[position] == 0x0A { position += 1 }
        line += 1
    }

    // MARK: - Writing

    /// Writes `train.csv` and `test.csv`: a header `label,pixel0,…`, then a row an image.
    package static func write(_ data: ConvertedData, to folder: String) throws {
        try ConversionFiles.makeEmpty(folder)
        for (half, set) in [("train", data.train), ("test", data.test)] {
            guard let set else { continue }
            var text: [UInt8] = Array("label".utf8)
            for pixel in 0..<set.imageSize { text += Array(",pixel\(pixel)".utf8) }
            text.append(0x0A)
            let digits = (0...255).map { Array("\($0)".utf8) }
            for index in 0..<set.count {
                text += digits[Int(set.labels[index])]
                for pixel in set.images[(index * set.imageSize)..<((index + 1) * set.imageSize)] {
                    text.append(0x2C)
                    text += digits[Int(pixel)]
                }
                text.append(0x0A)
            }
            try AtomicFile.write(Data(text), to: URL(fileURLWithPath: "\(folder)/\(half).csv"))
        }
    }
}
