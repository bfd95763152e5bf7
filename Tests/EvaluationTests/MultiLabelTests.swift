import Tensors
import TestSupport
import Testing

@testable import Evaluation

/// Images with several labels against scikit-learn (Tests/Oracles/make_multilabel.py).
@Suite struct MultiLabelTests {
    struct Fixture: Decodable {
        struct Values: Decodable {
            var macro, micro, weighted: Double
        }
        var truth: [[Int]]
        var probabilities: [Float]
        var precision, recall, f1, averagePrecision: Values
        var classF1: [Double]
        var sampleF1, exactMatch, hammingLoss, rocAuc, logLoss: Double

        var sets: [UInt64] { truth.map { $0.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64($1.offset) } } }
    }

    private static let names = ["a", "b", "c", "d", "e"]

    @Test func figuresAreThoseOfScikitLearn() throws {
        let fixture = try fixture("multilabel", in: .module, as: Fixture.self)
        let found = try MultiLabelEvaluation(
            labelSets: fixture.sets, probabilities: fixture.probabilities, classNames: Self.names)
        func compare(_ a: Averages, _ b: Fixture.Values, _ what: String) {
            for (a, b) in [(a.macro, b.macro), (a.micro, b.micro), (a.weighted, b.weighted)] {
                #expect(abs(a - b) < 1e-12, "\(what)")
            }
        }
        compare(found.precision, fixture.precision, "precision")
        compare(found.recall, fixture.recall, "recall")
        compare(found.f1, fixture.f1, "F1")
        compare(found.precisionRecall.averagePrecision, fixture.averagePrecision, "average precision")
        for (a, b) in zip(found.perClass, fixture.classF1) { #expect(abs(a.f1 - b) < 1e-12) }
        for (a, b, what) in [
            (found.sampleF1, fixture.sampleF1, "F1 by image"), (found.exactShare, fixture.exactMatch, "exact"),
            (found.hammingLoss, fixture.hammingLoss, "Hamming"), (found.logLoss, fixture.logLoss, "log loss"),
            (try #require(found.roc.macroArea), fixture.rocAuc, "ROC"),
        ] { #expect(abs(a - b) < 1e-12, "\(what)") }
        #expect(found.perClass[4].precision == 0 && found.perClass[4].support > 0)
    }

    @Test func extremes() throws {
        let right = try MultiLabelEvaluation(
            labelSets: [0b11, 0], probabilities: [1, 1, 0, 0], classNames: ["a", "b"])
        #expect(right.exactShare == 1 && right.hammingLoss == 0 && right.logLoss == 0 && right.sampleF1 == 0.5)
        let wrong = try MultiLabelEvaluation(labelSets: [0b01], probabilities: [0, 1], classNames: ["a", "b"])
        #expect(wrong.exactShare == 0 && wrong.hammingLoss == 1 && wrong.logLoss.isFinite && wrong.logLoss > 50)
        // Images need not have any label at all.
        let none = try MultiLabelEvaluation(labelSets: [0, 0], probabilities: [0, 1, 0, 0], classNames: ["a", "b"])
        for average in [none.precision, none.recall, none.f1] { #expect(average.weighted == 0 && average.macro == 0) }
        let average = none.precisionRecall.averagePrecision
        #expect(average.macro.isFinite && average.micro.isFinite && average.weighted.isFinite)
        // 0.5 counts as a label.
        #expect(
            try MultiLabelEvaluation(labelSets: [1], probabilities: [0.5, 0.4999], classNames: ["a", "b"]).predictedSets
                == [1])
    }

    @Test(arguments: [
        ([] as [UInt64], [] as [Float], 2, "predictions"), ([1], [0.5], 2, "predictions.probabilities"),
        ([4], [0.5, 0.5], 2, "predictions.labelSets[0]"), ([1], [0.5, 1.5], 2, "predictions.probabilities[0][1]"),
        ([1], [.nan, 0.5], 2, "predictions.probabilities[0][0]"), ([1], [0.5], 1, "predictions.classNames"),
    ])
    func whatIsNoneIsRefused(sets: [UInt64], probabilities: [Float], classes: Int, place: String) {
        let error = #expect(throws: InputError.self) {
            try MultiLabelEvaluation(
                labelSets: sets, probabilities: probabilities, classNames: Array(Self.names.prefix(classes)))
        }
        #expect(error?.place == place)
    }

    @Test func areasOfLabelsThatNobodyHasAreNone() throws {
        let found = try MultiLabelEvaluation(
            labelSets: [0, 0], probabilities: [0.1, 0.2, 0.3, 0.4], classNames: ["a", "b"])
        #expect(found.roc.weightedArea == nil && found.roc.macroArea == nil)
    }
}
