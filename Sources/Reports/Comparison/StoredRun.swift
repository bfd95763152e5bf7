import Evaluation
import Formats
import Foundation
import Runs
import Tensors
import Training

/// A run or an evaluation loaded from its folder: `metrics.json` and `predictions.csv`, and `history.csv` and
/// `robustness.json` if they exist. Every metric is recomputed from the predictions.
package struct StoredRun: Sendable {
    /// The path as it was given.
    package let path: String
    package let folder: RunFolder
    package let metrics: Metrics
    package let evaluation: EvaluationSummary
    /// Nil for an evaluation without training.
    package let history: [EpochRecord]?
    /// Nil unless the run was evaluated with `--robustness`.
    package let robustness: RobustnessRecord?

    /// The part of `metrics.json` that cannot be computed from the predictions.
    package struct Metrics: Hashable, Sendable, Decodable {
        package struct Test: Hashable, Sendable, Decodable {
            package struct Class: Hashable, Sendable, Decodable { package var name: String }
            package struct Bootstrap: Hashable, Sendable, Decodable {
                package var intervals: [String: ConfidenceInterval]
            }
            package var count: Int
            package var accuracy: Double
            package var perClass: [Class]
            /// Intervals by a metric's path (`f1.macro`, `logLoss`); nil in files without them.
            package var bootstrap: Bootstrap?
        }
        package var dataset: String
        package var dataSource: MetricsRecord.DataSource
        package var epochs: Int?
        package var bestEpoch: Int?
        package var trainingSeconds: Double?
        package var imagesPerSecond: Double?
        package var parameters: Int
        /// The SHA-256 of the test images; nil in files without it.
        package var imagesDigest: String?
        package var test: Test
    }

    /// The kind in `metrics.json`: absent if images were classified.
    private struct Kind: Decodable { var kind: String? }

    /// - Throws: `InputError` naming the file, the line or key, and what was expected and found.
    package static func load(path: String) throws(InputError) -> StoredRun {
        let url = URL(fileURLWithPath: path, isDirectory: true)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw InputError(
                path, expected: "the folder of a run",
                received: FileManager.default.fileExists(atPath: path) ? "a file" : "nothing there")
        }
        let folder = RunFolder(url)
        guard exists(folder.url(of: .metrics)) else {
            throw InputError(
                folder.url(of: .metrics).relativePath, expected: "the figures of a finished run",
                received: "no such file",
                remedy: "the run did not come to its test, or this is no run folder")
        }
        if let kind = try StoredFile.decode(Kind.self, folder.url(of: .metrics)).kind {
            let isOfLines = kind == "lines"
            throw InputError(
                path, expected: "a run on images of one label each",
                received: isOfLines ? "a run on lines of text" : "a run on images with several labels",
                remedy: "its figures are in metrics.json\(isOfLines ? " and lines.csv" : "")")
        }
        let metrics = try StoredFile.decode(Metrics.self, folder.url(of: .metrics))
        let predictions = try predictions(folder.url(of: .predictions), metrics)
        let evaluation = EvaluationSummary(predictions)
        guard abs(evaluation.report.accuracy - metrics.test.accuracy) < 1e-9, predictions.count == metrics.test.count
        else {
            throw InputError(
                folder.url(of: .metrics).relativePath,
                expected: "the accuracy of predictions.csv, \(evaluation.report.accuracy) of \(predictions.count)",
                received: "\(metrics.test.accuracy) of \(metrics.test.count)",
                remedy: "the two files are not of one run")
        }
        let history = folder.url(of: .history)
        let robustness = folder.url.appendingPathComponent(RobustnessRecord.fileName)
        return StoredRun(
            path: path, folder: folder, metrics: metrics, evaluation: evaluation,
            history: exists(history) ? try epochs(history) : nil,
            robustness: exists(robustness) ? try RobustnessRecord.load(robustness) : nil)
    }

    /// Returns the bytes of `config.json`.
    /// - Throws: `InputError` if it cannot be read or is larger than 1 MiB.
    package func configurationBytes() throws(InputError) -> [UInt8] {
        try StoredFile.read(folder.url(of: .config), limit: 1 << 20)
    }

    private static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// Returns a field of the file as a whole number.
    private static func integer(_ value: Double?, _ place: @autoclosure () -> String) throws(InputError) -> Int {
        guard let value, let whole = Int(exactly: value) else {
            throw InputError(place(), expected: "a whole number", received: value.map { "\($0)" } ?? "nothing")
        }
        return whole
    }

    private static func predictions(_ url: URL, _ metrics: Metrics) throws(InputError) -> Predictions {
        let table = try NumberTable(url, words: PredictionsTable.nameColumns)
        let names = metrics.test.perClass.map(\.name)
        let header = ["index", "label", "prediction"] + names.indices.map { "p\($0)" }
        let place = url.relativePath
        guard table.header == header else {
            throw InputError(
                "\(place):1",
                expected: "index,label,prediction and \(names.count) probabilities, the classes of "
                    + "metrics.json", received: Text.name(table.header.joined(separator: ","), limit: 60))
        }
        var labels: [Int] = []
        var probabilities: [Float] = []
        probabilities.reserveCapacity(table.rows.count * names.count)
        for (i, row) in table.rows.enumerated() {
            let line = "\(place):\(i + 2)"
            guard try integer(row[0], "\(line): index") == i else {
                throw InputError("\(line): index", expected: "\(i)", received: "another")
            }
            labels.append(try integer(row[1], "\(line): label"))
            for value in row.dropFirst(3) {
                guard let value else { throw InputError(line, expected: "a probability", received: "nothing") }
                probabilities.append(Float(value))
            }
        }
        let predictions: Predictions
        do {
            predictions = try Predictions(labels: labels, probabilities: probabilities, classNames: names)
        } catch {
            throw InputError("\(place): \(error.place)", expected: error.expected, received: error.received)
        }
        for (i, row) in table.rows.enumerated() where row[2] != Double(predictions.predictedLabels[i]) {
            throw InputError(
                "\(place):\(i + 2): prediction", expected: "\(predictions.predictedLabels[i]), the most probable class",
                received: row[2].map { "\($0)" } ?? "nothing")
        }
        return predictions
    }

    private static func epochs(_ url: URL) throws(InputError) -> [EpochRecord] {
        let table = try NumberTable(url, limit: 1 << 26)
        let place = url.relativePath
        func column(_ name: String) throws(InputError) -> Int {
            guard let index = table.header.firstIndex(of: name) else {
                throw InputError("\(place):1", expected: "a column \(name)", received: "none")
            }
            return index
        }
        let names = [
            "epoch", "learningRate", "trainingLoss", "trainingAccuracy", "validationLoss", "validationAccuracy",
            "seconds", "imagesPerSecond",
        ]
        var columns: [Int] = []
        for name in names { columns.append(try column(name)) }
        var records: [EpochRecord] = []
        for (i, row) in table.rows.enumerated() {
            let epoch = try integer(row[columns[0]], "\(place):\(i + 2): epoch")
            guard epoch == (records.last?.epoch ?? 0) + 1 else {
                throw InputError("\(place):\(i + 2): epoch", expected: "\(i + 1)", received: "\(epoch)")
            }
            func value(_ k: Int) -> Double { row[columns[k]] ?? .nan }
            records.append(
                EpochRecord(
                    epoch: epoch, learningRate: value(1), trainingLoss: value(2), trainingAccuracy: value(3),
                    validationLoss: row[columns[4]], validationAccuracy: row[columns[5]], seconds: value(6),
                    imagesPerSecond: value(7)))
        }
        return records
    }
}
