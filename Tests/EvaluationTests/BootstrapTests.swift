import Tensors
import Testing
import Workers

@testable import Evaluation

@Suite struct BootstrapTests {
    /// 300 samples of 7 classes, one of them rare.
    private func predictions() throws -> Predictions {
        var stream = RandomStream(RandomAddress(seed: 5, purpose: .test))
        var labels: [Int] = [], probabilities: [Float] = []
        for i in 0..<300 {
            let label = i < 2 ? 6 : stream.integer(below: 6)
            var row = (0..<7).map { _ in stream.uniform() }
            row[label] += 0.5
            let sum = row.reduce(0, +)
            labels.append(label)
            probabilities += row.map { $0 / sum }
        }
        return try Predictions(labels: labels, probabilities: probabilities, classNames: (0..<7).map { "\($0)" })
    }

    @Test func everyThreadCountGivesTheSameBits() throws {
        let predictions = try predictions()
        let found = [1, 2, 3].map { threads in
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            return BootstrapIntervals(predictions, resamples: 150, seed: 3, pool: pool)
        }
        #expect(found[0].intervals.count == BootstrapIntervals.Figure.allCases.count)
        #expect(found[1] == found[0] && found[2] == found[0])
        let pool = WorkerPool(threads: 1)
        let other = BootstrapIntervals(predictions, resamples: 150, seed: 4, pool: pool)
        #expect(other.intervals != found[0].intervals)
    }

    /// The figures that stand in the middle are those of the whole set, so an interval holds its figure.
    @Test func intervalsHoldTheirFigures() throws {
        let summary = EvaluationSummary(try predictions())
        let found = BootstrapIntervals(summary.predictions, resamples: 400, seed: 0, pool: WorkerPool(threads: 1))
        let figures: [(BootstrapIntervals.Figure, Double?)] = [
            (.precision, summary.report.precision.macro), (.recall, summary.report.recall.macro),
            (.f1, summary.report.f1.macro), (.averagePrecision, summary.precisionRecall.averagePrecision.macro),
            (.rocAuc, summary.roc.macroArea), (.logLoss, summary.logLoss), (.brier, summary.brierScore),
            (.calibrationError, summary.calibration.expectedError), (.kappa, summary.confusionMatrix.kappa),
            (.matthews, summary.confusionMatrix.matthews),
        ]
        for (figure, value) in figures {
            let interval = try #require(found[figure])
            let value = try #require(value)
            #expect(interval.lower < value && value < interval.upper, "\(figure)")
        }
    }

    /// Values 0…100 around their middle: plain percentiles. Around a figure below most of them: moved down.
    @Test func biasMovesTheQuantiles() {
        let values = (0...100).map(Double.init)
        let plain = BootstrapIntervals.interval(values, around: 50, level: 0.95)
        #expect(abs(plain.lower - 2.5) < 1e-9 && abs(plain.upper - 97.5) < 1e-9)
        // 20 below and one tie of 101: z₀ = Φ⁻¹(20.5/101) = −0.832.
        let biased = BootstrapIntervals.interval(values, around: 20, level: 0.95)
        #expect(abs(biased.lower - 0.0144) < 5e-3 && abs(biased.upper - 61.7) < 0.1)
        #expect(BootstrapIntervals.interval([1, 1, 1], around: 1, level: 0.9).upper == 1)
    }
}
