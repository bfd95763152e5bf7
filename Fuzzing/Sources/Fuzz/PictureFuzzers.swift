import Foundation
@testable import Pictures

@testable import Recognition

/// Pictures of one format; what is taken has pixels, no more than the limits allow, and reads the same again. The corpus
/// holds the seeds that this project cannot write itself.
private func pictures(_ name: String, seeds: @escaping @Sendable () throws -> [[UInt8]]) -> Fuzzer {
    var limits = ImageLimits()
    limits.pixels = 1 << 20
    limits.extent = 1 << 12
    return Fuzzer(name: name, seeds: seeds) { [limits] bytes in
        guard let picture = parsed({ try ImageDecoder.decode(bytes, place: "fuzz", limits: limits) }) else { return }
        require(picture.width <= limits.extent && picture.height <= limits.extent, "over the limit")
        require(picture.pixels.count == picture.width * picture.height, "pixels that are not the picture's")
        require(picture.pixels.count <= limits.pixels, "over the limit")
        let again = parsed { try ImageDecoder.decode(bytes, place: "fuzz", limits: limits) }
        require(again == picture, "a picture read in two ways")
    }
}

extension Fuzzer {
    static let png = pictures("png") {
        try [PNG.Colour.grey, .rgb].map { colour in
            let pixels = (0..<12 * colour.rawValue).map { UInt8(7 * $0) }
            return Array(try PNG(width: 4, height: 3, colour: colour, pixels: pixels).encoded())
        }
    }

    static let jpeg = pictures("jpeg") { [] }

    static let pnm = pictures("pnm") {
        ["P2\n# c\n2 2\n255\n0 1 2 255\n", "P3 1 1 9 1 2 3", "P5 2 2 255\nabcd", "P6\n1 1\n65535\nabcdef"]
            .map { Array($0.utf8) }
    }
}
