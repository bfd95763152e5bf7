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
        return rows.reduce(0, +) / Double(rows.count)
    }

    @Test func theBestTemperatureIsSciPys() throws {
        let fixture = try fixture("temperature", in: .module, as: Fixture.self)
        #expect(fixture.cases.count == 5)
        for item in fixture.cases {
            let found = try #require(
                TemperatureScaling.fit(logits: item.logits, labels: item.labels, classes: item.classes))
            // A minimum is flat: SciPy's place is good to the root of what its loss is.
            #expect(abs(found - item.temperature) < 1e-5 * item.temperature)
            #expect(abs(loss(item, found) - item.loss) < 1e-12)
        }
    }

    /// Of logits that overflowed, nothing is known.
    @Test func logitsThatAreNotFiniteSayNothing() {
        for logits in [[Float.infinity, 0], [.nan, 1], [-.infinity, -.infinity], [.infinity, .infinity]] {
            #expect(TemperatureScaling.probabilities(logits, temperature: 1) == [0.5, 0.5], "\(logits)")
        }
    }

    @Test func boundsHoldWhereNothingElseDoes() {
        // All right, by any margin: the surer the better.
        #expect(TemperatureScaling.fit(logits: [2, 0, 0, 1], labels: [0, 1], classes: 2) == 0.05)
        // All wrong: the less sure the better.
        #expect(TemperatureScaling.fit(logits: [2, 0, 0, 1], labels: [1, 0], classes: 2) == 20)
        #expect(TemperatureScaling.fit(logits: [], labels: [], classes: 2) == nil)
    }

    @Test func probabilitiesAreASoftmaxThatDoesNotOverflow() {
        let p = TemperatureScaling.probabilities([1000, 999, -1000] as [Float], temperature: 0.5)
        let odds = exp(2.0)
        #expect(abs(p[0] - odds / (odds + 1)) < 1e-15 && abs(p[1] - 1 / (odds + 1)) < 1e-15 && p[2] == 0)
        #expect(TemperatureScaling.probabilities([3, 3, 3, 3] as [Float], temperature: 7) == [0.25, 0.25, 0.25, 0.25])
    }
}
