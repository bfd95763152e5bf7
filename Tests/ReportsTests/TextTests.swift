import Formats
import Evaluation
import Foundation
import Testing

@testable import Reports

@Suite struct ClassificationTextTests {
    private struct Fixture: Decodable {
        struct Expected: Decodable { var report: String }
        var classNames: [String]
        var labels: [Int]
        var probabilities: [Double]
        var expected: Expected
    }

    /// Character for character what scikit-learn prints; the files are those of `Tests/Oracles/make_metrics.py`.
    /// Not among them is `all-wrong`, where scikit-learn happens to print the support as `6.0`.
    @Test(arguments: ["normal", "absent-class", "one-class", "one-sample", "many-classes", "binary", "perfect"])
    func asScikitLearn(name: String) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("EvaluationTests/Fixtures/\(name).json")
        let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        let predictions = try Predictions(
            labels: fixture.labels, probabilities: fixture.probabilities.map(Float.init),
            classNames: fixture.classNames)
        #expect(ClassificationText.text(EvaluationSummary(predictions).report) == fixture.expected.report)
    }

    @Test func longAndHostileNamesFit() throws {
        let names = [String(repeating: "long ", count: 30)] + hostileNames
        let evaluation = try Samples.evaluation(classes: names.count, samples: 90, names: names)
        for text in [ClassificationText.text(evaluation.report), ConsoleSummary.text(evaluation)] {
            #expect(text.split(separator: "\n").allSatisfy { Text.columns(String($0)) <= 80 })
            #expect(!text.contains("\u{1B}") && !text.contains("\u{7}"))
        }
        // A name with a line break stays on its line: header, classes, three averages.
        #expect(
            ClassificationText.text(evaluation.report).split(separator: "\n").count == 1 + names.count + 3)
    }
}

@Suite struct ConsoleSummaryTests {
    @Test(arguments: [2, 10, 11, 62])
    func fits(classes: Int) throws {
        let evaluation = try Samples.evaluation(classes: classes, samples: 4000, strength: 3)
        let text = ConsoleSummary.text(evaluation)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(text.contains(Text.percent(evaluation.report.accuracy)))
        #expect(text.contains("Confusion matrix") == (classes <= 10))
        #expect(text.contains("Most frequent confusions") == (classes > 10))
    }

    @Test func worstClassesAndConfusions() throws {
        // 22 classes, all right but three: class 5 is taken for 6 twice, 7 for 8 once.
        let k = 22
        let labels = Array(0..<k) + [5, 5, 7]
        let predicted = Array(0..<k) + [6, 6, 8]
        let probabilities = predicted.flatMap { p in (0..<k).map { $0 == p ? Float(1) : 0 } }
        let evaluation = EvaluationSummary(
            try Predictions(labels: labels, probabilities: probabilities, classNames: (0..<k).map { "c\($0)" }))
        let lines = ConsoleSummary.text(evaluation).split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        let table = lines.drop { $0.first != "Class" }.dropFirst()
        // F1 is 2/4 for classes 5 and 6 (the lower index first), 2/3 for 7 and 8; AP of 5 is 1/3 + 2/3·3/25.
        #expect(table.prefix(4).map { $0[0] } == ["c5", "c6", "c7", "c8"])
        #expect(table.first == ["c5", "1.0000", "0.3333", "0.5000", "0.4133", "3"])
        let confusions = lines.drop { $0.first != "Most" }.dropFirst()
        #expect(confusions.map { [$0[0], $0[3], $0[4]] } == [["c5", "c6", "2"], ["c7", "c8", "1"]])
    }

    @Test func matrixOfLargeCounts() throws {
        let n = 200_000
        let labels = (0..<n).map { $0 % 2 * 9 }
        let names = (0..<10).map { "digit \($0)" }
        let probabilities = labels.flatMap { p in (0..<10).map { $0 == p ? Float(1) : 0 } }
        let text = ConsoleSummary.text(
            EvaluationSummary(try Predictions(labels: labels, probabilities: probabilities, classNames: names)))
        let rows = text.split(separator: "\n").drop { !$0.hasPrefix("Confusion") }.dropFirst()
        #expect(Set(rows.map(\.count)).count == 1)
        #expect(rows.last?.hasSuffix("100k") == true)
    }

    @Test func figures() {
        #expect(Text.grouped(1_234_567) == "1,234,567")
        #expect(Text.grouped(-999) == "-999")
        #expect(Text.grouped(1000) == "1,000")
        #expect(Text.percent(0.99584) == "99.58 %")
        #expect(Text.percent(0.99996) == "99.99 %")
        #expect(Text.percent(1) == "100.00 %")
        #expect(Text.percent(0.00001) == "<0.01 %")
        #expect(Text.percent(0, 1) == "0.0 %")
        #expect(Text.percent(0.9996, 1) == "99.9 %")
    }

    @Test func sharesAreOneOnlyWhereTheyAre() {
        #expect(Text.share(1) == "1.0000" && Text.share(0.99996) == "0.9999" && Text.share(0.12345678) == "0.1235")
        #expect(Text.share(1.00001) == "1.0000" && Text.share(0.9996, 2) == "0.99")
    }

    @Test func namesByColumns() {
        #expect(Text.columns("数字") == 4)
        #expect(Text.columns("e\u{301}a") == 2)
        #expect(Text.name("数字数字", limit: 6) == "数字…")
        #expect(Text.name("exactly", limit: 7) == "exactly")
        #expect(Text.right("数", 4) == "  数")
    }
}
