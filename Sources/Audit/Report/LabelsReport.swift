import Formats
import Foundation
import Tensors

/// The findings on labels in a table of predictions, without images.
package struct LabelsReport: Sendable {
    private let data: LabelledProbabilities
    private let labels: LabelFindings

    package init(_ data: LabelledProbabilities, _ labels: LabelFindings) { (self.data, self.labels) = (data, labels) }

    /// Writes `labels.csv`, `scores.csv`, `noise.csv` and `audit.json`.
    package func write(to folder: URL) throws {
        var table = CSV(header: [
            "index", "label", "suggestion", "labelProbability", "suggestionProbability", "quality", "issue",
        ])
        for (finding, isIssue) in labels.ranked {
            table.add(finding.index)
            table.add(data.classNames[finding.label])
            table.add(data.classNames[finding.suggestion])
            table.add(finding.labelProbability)
            table.add(finding.suggestionProbability)
            table.add(finding.quality)
            table.add(isIssue ? 1 : 0)
            table.endLine()
        }
        let issues = Set(labels.findings.map(\.index))
        let qualities = LabelQuality.allCases.map { $0.scores(data) }
        var scores = CSV(header: ["index", "label", "issue"] + LabelQuality.allCases.map(\.rawValue))
        for i in 0..<data.count {
            scores.add(i)
            scores.add(data.classNames[data.labels[i]])
            scores.add(issues.contains(i) ? 1 : 0)
            for quality in qualities { scores.add(quality[i]) }
            scores.endLine()
        }
        let json: JSONValue = [
            "judged": .integer(data.count),
            "labels": Audit.labelsJSON(labels, names: data.classNames, place: { ["index": .integer($0)] }),
        ]
        let files = [
            ("labels.csv", table.text), ("scores.csv", scores.text),
            ("noise.csv", Audit.noiseTable(labels.joint, data.classNames)), ("audit.json", json.text + "\n"),
        ]
        for (name, text) in files { try AtomicFile.write(text, to: folder.appendingPathComponent(name)) }
    }

    /// A summary for the console.
    package var text: String {
        "\(Text.grouped(labels.findings.count)) of \(Text.grouped(data.count)) labels look wrong; estimated share of wrong labels "
            + Text.percent(labels.joint.noiseShare)
    }
}
