import Foundation
import Testing

@testable import Forms

@Suite struct GeometryTests {
    private static let map = Homography([SIMD3(1.1, -0.2, 40), SIMD3(0.15, 0.9, -7), SIMD3(1e-4, -2e-4, 1)])

    @Test func anInverseComesBack() throws {
        let back = try #require(Self.map.inverse)
        for p in [Point(0, 0), Point(830, 12), Point(-50, 990)] {
            #expect((back(Self.map(p)) - p).length < 1e-9)
            #expect((back.after(Self.map)(p) - p).length < 1e-9)
        }
        #expect(Homography([SIMD3(1, 2, 3), SIMD3(2, 4, 6), SIMD3(0, 0, 1)]).inverse == nil)
    }

    @Test func stepsAreDerivatives() {
        let p = Point(300, 500), e = 1e-5
        let steps = Self.map.steps(at: p)
        #expect(((Self.map(p + Point(e, 0)) - Self.map(p)) / e - steps.x).length < 1e-5)
        #expect(((Self.map(p + Point(0, e)) - Self.map(p)) / e - steps.y).length < 1e-5)
    }

    @Test func aSimilarityTakesTwoPointsToTwo() {
        let map = Homography(from: Point(1, 2), Point(5, 9), to: Point(-3, 4), Point(8, 8))
        #expect((map(Point(1, 2)) - Point(-3, 4)).length < 1e-12 && (map(Point(5, 9)) - Point(8, 8)).length < 1e-12)
    }

    @Test func leastSquaresFindWhatIsThere() throws {
        var sums = LeastSquares(unknowns: 3)
        for i in 0..<20 {
            let x = Double(i), row = SIMD8(1, x, x * x, 0, 0, 0, 0, 0)
            sums.add(row, 3 - 2 * x + 0.5 * x * x, weight: 1 + x)
        }
        let found = try #require(sums.solution())
        #expect(abs(found[0] - 3) < 1e-8 && abs(found[1] + 2) < 1e-8 && abs(found[2] - 0.5) < 1e-8)
        var open = LeastSquares(unknowns: 2)
        open.add(SIMD8(1, 1, 0, 0, 0, 0, 0, 0), 1, weight: 1)
        #expect(open.solution() == nil)
    }
}
