import Evaluation
import Foundation
import TestSupport
import Testing

@Suite struct McNemarTests {
    /// Made by `Tests/Oracles/make_mcnemar.py`.
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var onlyFirst, onlySecond: Int
            var method: McNemar.Method
            var statistic, pValue, lower, upper: Double
        }
        struct Correction: Decodable { var pValues, adjusted: [Double] }
        var provenance: Provenance
        var count: Int
        var tests: [Case]
        var holm: [Correction]
    }

    private static func load() throws -> Fixture { try fixture("mcnemar", in: .module, as: Fixture.self) }

    private func isClose(_ found: Double, _ expected: Double) -> Bool {
        abs(found - expected) <= 1e-11 * max(1e-6, abs(expected))
    }

    @Test func testsAreStatsmodels() throws {
        let fixture = try Self.load()
        #expect(fixture.tests.count > 15)
        for row in fixture.tests {
            let test = McNemar(onlyFirst: row.onlyFirst, onlySecond: row.onlySecond, count: fixture.count)
            #expect(test.method == row.method)
            #expect(isClose(test.statistic, row.statistic), "\(row)")
            #expect(isClose(test.pValue, row.pValue), "\(row) \(test.pValue)")
            #expect(isClose(test.interval.lower, row.lower) && isClose(test.interval.upper, row.upper), "\(row)")
            #expect(test.difference == Double(row.onlySecond - row.onlyFirst) / Double(fixture.count))
        }
    }

    @Test func correctionsAreStatsmodels() throws {
        for row in try Self.load().holm {
            let adjusted = McNemar.holm(row.pValues)
            #expect(zip(adjusted, row.adjusted).allSatisfy { isClose($0, $1) }, "\(adjusted)")
        }
        #expect(McNemar.holm([]).isEmpty)
    }

    @Test func samplesAreCountedByWhoIsRight() throws {
        func predictions(_ classes: [Int]) throws -> Predictions {
            try Predictions(
                labels: [0, 1, 1, 0, 1, 0], probabilities: classes.flatMap { $0 == 0 ? [1, 0] : [0, 1] as [Float] },
                classNames: ["a", "b"])
        }
        // Right: first 0, 1, 2; second 0, 3; both wrong on 4, 5.
        let test = McNemar(try predictions([0, 1, 1, 1, 0, 1]), try predictions([0, 0, 0, 0, 0, 1]))
        #expect(test.onlyFirst == 2 && test.onlySecond == 1 && test.count == 6)
    }
}
