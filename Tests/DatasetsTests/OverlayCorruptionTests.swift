import Foundation
import Tensors
import Testing

@testable import Datasets

/// What lies upon an image, and its edges: by what they are, for they have no simpler twin.
@Suite struct OverlayCorruptionTests {
    private static let side = 28

    private func apply(_ kind: CorruptionKind, _ strength: Float, _ image: [UInt8], sample: Int = 0) throws -> [Float] {
        let corruption = try Corruption(
            kind, strength: strength, height: Self.side, width: image.count / Self.side, channels: 1, seed: 4)
        var scratch = corruption.makeScratch()
        var output = [Float](repeating: .nan, count: image.count)
        var span = output.mutableSpan
        corruption.apply(image.span, into: &span, sampleIndex: sample, scratch: &scratch)
        return output
    }

    private let black = [UInt8](repeating: 0, count: 784)
    private let white = [UInt8](repeating: 255, count: 784)

    /// Images of any size and number of channels, down to one pixel.
    @Test(arguments: CorruptionKind.allCases, [[1, 1, 1], [1, 5, 1], [7, 1, 2], [2, 3, 3], [40, 33, 1]])
    func anySizeIsSpoilt(kind: CorruptionKind, shape: [Int]) throws {
        let image = (0..<shape.reduce(1, *)).map { UInt8(($0 * 83) % 256) }
        for strength in kind.strengths {
            let corruption = try Corruption(
                kind, strength: strength, height: shape[0], width: shape[1], channels: shape[2], seed: 4)
            var scratch = corruption.makeScratch()
            var output = [Float](repeating: .nan, count: image.count)
            var span = output.mutableSpan
            corruption.apply(image.span, into: &span, sampleIndex: 3, scratch: &scratch)
            #expect(output.allSatisfy { $0 >= 0 && $0 <= 1 + 1e-6 })
        }
    }

    /// A cloud is the same at every strength, reaches 0 and 1, and hides nothing altogether.
    @Test func fogIsOneCloud() throws {
        for sample in 0..<3 {
            let thin = try apply(.fog, 0.5, black, sample: sample), thick = try apply(.fog, 2, black, sample: sample)
            let cloud = thin.map { $0 * 3 }
            #expect(cloud.min() == 0 && abs((cloud.max() ?? 0) - 1) < 1e-6)
            #expect(zip(cloud, thick).allSatisfy { abs($0 - $1 * 1.5) < 1e-5 })
            let through = try apply(.fog, 2, white, sample: sample)
            #expect(zip(thick, through).allSatisfy { abs($1 - $0 - 1 / Float(3)) < 1e-5 })
        }
        #expect(try apply(.fog, 1, black) != apply(.fog, 1, black, sample: 1))
    }

    /// Drops cover the share asked for, the heavier rain all that the lighter covers, and lighten only.
    @Test func dropsCoverTheirShare() throws {
        let few = try apply(.spatter, 0.1, black), many = try apply(.spatter, 0.3, black)
        #expect(few.filter { $0 == 0.75 }.count == 78 && few.filter { $0 == 0 }.count == 706)
        #expect(many.filter { $0 == 0.75 }.count == 235)
        #expect(zip(few, many).allSatisfy { $0 <= $1 })
        #expect(try apply(.spatter, 0.3, white) == white.map { _ in 1 })
    }

    /// Lines go from edge to edge; a further one leaves the first where it is.
    @Test(arguments: [CorruptionKind.dottedLine, .zigzag])
    func linesCross(kind: CorruptionKind) throws {
        for sample in 0..<4 {
            let one = try apply(kind, 1, black, sample: sample), three = try apply(kind, 3, black, sample: sample)
            #expect(zip(one, three).allSatisfy { $0 <= $1 } && one != three)
            #expect(one.allSatisfy { $0 >= 0 && $0 <= 1 } && one.contains(1))
            let rows = Set(one.indices.filter { one[$0] > 0 }.map { $0 / Self.side })
            let columns = Set(one.indices.filter { one[$0] > 0 }.map { $0 % Self.side })
            #expect(rows.count >= Self.side - 1 || columns.count >= Self.side - 1)
            #expect(try apply(kind, 1, white, sample: sample) == white.map { _ in 1 })
        }
    }

    /// Of a square its outline alone, one pixel wide and closed; of an even image nothing.
    @Test func edgesOfASquare() throws {
        var square = black
        for row in 8..<20 { for column in 8..<20 { square[row * Self.side + column] = 255 } }
        let edges = try apply(.cannyEdges, 1, square)
        let found = edges.indices.filter { edges[$0] == 1 }
        #expect(edges.allSatisfy { $0 == 0 || $0 == 1 })
        // A square of 12 pixels has a border of 44, whose corners Canny rounds.
        #expect((36...52).contains(found.count), "\(found.count)")
        for i in found {
            let (row, column) = (i / Self.side, i % Self.side)
            let inside = (9...18).contains(row) && (9...18).contains(column)
            #expect(!inside && (7...20).contains(row) && (7...20).contains(column))
        }
        #expect(try apply(.cannyEdges, 1, white.map { _ in 90 })[406] == 0)
        // Half way: the mean of both.
        let half = try apply(.cannyEdges, 0.5, square)
        #expect(half.indices.allSatisfy { half[$0] == 0.5 * Float(square[$0]) / 255 + 0.5 * edges[$0] })
    }
}
