import Tensors

/// A strict decoder of netpbm's formats: PBM, PGM and PPM, plain (P1, P2, P3) and raw (P4, P5, P6), of 1, 8 or 16 bits.
///
/// A header is the magic number, width, height and the maximum value, 1...65,535, separated by white space, with
/// comments from `#` to the end of a line; then follow one white space character (or a line end of Windows or a comment,
/// where the bytes that are left fit it) and the samples. A sample v becomes `round(255·v / maximum)`. What follows the samples, such
/// as a second picture, is noted.
///
/// PBM has no maximum value; 1 is black, plain digits need no white space between them, and raw rows are packed to
/// whole bytes, the first pixel in the highest bit. Source: the netpbm manual, pages pgm and ppm.
struct PNMDecoder {
    private let bytes: [UInt8]
    private let place: String
    private var position = 2
    private var notes: [String] = []

    private init(_ bytes: [UInt8], place: String) {
        self.bytes = bytes
        self.place = place
    }

    static func decode(
        _ bytes: [UInt8], place: String, limits: ImageLimits, note: (String) -> Void = { _ in }
    ) throws(InputError) -> DecodedPicture {
        var decoder = PNMDecoder(bytes, place: place)
        let picture = try decoder.picture(limits)
        decoder.notes.forEach(note)
        return picture
    }

    private mutating func picture(_ limits: ImageLimits) throws(InputError) -> DecodedPicture {
        let isPlain = bytes[1] <= 0x33
        let isBitmap = bytes[1] == 0x31 || bytes[1] == 0x34
        let channels = bytes[1] == 0x33 || bytes[1] == 0x36 ? 3 : 1
        let width = try header("a width"), height = try header("a height")
        try limits.check(width: width, height: height, place: place)
        if isBitmap {
            let levels = isPlain ? try plainBits(width * height) : try rawBits(width: width, height: height)
            return DecodedPicture(width: width, height: height, channels: 1, samples: levels)
        }
        let largest = try header("a largest value")
        guard (1...65_535).contains(largest) else {
            throw InputError(place, expected: "a largest value in 1…65535", received: "\(largest)")
        }
        let count = width * height * channels
        if !isPlain { try beginRaw(count * (largest > 255 ? 2 : 1)) }
        let levels = isPlain ? try plain(count, largest) : try raw(count, largest)
        return DecodedPicture(width: width, height: height, channels: channels, samples: levels)
    }

    // MARK: - Samples

    /// Skips what separates the header from `size` bytes of samples, and notes what follows them, unless it is one byte, as
    /// of a line end.
    private mutating func beginRaw(_ size: Int) throws(InputError) {
        guard position < bytes.count, Self.isSpace(bytes[position]) || bytes[position] == 0x23 else {
            throw InputError(place, expected: "white space after the header", received: found)
        }
        // A line end of Windows or a comment, if just the samples follow it.
        let between = bytes[position..<max(position, bytes.count - size)]
        let comment = between.first == 0x23 ? between : between.dropFirst()
        let isComment =
            comment.first == 0x23 && comment.firstIndex(of: 0x0A) == comment.endIndex - 1
            // Another picture's header would be one, if the first pixel of this one is a #.
            && comment.ranges(of: bytes.prefix(2)).isEmpty
        position += isComment || between == [0x0D, 0x0A] ? between.count : 1
        let rest = bytes.count - position - size
        guard rest >= 0 else {
            throw InputError(place, expected: "\(size) bytes after the header", received: "\(rest + size): cut")
        }
        if rest > 1 { noteRest(rest) }
    }

    private mutating func noteRest(_ count: Int) {
        if count > 0 { notes.append("\(count) bytes follow the picture's pixels") }
    }

    /// Notes what follows the values of a plain picture, unless it is white space or a comment.
    private mutating func endPlain() {
        skipBetween()
        noteRest(bytes.count - position)
    }

    private func raw(_ count: Int, _ largest: Int) throws(InputError) -> [UInt8] {
        let size = largest > 255 ? 2 : 1
        var levels = [UInt8](repeating: 0, count: count)
        let source = bytes.span
        for index in 0..<count {
            let first = position &+ index &* size
            let value = size == 1 ? Int(source[first]) : Int(source[first]) << 8 | Int(source[first &+ 1])
            guard value <= largest else { throw over(value, largest) }
            levels[index] = Self.level(value, largest)
        }
        return levels
    }

    private mutating func plain(_ count: Int, _ largest: Int) throws(InputError) -> [UInt8] {
        // A sample takes a digit and a separator.
        guard count <= (bytes.count - position + 1) / 2 else {
            throw InputError(
                place, expected: "\(count) values after the header",
                received: "\(bytes.count - position) bytes, too few to hold them")
        }
        var levels: [UInt8] = []
        levels.reserveCapacity(count)
        for _ in 0..<count {
            let value = try number("a value")
            guard value <= largest else { throw over(value, largest) }
            levels.append(Self.level(value, largest))
        }
        endPlain()
        return levels
    }

    private mutating func plainBits(_ count: Int) throws(InputError) -> [UInt8] {
        guard count <= bytes.count - position else {
            throw InputError(
                place, expected: "\(count) values after the header",
                received: "\(bytes.count - position) bytes, too few to hold them")
        }
        var levels: [UInt8] = []
        levels.reserveCapacity(count)
        while true {
            skipBetween()
            guard levels.count < count else { break }
            guard position < bytes.count, bytes[position] == 0x30 || bytes[position] == 0x31 else {
                throw InputError(place, expected: "0 or 1, \(count) of them", received: found)
            }
            levels.append(bytes[position] == 0x31 ? 0 : 255)
            position += 1
        }
        endPlain()
        return levels
    }

    private mutating func rawBits(width: Int, height: Int) throws(InputError) -> [UInt8] {
        let stride = (width + 7) / 8
        try beginRaw(stride * height)
        var levels: [UInt8] = []
        levels.reserveCapacity(width * height)
        for y in 0..<height {
            for x in 0..<width {
                levels.append(bytes[position + y * stride + x / 8] >> UInt8(7 - x % 8) & 1 == 1 ? 0 : 255)
            }
        }
        return levels
    }

    private static func level(_ value: Int, _ largest: Int) -> UInt8 {
        UInt8((2 * 255 * value + largest) / (2 * largest))
    }

    private func over(_ value: Int, _ largest: Int) -> InputError {
        InputError(place, expected: "values up to \(largest), as the header says", received: "\(value)")
    }

    // MARK: - Numbers

    private mutating func header(_ what: String) throws(InputError) -> Int {
        guard position < bytes.count, Self.isSpace(bytes[position]) || bytes[position] == 0x23 else {
            throw InputError(place, expected: "white space before \(what)", received: found)
        }
        return try number(what)
    }

    /// Skips white space and comments.
    private mutating func skipBetween() {
        while position < bytes.count {
            if bytes[position] == 0x23 {
                while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D { position += 1 }
            } else if Self.isSpace(bytes[position]) {
                position += 1
            } else {
                break
            }
        }
    }

    /// Parses a number of at most nine digits after white space and comments.
    private mutating func number(_ what: String) throws(InputError) -> Int {
        skipBetween()
        let start = position
        var value = 0
        while position < bytes.count, (0x30...0x39).contains(bytes[position]), position - start < 9 {
            value = 10 * value + Int(bytes[position] - 0x30)
            position += 1
        }
        let ends = position == bytes.count || Self.isSpace(bytes[position]) || bytes[position] == 0x23
        guard position > start, ends else { throw InputError(place, expected: what, received: found) }
        return value
    }

    private var found: String {
        position < bytes.count ? "the byte \(bytes[position]) at \(position)" : "the end of the file"
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
