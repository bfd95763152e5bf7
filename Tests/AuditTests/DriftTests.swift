import Evaluation
import Foundation
import TestSupport
import Tensors
import Testing

@testable import Audit

/// Two sets compared.
struct DriftTests {
    private func normal(_ n: Int, _ d: Int, shift: Double, number: UInt32) -> [Double] {
        var stream = RandomStream(RandomAddress(seed: 9, purpose: .test, major: number))
        return (0..<n * d).map { _ in stream.normalPair().0 + shift }
    }

    @Test func oneSourceIsNotTold() throws {
        var small = 0
        for number in 0..<20 {
            let test = try #require(
                TwoSampleTest.run(
                    first: normal(300, 4, shift: 0, number: UInt32(2 * number)),
                    second: normal(300, 4, shift: 0, number: UInt32(2 * number + 1)), d: 4, seed: 1))
            #expect(test.tested == 300)
            if test.p < 0.05 { small += 1 }
        }
        // Of 20, one is to be expected; four have a probability of 1.6 %.
        #expect(small <= 3)
    }

    @Test func twoSourcesAreTold() throws {
        let test = try #require(
            TwoSampleTest.run(
                first: normal(400, 3, shift: 0, number: 50), second: normal(900, 3, shift: 0.7, number: 51), d: 3,
                seed: 1))
        // Two normals 0.7·√3 apart are told by the best rule at Φ(0.7·√3/2) = 72.8 %.
        #expect(abs(test.accuracy - 0.728) < 0.06)
        #expect(test.p < 1e-9)
        #expect(test.drawn == 400)
        // More columns than axes are kept.
        let wide = try #require(
            TwoSampleTest.run(
                first: normal(200, 80, shift: 0, number: 52), second: normal(200, 80, shift: 1, number: 53), d: 80,
                seed: 1))
        #expect(wide.accuracy > 0.95)
        #expect(TwoSampleTest.run(first: [1, 2], second: [1, 2], d: 1, seed: 0) == nil)
    }

    /// SciPy: `ks_2samp` (statistic), `chi2_contingency(correction=False)`, `binom.sf(k − 1, n, 0.5)`, `gammaincc`.
    @Test func tailsAreSciPys() {
        let a = (0..<40).map { Double($0) }, b = (0..<30).map { Double($0) + 12.5 }
        let test = KolmogorovSmirnov(a, b)
        #expect(abs(test.statistic - 0.325) < 1e-12)
        // The exact p of this case is 0.0435; the limit distribution's is near it.
        #expect(abs(test.p - 0.0435) < 0.012)
        #expect(KolmogorovSmirnov(a, a).p == 1)
        #expect(abs(ClassShares.p([30, 20, 50], [20, 30, 50]) - 0.135_335_283_236_613) < 1e-12)
        #expect(ClassShares.p([5, 0], [7, 0]) == 1)
        for (a, x, p) in [
            (0.5, 0.2, 0.527_089_256_865_538), (4.5, 9.0, 0.035_173_539_466_984), (30.0, 20.0, 0.978_181_782_474_442_5),
        ] {
            #expect(abs(ClassShares.upperGamma(a, x) - p) < 1e-9, "\(a) \(x) \(ClassShares.upperGamma(a, x))")
        }
        #expect(abs(BinomialBound.upperTail(successes: 60, count: 100, rate: 0.5) - 0.028_443_966_820_490) < 1e-12)
        #expect(BinomialBound.upperTail(successes: 0, count: 10, rate: 0.5) == 1)
    }

    @Test func hyperplaneIsFound() throws {
        let x: [Double] = [0, 0, 1, 0, 0, 1, 3, 3, 4, 3, 3, 4]
        let regression = try #require(
            LogisticRegression(x, isSecond: [false, false, false, true, true, true], d: 2))
        for i in 0..<6 { #expect(regression.isSecond(x[(2 * i)..<(2 * i + 2)]) == (i >= 3)) }
        #expect(
            Cholesky.solve([4, 0, 2, 5], [8, 9]).map { [abs($0[0] - 1.375) < 1e-12, abs($0[1] - 1.25) < 1e-12] } == [
                true, true,
            ])
        #expect(Cholesky.solve([1, 0, 2, 1], [1, 1]) == nil)
    }
}
