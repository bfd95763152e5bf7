import Tensors

/// An array in NumPy's `.npy` format.
///
/// ```
/// 6 bytes   \x93NUMPY
/// 2 bytes   version: 1.0, 2.0 or 3.0
/// 2 bytes   length of the header (4 bytes from version 2.0), little-endian
/// header    a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
/// the rest  the numbers, in C or Fortran order
/// ```
/// Source: NumPy, "numpy.lib.format", https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
enum NPY {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// NumPy's own limit on the length of a header.
    private static let headerLimit = 10_000

    /// Encodes a tensor in version 1.0, `<f4`, C order; the numbers start at a multiple of 64 bytes.
    package static func encode(_ tensor: TensorRecord) -> [UInt8] {
        let extents = tensor.shape.map(String.init)
        let shape = "(" + extents.joined(separator: ", ") + (extents.count == 1 ? ",)" : ")")
        var header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }".utf8)
        while !(header.count + magic.count + 5).isMultiple(of: 64) { header.append(UInt8(ascii: " ")) }
        header.append(UInt8(ascii: "\n"))
        let length = [UInt8(truncatingIfNeeded: header.count), UInt8(truncatingIfNeeded: header.count >> 8)]
        return magic + [1, 0] + length + header + LittleEndian.bytes(tensor.values)
    }

    /// Reads a whole array of real numbers. Its shape is checked against the bytes that the source can still deliver
    /// before anything is allocated.
    /// - Throws: an ``InputError`` for any other type, a damaged header, too few or too many bytes.
    package static func decode(_ source: any ByteSource, name: String) throws(InputError) -> TensorRecord {
        let place = source.place
        let start = try source.read(exactly: magic.count + 2)
        guard start.count == magic.count + 2, Array(start.prefix(magic.count)) == magic else {
            throw InputError(place, expected: "an array in NumPy's format", received: "another beginning")
        }
        let version = start[magic.count]
        guard (1...3).contains(version), start[magic.count + 1] == 0 else {
            throw InputError(
                place, expected: "version 1.0, 2.0 or 3.0 of the format",
                received: "\(version).\(start[magic.count + 1])")
        }
        let lengthBytes = try source.read(exactly: version == 1 ? 2 : 4)
        let length = Int(LittleEndian.word(lengthBytes, size: lengthBytes.count))
        guard lengthBytes.count == (version == 1 ? 2 : 4), length <= headerLimit else {
            throw InputError(place, expected: "a header of at most \(headerLimit) bytes", received: "\(length)")
        }
        let text = try source.read(exactly: length)
        guard text.count == length else {
            throw InputError(place, expected: "a header of \(length) bytes", received: "\(text.count): truncated")
        }
        let header = try NPYHeader(text, place: place)
        let count = try header.count(bytes: source.upperBound, place: place)
        let bytes = try source.read(exactly: count * header.format.size)
        guard bytes.count == count * header.format.size, try source.read(upTo: 1).isEmpty else {
            throw InputError(
                place, expected: "\(count) numbers of \(header.format.size) bytes, as the header says",
                received: "another length")
        }
        var values = [Float](repeating: 0, count: count)
        let places = header.isFortran && count > 0 ? fortranPlaces(header.shape) : nil
        for index in 0..<count {
            values[places?[index] ?? index] = header.format.value(bytes, at: index * header.format.size)
        }
        return TensorRecord(name: name, shape: header.shape, values: values)
    }

    /// Returns the position in C order of each number of an array in Fortran order (first index fastest).
    private static func fortranPlaces(_ shape: [Int]) -> [Int] {
        let count = shape.reduce(1, *)
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        return (0..<count).map { number in
            var rest = number
            var place = 0
            for axis in shape.indices {
                place += rest % shape[axis] * strides[axis]
                rest /= shape[axis]
            }
            return place
        }
    }
}

/// The header of an array: a Python dictionary with three known keys, parsed strictly.
private struct NPYHeader {
    let format: NumberFormat
    let isFortran: Bool
    let shape: [Int]

    private static let formats: [String: NumberFormat] = [
        "<f2": .float16, "<f4": .float32, "<f8": .float64, "|i1": .int8, "<i2": .int16, "<i4": .int32, "<i8": .int64,
        "|u1": .uint8, "<u2": .uint16, "<u4": .uint32, "<u8": .uint64, "|b1": .boolean,
    ]

    package init(_ text: [UInt8], place: String) throws(InputError) {
        var parser = Parser(text: text, place: place)
        var descriptor: String?
        var fortran: Bool?
        var shape: [Int]?
        try parser.expect("{")
        while !parser.skips("}") {
            let key = try parser.quoted()
            try parser.expect(":")
            switch key {
            case "descr" where descriptor == nil: descriptor = try parser.quoted()
            case "fortran_order" where fortran == nil: fortran = try parser.boolean()
            case "shape" where shape == nil: shape = try parser.tuple()
            default: throw parser.error("descr, fortran_order and shape, once each", key)
            }
            if !parser.skips(",") {
                try parser.expect("}")
                break
            }
        }
        guard parser.isAtEnd, let descriptor, let fortran, let shape else {
            throw parser.error("descr, fortran_order and shape, and nothing else", "another header")
        }
        guard !descriptor.hasSuffix("O") else {
            throw InputError(
                place, expected: "numbers", received: "Python objects (pickled), which are not read",
                remedy: "save each array of numbers by its name: numpy.savez(path, **{'dense.weight': w, …})")
        }
        guard let format = Self.formats[descriptor] else {
            throw InputError(
                place, expected: "real numbers, little-endian (\(Self.formats.keys.sorted().joined(separator: ", ")))",
                received: "'\(descriptor)'", remedy: "save it with .astype('<f4')")
        }
        (self.format, isFortran, self.shape) = (format, fortran, shape)
    }

    /// Returns the number of elements of the array.
    func count(bytes: Int, place: String) throws(InputError) -> Int {
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw tooLarge(bytes, place) }
            count = product
        }
        guard count <= bytes / format.size else { throw tooLarge(bytes, place) }
        return count
    }

    private func tooLarge(_ bytes: Int, _ place: String) -> InputError {
        InputError(place, expected: "an array of the \(bytes) bytes that follow", received: "shape \(shape)")
    }

    private struct Parser {
        let text: [UInt8]
        let place: String
        var position = 0

        init(text: [UInt8], place: String) {
            self.text = text
            self.place = place
        }

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return position == text.count
            }
        }

        mutating func skipSpace() {
            while position < text.count, [0x20, 0x0A, 0x09].contains(text[position]) { position += 1 }
        }

        mutating func skips(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < text.count, Unicode.Scalar(text[position]) == character else { return false }
            position += 1
            return true
        }

        mutating func expect(_ character: Unicode.Scalar) throws(InputError) {
            guard skips(character) else { throw error("'\(character)' at byte \(position)", "something else") }
        }

        /// Parses text between single or double quotes, without escapes.
        mutating func quoted() throws(InputError) -> String {
            let quote: UInt8 = skips("\"") ? 0x22 : 0x27
            if quote == 0x27 { try expect("'") }
            guard let end = text[position...].firstIndex(of: quote), end - position <= 100 else {
                throw error("a short quoted word at byte \(position)", "something else")
            }
            defer { position = end + 1 }
            return String(decoding: text[position..<end], as: UTF8.self)
        }

        mutating func boolean() throws(InputError) -> Bool {
            skipSpace()
            for (word, value) in [("True", true), ("False", false)]
            where text[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
            throw error("True or False at byte \(position)", "something else")
        }

        /// Parses a tuple such as `()`, `(3,)` or `(2, 3)`, of at most 32 extents, NumPy's historical limit.
        mutating func tuple() throws(InputError) -> [Int] {
            try expect("(")
            var extents: [Int] = []
            while !skips(")") {
                skipSpace()
                let digits = text[position...].prefix { (0x30...0x39).contains($0) }
                guard let extent = Int(String(decoding: digits, as: UTF8.self)), extents.count < 32 else {
                    throw error("an extent at byte \(position), at most 32 of them", "something else")
                }
                position += digits.count
                extents.append(extent)
                if !skips(",") {
                    try expect(")")
                    break
                }
            }
            return extents
        }

        func error(_ expected: String, _ received: String) -> InputError {
            InputError("\(place): header", expected: expected, received: received)
        }
    }
}
