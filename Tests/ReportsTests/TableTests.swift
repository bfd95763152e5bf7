import Evaluation
import Foundation
import Tensors
import Testing
import Training

@testable import Reports

/// Names that break naive writers.
let hostileNames = [
    "a,b", "say \"hi\"", "\"start\"", "line\nbreak", "<script>&'", "\u{1B}[31mred\u{7}", "数字", "", "x\u{FFFE}",
]

@Suite struct TableTests {
    @Test func predictionsReadBackExactly() throws {
        let predictions = try Samples.evaluation(classes: 10, samples: 500, strength: 12).predictions
        let rows = parseCSV(PredictionsTable.csv(predictions))
        #expect(rows[0] == ["index", "label", "prediction"] + (0..<10).map { "p\($0)" })
        #expect(rows.count == 501)
        for (i, row) in rows.dropFirst().enumerated() {
            #expect(row[0] == "\(i)")
            #expect(row[1] == "\(predictions.labels[i])")
            #expect(row[2] == "\(predictions.predictedLabels[i])")
            for c in 0..<10 {
                // As float32 and as float64: the same number.
                #expect(Float(row[3 + c])?.bitPattern == predictions.probability(i, c).bitPattern)
                #expect(Double(row[3 + c]) == Double(predictions.probability(i, c)))
            }
        }
    }

    @Test func history() {
        var history = Samples.history(epochs: 3, best: 2)
        history.epochs[1].validationLoss = nil
        history.epochs[2].trainingLoss = .nan
        let rows = parseCSV(HistoryTable.csv(history))
        #expect(
            rows[0] == [
                "epoch", "learningRate", "trainingLoss", "trainingAccuracy", "validationLoss", "validationAccuracy",
                "seconds", "imagesPerSecond",
            ])
        #expect(
            rows[1].compactMap(Double.init) == [
                1, 1e-3, history.epochs[0].trainingLoss, history.epochs[0].trainingAccuracy,
                history.epochs[0].validationLoss, history.epochs[0].validationAccuracy, 1.25, 4321.5,
            ])
        #expect(rows[2][4] == "")
        #expect(rows[3][2] == "nan")
        #expect(HistoryTable.csv(TrainingHistory()).split(separator: "\n").count == 1)
    }

    @Test func hostileNamesSurvive() throws {
        let evaluation = try Samples.evaluation(classes: hostileNames.count, samples: 60, names: hostileNames)
        let matrix = parseCSV(ConfusionMatrixTable.csv(evaluation.confusionMatrix))
        #expect(Array(matrix[0].dropFirst()) == hostileNames)
        #expect(matrix.dropFirst().map { $0[0] } == hostileNames)
        #expect(matrix.dropFirst().map { $0.dropFirst().compactMap { Int($0) } } == evaluation.confusionMatrix.counts)
    }

    @Test func precisionRecallPoints() throws {
        let evaluation = try Samples.evaluation(classes: 3, samples: 40, names: ["a", "b,", "c"])
        var rows = parseCSV(CurveTables.precisionRecall(evaluation))[...]
        #expect(rows.popFirst() == ["class", "threshold", "precision", "recall"])
        let curves = evaluation.precisionRecall
        for (name, curve) in zip(["a", "b,", "c", "micro"], curves.perClass + [curves.micro]) {
            for i in 0..<curve.count {
                let next = rows.popFirst()
                let row = try #require(next)
                #expect(row[0] == name)
                #expect(Double(row[1]) == (i == curve.count - 1 ? nil : Double(curve.thresholds[i])))
                #expect(Double(row[2]) == curve.precision[i])
                #expect(Double(row[3]) == curve.recall[i])
            }
        }
        #expect(rows.count == curves.macro.count)
        for (row, point) in zip(rows, curves.macro) {
            #expect(row == ["macro", "", "\(point.precision)", "\(point.recall)"])
        }
    }

    @Test func sharesOfTheTrueClass() throws {
        let predictions = try Predictions(
            labels: [0, 0, 0, 1], probabilities: [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0], classNames: ["a", "b", "absent"])
        let rows = parseCSV(NormalizedConfusionMatrixTable.csv(ConfusionMatrix(predictions)))
        #expect(rows[0] == ["true\\predicted", "a", "b", "absent"])
        #expect(rows[1] == ["a", "\(2.0 / 3)", "\(1.0 / 3)", "0.0"] && rows[3] == ["absent", "", "", ""])
    }

    @Test func rocPointsOfAnAbsentClass() throws {
        let predictions = try Predictions(
            labels: [0, 1], probabilities: [0.5, 0.25, 0.25, 0.125, 0.625, 0.25], classNames: ["a", "b", "absent"])
        let rows = parseCSV(CurveTables.roc(EvaluationSummary(predictions)))
        #expect(rows[0] == ["class", "threshold", "falsePositiveRate", "truePositiveRate"])
        #expect(rows.filter { $0[0] == "absent" } == [["absent", "inf", "0.0", ""], ["absent", "0.25", "1.0", ""]])
        #expect(rows.filter { $0[0] == "a" }.first == ["a", "inf", "0.0", "0.0"])
        #expect(rows.last == ["micro", "0.125", "1.0", "1.0"])
    }

    @Test func calibrationBins() throws {
        let evaluation = try Samples.evaluation(classes: 4, samples: 50)
        let rows = parseCSV(CalibrationTable.csv(evaluation.calibration)).dropFirst()
        #expect(rows.map { Int($0[2]) } == evaluation.calibration.bins.map(\.count))
        #expect(rows.map { Double($0[3]) } == evaluation.calibration.bins.map(\.confidence))
        #expect(rows.map { Double($0[4]) } == evaluation.calibration.bins.map(\.accuracy))
    }

    @Test func aClassNamedLikeAnAverageIsToldFromIt() throws {
        let evaluation = try Samples.evaluation(classes: 3, samples: 60, names: ["micro", "b", "macro"])
        for csv in [CurveTables.precisionRecall(evaluation), CurveTables.roc(evaluation)] {
            let names = Set(parseCSV(csv).dropFirst().map { $0[0] })
            #expect(names == ["micro", "b", "macro", "micro (average)", "macro (average)"])
        }
    }
}
