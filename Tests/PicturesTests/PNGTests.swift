import Foundation
import Tensors
import Testing

@testable import Formats
@testable import Pictures

/// PNG files, read back by a decoder that knows nothing of the writer.
@Suite struct PNGTests {
    private func random(_ count: Int, seed: UInt64) -> [UInt8] {
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: stream.nextWord()) }
    }

    @Test(arguments: [(1, 1), (3, 2), (28, 28), (200, 1), (1, 200), (65, 33)])
    func pixelsComeBack(width: Int, height: Int) throws {
        for colour in [PNG.Colour.grey, .rgb] {
            let size = width * height * colour.rawValue
            // Noise takes no filter, a slow ramp along y takes Up.
            for pixels in [random(size, seed: 3), (0..<size).map { UInt8($0 / (width * colour.rawValue) % 256) }] {
                let png = PNG(width: width, height: height, colour: colour, pixels: pixels)
                let decoded = try DecodedPNG(try png.encoded())
                #expect(decoded.width == width && decoded.height == height)
                #expect(decoded.bitDepth == 8 && decoded.colourType == (colour == .grey ? 0 : 2))
                #expect(decoded.pixels == pixels)
            }
        }
    }

    @Test func aSmoothPictureIsSmall() throws {
        let pixels = (0..<(64 * 64)).map { UInt8($0 / 64 * 2) }
        let bytes = try PNG(width: 64, height: 64, colour: .grey, pixels: pixels).encoded()
        #expect(bytes.count < 200)
    }

    /// The check value that RFC 1952 and the PNG standard share, of "123456789".
    @Test func checksumIsTheStandards() { #expect(Zlib.crc32(Array("123456789".utf8)) == 0xCBF4_3926) }
}

/// A PNG file taken apart: 8 bits a sample, not interlaced, filters None and Up.
struct DecodedPNG {
    struct Damage: Error { var what: String }

    var width = 0, height = 0, bitDepth = 0, colourType = 0
    var pixels: [UInt8] = []

    init(_ data: Data) throws {
        let bytes = Array(data)
        guard bytes.starts(with: [137, 80, 78, 71, 13, 10, 26, 10]) else { throw Damage(what: "signature") }
        var position = 8
        var compressed: [UInt8] = []
        var types: [String] = []
        while position < bytes.count {
            let length = Self.integer(bytes, position)
            let end = position + 8 + length
            let type = String(decoding: bytes[(position + 4)..<(position + 8)], as: UTF8.self)
            guard Self.crc(bytes[(position + 4)..<end]) == UInt32(Self.integer(bytes, end)) else {
                throw Damage(what: "CRC of \(type)")
            }
            types.append(type)
            if type == "IHDR" {
                width = Self.integer(bytes, position + 8)
                height = Self.integer(bytes, position + 12)
                (bitDepth, colourType) = (Int(bytes[position + 16]), Int(bytes[position + 17]))
                guard bytes[(position + 18)..<end].allSatisfy({ $0 == 0 }) else { throw Damage(what: "methods") }
            } else if type == "IDAT" {
                compressed += bytes[(position + 8)..<end]
            }
            position = end + 4
        }
        guard types == ["IHDR", "IDAT", "IEND"] else { throw Damage(what: "chunks \(types)") }
        let samples = colourType == 2 ? 3 : 1
        try unfilter(try Self.inflate(compressed, size: height * (width * samples + 1)), stride: width * samples)
    }

    private mutating func unfilter(_ rows: [UInt8], stride: Int) throws {
        var above = [UInt8](repeating: 0, count: stride)
        for y in 0..<height {
            let start = y * (stride + 1)
            let row = Array(rows[(start + 1)..<(start + 1 + stride)])
            switch rows[start] {
            case 0: above = row
            case 2: above = zip(row, above).map { $0 &+ $1 }
            default: throw Damage(what: "filter \(rows[start])")
            }
            pixels += above
        }
    }

    /// A zlib stream: two bytes, deflate, Adler-32.
    private static func inflate(_ stream: [UInt8], size: Int) throws -> [UInt8] {
        guard stream.count > 6, stream[0] & 15 == 8, (Int(stream[0]) << 8 | Int(stream[1])) % 31 == 0 else {
            throw Damage(what: "zlib header")
        }
        var output = [UInt8](repeating: 0, count: size + 1)
        let step = InflateStream(.raw).inflate(stream, from: 2, into: &output)
        guard step.outcome == .end, step.produced == size else { throw Damage(what: "deflate") }
        output.removeLast()
        var (a, b) = (1, 0)
        for byte in output {
            a = (a + Int(byte)) % 65_521
            b = (b + a) % 65_521
        }
        guard integer(stream, stream.count - 4) == b << 16 | a else { throw Damage(what: "Adler-32") }
        return output
    }

    private static func integer(_ bytes: [UInt8], _ at: Int) -> Int {
        bytes[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) }
    }

    /// CRC-32 bit by bit.
    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
