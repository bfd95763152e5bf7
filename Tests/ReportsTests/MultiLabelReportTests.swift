import Evaluation
import Foundation
import NeuralNetwork
import Runs
import Tensors
import TestSupport
import Testing

@testable import Reports

/// The files of a run on images with several labels: well-formed, and with the evaluation's numbers.
@Suite struct MultiLabelReportTests {
    private static func report() throws -> MultiLabelReport {
        let evaluation = try MultiLabelEvaluation(
            labelSets: [0b01, 0b11, 0b00, 0b10], probabilities: [0.9, 0.2, 0.8, 0.4, 0.1, 0.1, 0.6, 0.7],
            classNames: ["a <b>", "c"])
        return MultiLabelReport(
            name: "several", dataset: "table",
            graph: try ResolvedGraph(Graph(inputShape: Shape([4]), layers: [.dense(units: 2)])),
            evaluation: evaluation, history: nil, notes: ["a note"], configuration: "{}",
            environment: Samples.environment, reproduction: [])
    }

    @Test func predictionsNameLabels() throws {
        let rows = parseCSV(try Self.report().predictionsCSV)
        #expect(rows[0] == ["index", "labels", "prediction", "p0", "p1"])
        #expect(rows[2][1...2] == ["a <b>|c", "a <b>"] && rows[3][1...2] == ["", ""])
        #expect(Float(rows[4][4]) == 0.7)
    }

    @Test func theConsoleHasEveryLabelAndAverage() throws {
        let report = try Self.report()
        #expect(report.summary.hasPrefix("All labels right  50.00 %"))
        #expect(report.table.map(\.[0]) == ["label", "a <b>", "c", "macro", "micro", "weighted"])
        // 2 of 3 are right of those called a, and both that are.
        #expect(report.table[1][2...4] == ["0.6667", "1.0000", "0.8000"])
    }

    @Test func thePageIsEscaped() throws {
        let page = try ReportPage(try Self.report()).html()
        #expect(page.contains("a &lt;b&gt;") && !page.contains("a <b>") && page.contains("All labels right"))
    }

    @Test func metricsNameWhatTheyAre() throws {
        let record = MultiLabelMetricsRecord(
            dataset: "table", dataSource: .full, history: nil, threads: 1, blas: "b", parameters: 10, notes: [],
            test: try Self.report().evaluation)
        let json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: Any])
        let test = try #require(json["test"] as? [String: Any])
        #expect(json["kind"] as? String == "multiLabel" && test["accuracy"] as? Double == 0.5)
        #expect(test["hammingLoss"] as? Double == 0.25 && (test["perClass"] as? [Any])?.count == 2)
    }
}
