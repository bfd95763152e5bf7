import Evaluation
import Formats
import Plots
import Tensors

/// A comparison of runs: their metrics, tests of each pair, and the differences of their configurations.
package struct RunComparison: Sendable {
    /// A test metric that runs are compared by.
    package enum Figure: String, CaseIterable, Sendable {
        case accuracy, macroF1, logLoss, brier, calibrationError, robustness

        var title: String {
            switch self {
            case .accuracy: "Accuracy"
            case .macroF1: "Macro F1"
            case .logLoss: "Log loss"
            case .brier: "Brier score"
            case .calibrationError: "Calibration error"
            case .robustness: "Robustness"
            }
        }
        /// Whether lower is better.
        var isLoss: Bool { self == .logLoss || self == .brier || self == .calibrationError }
        /// The metric's path among the bootstrap intervals.
        fileprivate var path: String? {
            switch self {
            case .macroF1: "f1.macro"
            case .logLoss: "logLoss"
            case .brier: "brier"
            case .calibrationError: "calibrationError"
            case .accuracy, .robustness: nil
            }
        }
    }

    /// Two runs and the result of testing them against each other, or the reason why they were not tested.
    package struct Pair: Sendable {
        package let first: Int
        package let second: Int
        package let outcome: Outcome

        package enum Outcome: Sendable {
            /// Tested, with the p-value after Holm's correction for the number of pairs.
            case tested(McNemar, adjustedPValue: Double)
            case differentSamples(String)
        }
    }

    /// A key of the configuration and its value in each run, as JSON; nil if a run lacks it.
    package struct Setting: Hashable, Sendable {
        package let path: String
        package let values: [String?]
    }

    /// The maximum number of runs: one for each letter.
    package static let runLimit = 26

    package let runs: [StoredRun]
    package let pairs: [Pair]
    /// The keys whose values differ between runs, in the order of the files.
    package let settings: [Setting]

    /// - Parameters:
    ///   - runs: 2 to 26 runs.
    ///   - configurations: each run's keys and values in the order of its file; empty for a run without a file.
    /// - Throws: `InputError` for any other number of runs.
    package init(
        _ runs: [StoredRun], configurations: [[(path: String, value: String)]]
    ) throws(InputError) {
        precondition(runs.count == configurations.count, "RunComparison: a configuration for each run")
        guard runs.count >= 2, runs.count <= Self.runLimit else {
            throw InputError(
                "trainer compare", expected: "2 to \(Self.runLimit) runs", received: "\(runs.count)")
        }
        self.runs = runs
        var found: [(Int, Int, String?)] = []
        for i in runs.indices {
            for j in (i + 1)..<runs.count { found.append((i, j, Self.mismatch(runs[i], runs[j]))) }
        }
        let tests = found.map { $2 == nil ? McNemar(runs[$0].predictions, runs[$1].predictions) : nil }
        var adjusted = McNemar.holm(tests.compactMap { $0?.pValue })[...]
        pairs = zip(found, tests).map { pair, test in
            let outcome: Pair.Outcome =
                test.map { .tested($0, adjustedPValue: adjusted.removeFirst()) } ?? .differentSamples(pair.2 ?? "")
            return Pair(first: pair.0, second: pair.1, outcome: outcome)
        }
        settings = Self.differences(configurations)
    }

    /// Returns the letter of a run: `A`, `B`, …
    package static func letter(_ index: Int) -> String { String(UnicodeScalar(UInt8(65 + index % 26))) }

    /// Returns the value of a metric in a run, with its 95 % interval if there is one.
    package func figure(_ figure: Figure, of run: Int) -> (value: Double, interval: ConfidenceInterval?)? {
        let run = runs[run]
        let summary = run.evaluation
        let interval = figure.path.flatMap { run.metrics.test.bootstrap?.intervals[$0] }
        switch figure {
        case .accuracy: return (summary.report.accuracy, summary.accuracyInterval)
        case .macroF1: return (summary.report.f1.macro, interval)
        case .logLoss: return (summary.logLoss, interval)
        case .brier: return (summary.brierScore, interval)
        case .calibrationError: return (summary.calibration.expectedError, interval)
        case .robustness: return run.robustness.map { ($0.meanArea, nil) }
        }
    }

    /// Returns why two runs' predictions cannot be paired; nil if they can.
    private static func mismatch(_ a: StoredRun, _ b: StoredRun) -> String? {
        func name(_ run: StoredRun) -> String {
            "\(Text.grouped(run.predictions.count)) of \(Text.name(run.metrics.dataset, limit: 20)) "
                + "(\(run.metrics.dataSource.rawValue))"
        }
        if a.metrics.dataset != b.metrics.dataset || a.metrics.dataSource != b.metrics.dataSource
            || a.predictions.count != b.predictions.count
        {
            return "tested on other images: \(name(a)) and \(name(b))"
        }
        if a.predictions.classNames != b.predictions.classNames { return "other classes" }
        if a.predictions.labels != b.predictions.labels { return "tested on other images: their labels differ" }
        if let one = a.metrics.imagesDigest, let other = b.metrics.imagesDigest, one != other {
            return "tested on other images: their digests differ"
        }
        return nil
    }

    private static func differences(_ configurations: [[(path: String, value: String)]]) -> [Setting] {
        var order: [String] = []
        var values: [String: [String?]] = [:]
        for (i, configuration) in configurations.enumerated() {
            for (path, value) in configuration {
                if values[path] == nil { order.append(path) }
                values[path, default: [String?](repeating: nil, count: configurations.count)][i] = value
            }
        }
        return order.compactMap { path in
            guard let row = values[path], Set(row).count > 1 else { return nil }
            return Setting(path: path, values: row)
        }
    }
}

extension StoredRun {
    var predictions: Predictions { evaluation.predictions }
}
