import Foundation
import TestSupport
import Testing

@testable import Evaluation

/// Temperatures against SciPy's (`Tests/Oracles/make_temperature.py`) and against what the definition says.
@Suite struct TemperatureTests {
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var classes: Int
            var logits: [Float]
            var labels: [UInt8]
            var temperature, loss: Double
        }
        var madeBy: String
        var cases: [Case]
    }

    private func loss(_ item: Fixture.Case, _ temperature: Double) -> Double {
        let rows = item.labels.indices.map { row -> Double in
            let z = item.logits[(row * item.classes)..<((row + 1) * item.classes)]
            return -log(TemperatureScaling.probabilities(z, temperature: temperature)[Int(item.labels[row])])
        }
        return rows.reduce(0, +) + 4 * (1 / temperature + log(temperature))
    }

    @Test func theBestTemperatureIsSciPys() throws {
        let fixture = try fixture("temperature", in: .module, as: Fixture.self)
        #expect(fixture.cases.count == 7)
        for item in fixture.cases {
            let found = try #require(
                TemperatureScaling.fit(logits: item.logits, labels: item.labels, classes: item.classes))
            // A minimum is flat: SciPy's place is good to the root of what its loss is.
            #expect(abs(found - item.temperature) < 1e-5 * item.temperature)
            #expect(abs(loss(item, found) - item.loss) < 1e-10)
        }
    }

    /// Of logits that overflowed, nothing is known.
    @Test func logitsThatAreNotFiniteSayNothing() {
        for logits in [[Float.infinity, 0], [.nan, 1], [-.infinity, -.infinity], [.infinity, .infinity]] {
            #expect(TemperatureScaling.probabilities(logits, temperature: 1) == [0.5, 0.5], "\(logits)")
        }
    }

    /// Few samples say little, whether all are right or all are wrong: T stays near 1. A thousand of them do.
    @Test func fewSamplesSayLittle() throws {
        func fit(_ labels: [UInt8], times: Int) throws -> Double {
            let logits = [[Float]](repeating: [2, 0, 0, 1], count: times).flatMap(\.self)
            let all = [[UInt8]](repeating: labels, count: times).flatMap(\.self)
            return try #require(TemperatureScaling.fit(logits: logits, labels: all, classes: 2))
        }
        let right = try [1, 30, 1_000].map { try fit([0, 1], times: $0) }
        #expect((0.8...1).contains(right[0]) && (0.3...0.8).contains(right[1]) && right[2] < 0.3)
        let wrong = try [1, 10_000].map { try fit([1, 0], times: $0) }
        #expect((1...2.5).contains(wrong[0]) && wrong[1] == 20)
        #expect(TemperatureScaling.fit(logits: [], labels: [], classes: 2) == nil)
    }

    @Test func probabilitiesAreASoftmaxThatDoesNotOverflow() {
        let p = TemperatureScaling.probabilities([1000, 999, -1000] as [Float], temperature: 0.5)
        let odds = exp(2.0)
        #expect(abs(p[0] - odds / (odds + 1)) < 1e-15 && abs(p[1] - 1 / (odds + 1)) < 1e-15 && p[2] == 0)
        #expect(TemperatureScaling.probabilities([3, 3, 3, 3] as [Float], temperature: 7) == [0.25, 0.25, 0.25, 0.25])
    }
}
