import Testing

@testable import Evaluation

/// `scipy.stats.beta.ppf(level, errors + 1, count - errors)`, scipy 1.17.1.
@Suite struct BinomialBoundTests {
    @Test(arguments: [
        (0, 100, 0.95, 0.029513049607039925), (3, 7_752, 0.95, 0.0009999070536528501),
        (1, 10, 0.9, 0.33684772330672474), (7, 20_000, 0.9875, 0.0007810840327715959),
        (50, 60, 0.99, 0.9281558841733117), (0, 4_380, 0.9875, 0.0009999624060277013),
    ])
    func boundsAreSciPys(errors: Int, count: Int, level: Double, expected: Double) {
        #expect(
            abs(BinomialBound.upper(errors: errors, count: count, level: level) - expected) < 1e-12
                * max(1, expected / 1e-3))
    }

    @Test func theEnds() {
        #expect(BinomialBound.upper(errors: 5, count: 5, level: 0.9) == 1)
        #expect(BinomialBound.upper(errors: 0, count: 0, level: 0.9) == 1)
        #expect(BinomialBound.leastCount(rate: 0.001, level: 0.95) == 2_995)
        for (rate, level) in [(0, 0.95), (1e-300, 0.95), (0.1, 1), (1e-17, 1 - 1e-16)] {
            #expect(BinomialBound.leastCount(rate: rate, level: level) >= 1 << 53)
        }
        #expect(BinomialBound.upper(errors: 0, count: 2_995, level: 0.95) <= 0.001)
        #expect(BinomialBound.upper(errors: 0, count: 2_994, level: 0.95) > 0.001)
    }
}
