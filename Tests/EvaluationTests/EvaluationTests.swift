import Evaluation
import Tensors
import Testing
import Workers

@Suite struct ScikitLearnAgreement {
    @Test(arguments: MetricsFixture.names)
    func decisions(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let expected = fixture.expected
        let summary = try fixture.summary()
        let report = summary.report
        #expect(summary.confusionMatrix.counts == expected.confusionMatrix)
        #expect(agrees(report.accuracy, expected.accuracy))
        #expect(agrees(report.perClass.map(\.precision), expected.perClass.precision))
        #expect(agrees(report.perClass.map(\.recall), expected.perClass.recall))
        #expect(agrees(report.perClass.map(\.f1), expected.perClass.f1))
        #expect(report.perClass.map(\.support) == expected.perClass.support)
        #expect(agrees(report.precision, expected.precision))
        #expect(agrees(report.recall, expected.recall))
        #expect(agrees(report.f1, expected.f1))
        #expect(agrees(summary.confusionMatrix.kappa, expected.kappa))
        #expect(agrees(summary.confusionMatrix.matthews, expected.matthews))
        let interval = summary.accuracyInterval
        #expect(agrees([interval.lower, interval.upper], expected.accuracyInterval.map { $0 }))
    }

    @Test(arguments: MetricsFixture.names)
    func probabilities(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let expected = fixture.expected
        let summary = try fixture.summary()
        #expect(agrees(summary.logLoss, expected.logLoss))
        #expect(agrees(summary.brierScore, expected.brier))
        #expect(agrees(summary.calibration.expectedError, expected.calibrationError))
        for (k, value) in expected.topK.sorted(by: { $0.key < $1.key }) {
            #expect(agrees(summary.predictions.topKAccuracy(try #require(Int(k))), value), "top \(k)")
        }
        #expect(
            Set(summary.topK.map { "\($0.k)" }) == Set(expected.topK.keys).subtracting(["1"]))
    }

    /// Certain and right still costs −ln(1 − 2⁻⁵²); scikit-learn gives the same figure.
    @Test func clipOfTheLogLoss() throws {
        let fixture = try MetricsFixture.load("perfect")
        let loss = try fixture.summary().logLoss
        #expect(abs(loss - 0x1p-52) < 1e-30)
        #expect(abs(fixture.expected.logLoss - 0x1p-52) < 1e-30)
    }

    @Test(arguments: MetricsFixture.names)
    func areas(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let expected = fixture.expected
        let summary = try fixture.summary()
        let curves = summary.precisionRecall
        #expect(agrees(curves.perClass.map(\.averagePrecision), expected.perClass.averagePrecision))
        #expect(agrees(curves.averagePrecision, expected.averagePrecision))
        #expect(agrees(summary.roc.perClass.map(\.area), expected.perClass.area))
        #expect(
            agrees(
                [summary.roc.macroArea, summary.roc.micro.area, summary.roc.weightedArea],
                [expected.rocArea.macro, expected.rocArea.micro, expected.rocArea.weighted]))
    }

    @Test(arguments: MetricsFixture.names)
    func curves(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let summary = try fixture.summary()
        for (c, expected) in fixture.expected.curves.enumerated() {
            compare(summary.precisionRecall.perClass[c], summary.roc.perClass[c], expected, "\(c)")
        }
        if let expected = fixture.expected.micro {
            compare(summary.precisionRecall.micro, summary.roc.micro, expected, "micro")
        }
    }

    @Test(arguments: MetricsFixture.names)
    func macroCurves(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let summary = try fixture.summary()
        let curve = summary.precisionRecall.macro
        #expect(
            agrees(
                curve.flatMap { [$0.recall, $0.precision] }, fixture.expected.macroPrecisionRecall.joined().map { $0 }))
        let roc = summary.roc.macro
        #expect(
            agrees(
                roc.flatMap { [$0.falsePositiveRate, $0.truePositiveRate] },
                fixture.expected.macroROC.joined().map { $0 }))
        // The areas are the averages of the areas.
        var area = 0.0
        for (right, left) in zip(curve, curve.dropFirst()) { area += (right.recall - left.recall) * right.precision }
        #expect(agrees(area, summary.precisionRecall.averagePrecision.macro))
        var below = 0.0
        for (left, right) in zip(roc, roc.dropFirst()) {
            below +=
                (right.falsePositiveRate - left.falsePositiveRate) * (right.truePositiveRate + left.truePositiveRate)
                / 2
        }
        #expect(agrees(roc.isEmpty ? nil : below, summary.roc.macroArea))
    }

    @Test(arguments: MetricsFixture.names)
    func classIntervals(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let expected = fixture.expected.classIntervals
        for (c, scores) in try fixture.summary().report.perClass.enumerated() {
            for (found, expected) in [
                (scores.precisionInterval, expected.precision[c]), (scores.recallInterval, expected.recall[c]),
                (scores.f1Interval, expected.f1[c]),
            ] {
                #expect((found == nil) == (expected == nil))
                guard let found, let expected else { continue }
                #expect(agrees([found.lower, found.upper], expected.map { $0 }))
            }
        }
    }

    /// Every resample drawn again in NumPy, every figure of it by scikit-learn.
    @Test(arguments: MetricsFixture.names)
    func bootstrap(name: String) throws {
        let fixture = try MetricsFixture.load(name)
        let expected = fixture.expected.bootstrap
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let found = BootstrapIntervals(
            try fixture.summary().predictions, resamples: expected.resamples, seed: expected.seed, pool: pool)
        #expect(Set(found.intervals.keys.map(\.rawValue)) == Set(expected.intervals.keys))
        for (figure, interval) in found.intervals.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let numbers = try #require(expected.intervals[figure.rawValue])
            #expect(agrees([interval.lower, interval.upper], numbers.map { $0 }), "\(figure)")
            #expect(interval.level == 0.95)
        }
    }

    private func compare(
        _ curve: PrecisionRecallCurve, _ roc: ROCCurve, _ expected: MetricsFixture.Curve, _ place: Comment
    ) {
        #expect(agrees(curve.precision, expected.precision), place)
        #expect(agrees(curve.recall, expected.recall), place)
        #expect(curve.thresholds.map(Double.init) == expected.thresholds, place)
        let dropped = curve.withoutIntermediatePoints
        #expect(dropped.thresholds.map(Double.init) == expected.droppedThresholds, place)
        #expect(dropped.averagePrecision == curve.averagePrecision, place)
        let points = (0..<roc.count).map { roc[$0] }
        #expect(agrees(points.map(\.falsePositiveRate), expected.falsePositiveRate), place)
        #expect(agrees(points.map(\.truePositiveRate), expected.truePositiveRate), place)
        // Infinity is null in the file.
        let thresholds = points.map { $0.threshold.isInfinite ? nil : Double($0.threshold) }
        #expect(thresholds == expected.rocThresholds, place)
    }
}

@Suite struct PredictionsTests {
    @Test func tiesGoToTheLowestIndex() throws {
        let predictions = try Predictions(
            labels: [2, 0], probabilities: [0.25, 0.375, 0.375, 0.5, 0, 0.5], classNames: ["a", "b", "c"])
        #expect(predictions.predictedLabels == [1, 0])
        #expect(predictions.confidence(0) == 0.375)
        // Top-k ranks the higher index first, so the same sample is a hit there.
        #expect(predictions.topKAccuracy(1) == 0.5)
    }

    @Test(arguments: [
        ([Int](), [Float](), ["a", "b"], "predictions"),
        ([0], [1], ["a"], "predictions.classNames"),
        ([0], [1, 0], ["a", "a"], "predictions.classNames"),
        ([0, 1], [1, 0], ["a", "b"], "predictions.probabilities"),
        ([0, 2], [1, 0, 1, 0], ["a", "b"], "predictions.labels[1]"),
        ([-1], [1, 0], ["a", "b"], "predictions.labels[0]"),
        ([0], [.nan, 0], ["a", "b"], "predictions.probabilities[0][0]"),
        ([0], [0.5, 1.5], ["a", "b"], "predictions.probabilities[0][1]"),
        ([0], [-0.25, 1], ["a", "b"], "predictions.probabilities[0][0]"),
        ([0], [0.9, 0.9], ["a", "b"], "predictions.probabilities[0]"),
    ])
    func refuses(labels: [Int], probabilities: [Float], names: [String], place: String) {
        let error = #expect(throws: InputError.self) {
            try Predictions(labels: labels, probabilities: probabilities, classNames: names)
        }
        #expect(error?.place == place)
    }

    @Test func negativeZeroIsZero() throws {
        let predictions = try Predictions(
            labels: [0, 1, 1], probabilities: [1, -0.0, 0.5, 0.5, 1, 0], classNames: ["a", "b"])
        let curve = PrecisionRecallCurves(predictions).perClass[1]
        #expect(curve.thresholds == [0, 0.5])
        #expect(curve.recall == [1, 0.5, 0])
    }
}

@Suite struct CalibrationTests {
    @Test func binsAreClosedAbove() throws {
        // Confidences 0.5 (edge of bin 4 of 10), 0.75 and 1.
        let predictions = try Predictions(
            labels: [0, 1, 0], probabilities: [0.5, 0.5, 0.75, 0.25, 1, 0], classNames: ["a", "b"])
        let calibration = Calibration(predictions, binCount: 10)
        #expect(calibration.bins.map(\.count) == [0, 0, 0, 0, 1, 0, 0, 1, 0, 1])
        #expect(calibration.bins[4].confidence == 0.5)
        #expect(calibration.bins[7].accuracy == 0)
        #expect(calibration.bins[0].accuracy == nil)
        #expect(abs(calibration.expectedError - (0.5 + 0.75 + 0) / 3) < 1e-15)
        #expect(calibration.maximumError == 0.75)
    }
}

@Suite struct ConfidenceIntervalTests {
    /// Normal quantiles to 16 digits: 1.959963984540054 (0.975), 2.5758293035489004 (0.995).
    @Test func levels() {
        // With p = 1/2 the half width is z/(2√(n + z²)).
        for (level, z) in [(0.95, 1.959963984540054), (0.99, 2.5758293035489004)] {
            let interval = ConfidenceInterval.wilson(successes: 50, count: 100, level: level)
            #expect(abs(interval.upper - (0.5 + z / (2 * (100 + z * z).squareRoot()))) < 1e-15)
            #expect(abs(interval.upper + interval.lower - 1) < 1e-15)
        }
    }

    @Test func endsAreExact() {
        #expect(ConfidenceInterval.wilson(successes: 7, count: 7).upper == 1)
        #expect(ConfidenceInterval.wilson(successes: 0, count: 7).lower == 0)
    }
}
