import Foundation
import Tensors
import Testing

@testable import Pictures

/// What a JPEG leaves of a picture: less of it the lower the quality, and what another encoder's file has.
@Suite struct JPEGArtifactsTests {
    /// A disc on paper, 40×24.
    private static let levels: [UInt8] = (0..<24).flatMap { (y: Int) -> [UInt8] in
        (0..<40).map { (x: Int) -> UInt8 in
            let distance = (x - 20) * (x - 20) + (y - 12) * (y - 12)
            return distance < 64 ? 30 : UInt8(200 + (x + y) % 3)
        }
    }

    private func distance(_ quality: Int) throws -> Double {
        let found = try JPEGArtifacts.applied(to: Self.levels, width: 40, height: 24, quality: quality)
        let sum = zip(found, Self.levels).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        return (sum / Double(found.count)).squareRoot()
    }

    @Test func qualityIsLoss() throws {
        let distances = try [5, 20, 50, 90, 100].map(distance)
        #expect(zip(distances, distances.dropFirst()).allSatisfy { $0 > $1 })
        #expect(distances[0] > 10 && distances[4] < 1)
    }

    /// Pillow's JPEG of the same picture at quality 50, decoded: its encoder is libjpeg-turbo too.
    @Test func theLevelsArePillows() throws {
        let bytes = try #require(Data(base64Encoded: Self.pillow))
        let decoded = try ImageDecoder.decode([UInt8](bytes), place: "disc.jpg")
        let found = try JPEGArtifacts.applied(to: Self.levels, width: 40, height: 24, quality: 50)
        #expect(zip(decoded.pixels, found).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }

    private static let pillow = """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hn\
        Pk1xeXBkeFxlZ2P/wAALCAAYACgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9\
        AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZn\
        aGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP0\
        9fb3+Pn6/9oACAEBAAA/AOlqO4nitoHmncJGgyzHtWI/i7TldlEdwwBwGCDB9+TWxaXlvfQCa2lEkecZHGD6EHpU1FYPjNmXSECsQGmU\
        MAeowTz+IFcRXWeB2YpeoWO0FCBngE7s/wAh+VdVRUF7aRX1pJbTg+XIMHBwR3B/OucfwYpdil8QueAYskD65rf03T4NMtfIt9xUsWJY\
        5JP+QKt1/9k=
        """
}
