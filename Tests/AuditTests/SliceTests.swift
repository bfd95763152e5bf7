import Datasets
import Evaluation
import Foundation
import TestSupport
import Testing

@testable import Audit

/// Measures and parts of the images.
struct SliceTests {
    /// A bar of `thickness` columns that leans by `slant` columns from one row to the next.
    private func bar(thickness: Double, slant: Double, tone: Double = 255, height: Int = 40, width: Int = 60) -> [Float]
    {
        var image = [Float](repeating: 0, count: height * width)
        for y in 8..<height - 8 {
            let left = Double(width) / 2 - thickness / 2 - slant * (Double(y) - Double(height - 1) / 2)
            for x in 0..<width {
                let covered = max(0, min(Double(x) + 1, left + thickness) - max(Double(x), left))
                image[y * width + x] = Float(tone * covered)
            }
        }
        return image
    }

    @Test func measuresOfBars() throws {
        for thickness in [3.0, 5, 8] {
            for slant in [0.0, 0.25, -0.5] {
                let found = ImageMeasure.of(
                    bar(thickness: thickness, slant: slant), height: 40, width: 60)
                #expect(abs(try #require(found[.slant]) - atan(slant) * 180 / .pi) < 0.5)
                // Across the stroke, it is thinner by the cosine; and a bar's ends are edges too.
                let across = thickness * cos(atan(slant)), expected = across * 24 / (24 + thickness)
                #expect(abs(try #require(found[.thickness]) - expected) < 0.15 * expected)
                #expect(try #require(found[.size]) == 24)
                #expect(try #require(found[.offset]) < 0.6)
            }
        }
        let pale = ImageMeasure.of(bar(thickness: 4, slant: 0, tone: 100), height: 40, width: 60)
        #expect(try #require(pale[.contrast]) == 100)
        #expect(ImageMeasure.of([Float](repeating: 0, count: 16), height: 4, width: 4).isEmpty)
    }

    @Test func worstPartComesFirst() {
        // 1,000 images of two classes; half of what is wrong is class b leaning left.
        let labels = (0..<1000).map { $0 % 2 }
        let slant = (0..<1000).map { Double($0 * 7919 % 1000) }
        let isRight = (0..<1000).map { i in
            labels[i] == 1 && slant[i] < 200 ? i % 3 != 0 : i % 50 != 0
        }
        let slices = SliceFinder.slices(
            isRight: isRight, labels: labels, classNames: ["a", "b"], measures: [.slant: slant])
        #expect(slices.first?.name == "class b, slant 0.0 to 199.0")
        #expect(slices.first.map { $0.p < 1e-6 } == true)
        // Twice five parts with both classes, five parts, two classes.
        #expect(slices.count == 17)
    }

    /// SciPy's `hypergeom.sf(k − 1, …)`, `multipletests(method="holm")`.
    @Test func tailsAreSciPys() {
        let cases: [(Int, Int, Int, Int, Double)] = [
            (3, 50, 10, 1000, 0.011_016_130_146_932_993), (0, 5, 5, 20, 1), (5, 5, 5, 20, 6.449_948_400_412_8e-05),
        ]
        for (hits, drawn, marked, population, p) in cases {
            let found = Hypergeometric.upperTail(hits: hits, drawn: drawn, marked: marked, population: population)
            #expect(abs(found - p) <= 1e-9 * max(p, 1e-3), "\(hits) \(found)")
        }
        let holm = SliceFinder.holm([0.01, 0.04, 0.03, 0.005])
        for (a, b) in zip(holm, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(a - b) < 1e-12) }
    }
}
