import Evaluation
import Formats
import Foundation
import Plots
import Runs
import Tensors
import Training

/// `comparison.json`: a comparison of runs in machine-readable form.
package struct ComparisonRecord: Encodable, Sendable {
    struct Figure: Encodable, Sendable {
        var value: Double
        var interval: ConfidenceInterval?
    }

    struct Run: Encodable, Sendable {
        var letter: String
        var folder: String
        var dataset: String
        var dataSource: MetricsRecord.DataSource
        var count: Int
        var parameters: Int
        var epochs: Int?
        var bestEpoch: Int?
        var trainingSeconds: Double?
        /// The metrics by name.
        var figures: [String: Figure]
    }

    struct Pair: Encodable, Sendable {
        var first: String
        var second: String
        /// Why the pair was not tested; absent if it was.
        var refused: String?
        var onlyFirst: Int?
        var onlySecond: Int?
        var difference: Double?
        var interval: ConfidenceInterval?
        var method: McNemar.Method?
        var statistic: Double?
        var pValue: Double?
        var adjustedPValue: Double?
    }

    struct Setting: Encodable, Sendable {
        var path: String
        /// The JSON value by run; absent if the run lacks the key.
        var values: [String: String]
    }

    let runs: [Run]
    let pairs: [Pair]
    let settings: [Setting]

    package init(_ comparison: RunComparison) {
        runs = comparison.runs.enumerated().map { i, run in
            var figures: [String: Figure] = [:]
            for figure in RunComparison.Figure.allCases {
                guard let entry = comparison.figure(figure, of: i), entry.value.isFinite else { continue }
                figures[figure.rawValue] = Figure(value: entry.value, interval: entry.interval)
            }
            let metrics = run.metrics
            return Run(
                letter: RunComparison.letter(i), folder: run.path, dataset: metrics.dataset,
                dataSource: metrics.dataSource, count: run.predictions.count, parameters: metrics.parameters,
                epochs: metrics.epochs, bestEpoch: metrics.bestEpoch, trainingSeconds: metrics.trainingSeconds,
                figures: figures)
        }
        pairs = comparison.pairs.map { pair in
            var result = Pair(
                first: RunComparison.letter(pair.first), second: RunComparison.letter(pair.second))
            switch pair.outcome {
            case .differentSamples(let reason): result.refused = reason
            case .tested(let test, let adjusted):
                result.onlyFirst = test.onlyFirst
                result.onlySecond = test.onlySecond
                result.difference = test.difference
                result.interval = test.interval
                result.method = test.method
                result.statistic = test.statistic
                result.pValue = test.pValue
                result.adjustedPValue = adjusted
            }
            return result
        }
        settings = comparison.settings.map { setting in
            var values: [String: String] = [:]
            for (i, value) in setting.values.enumerated() { values[RunComparison.letter(i)] = value }
            return Setting(path: setting.path, values: values)
        }
    }
}

extension RunComparison {
    /// Writes `comparison.json` to `url`.
    package func writeJSON(to url: URL) throws(OperationError) {
        try AtomicFile.write(
            try JSONText.encode(ComparisonRecord(self), named: url.lastPathComponent), to: url)
    }

    /// Writes all files into `folder`, which is created if missing: `comparison.json`, `.txt`, `figures.csv`,
    /// `mcnemar.csv`, `configuration.csv`, and `learning_curves`, `curves`, `robustness` as `.csv` and `.svg`, the
    /// first and the last only if runs have them.
    package func write(to folder: URL) throws(OperationError) {
        try RunFolder.createFolders(folder)
        func place(_ name: String) -> URL { folder.appendingPathComponent(name) }
        try writeJSON(to: place("comparison.json"))
        try AtomicFile.write(ComparisonText.text(self), to: place("comparison.txt"))
        try AtomicFile.write(figuresCSV, to: place("figures.csv"))
        try AtomicFile.write(testsCSV, to: place("mcnemar.csv"))
        try AtomicFile.write(settingsCSV, to: place("configuration.csv"))
        let pictures: [(String, (svg: String, csv: String)?)] = [
            ("learning_curves", ComparisonFigures.learningCurves(self)), ("curves", ComparisonFigures.curves(self)),
            ("robustness", ComparisonFigures.robustness(self)),
        ]
        for case (let name, let picture?) in pictures {
            try AtomicFile.write(picture.svg, to: place(name + ".svg"))
            try AtomicFile.write(picture.csv, to: place(name + ".csv"))
        }
    }

    private var figuresCSV: String {
        var table = CSV(header: ["run", "figure", "value", "lower", "upper"])
        for run in runs.indices {
            for figure in Figure.allCases {
                guard let entry = self.figure(figure, of: run) else { continue }
                table.add(Self.letter(run))
                table.add(figure.rawValue)
                table.add(entry.value)
                table.add(entry.interval?.lower)
                table.add(entry.interval?.upper)
                table.endLine()
            }
        }
        return table.text
    }

    private var testsCSV: String {
        var table = CSV(header: [
            "first", "second", "onlyFirst", "onlySecond", "difference", "lower", "upper", "method", "statistic",
            "pValue", "adjustedPValue",
        ])
        for pair in pairs {
            guard case .tested(let test, let adjusted) = pair.outcome else { continue }
            table.add(Self.letter(pair.first))
            table.add(Self.letter(pair.second))
            table.add(test.onlyFirst)
            table.add(test.onlySecond)
            table.add(test.difference)
            table.add(test.interval.lower)
            table.add(test.interval.upper)
            table.add(test.method.rawValue)
            table.add(test.statistic)
            table.add(test.pValue)
            table.add(adjusted)
            table.endLine()
        }
        return table.text
    }

    private var settingsCSV: String {
        var table = CSV(header: ["path"] + runs.indices.map(Self.letter))
        for setting in settings {
            table.add(setting.path)
            for value in setting.values { table.add(value ?? "") }
            table.endLine()
        }
        return table.text
    }
}
