import Formats
import Foundation
import Tensors
import Training

/// One training of a sweep: a trial with one seed, as far as it has been trained. Stored in a file that is rewritten
/// whole after each rung.
package struct SweepTraining: Hashable, Sendable, Codable {
    package var trial: Int
    package var seed: UInt64
    package var epochs: [EpochRecord]
    /// Whether training is complete: all epochs are done, or early stopping ended it.
    package var isFinished: Bool
    /// The reason training cannot continue; nil if it can or is complete.
    package var failure: String?
    /// The SHA-256 digests of the images and of the models that it learnt from, by name.
    package var digests: [String: String]?

    package init(trial: Int, seed: UInt64, epochs: [EpochRecord], isFinished: Bool, failure: String? = nil) {
        self.trial = trial
        self.seed = seed
        self.epochs = epochs
        self.isFinished = isFinished
        self.failure = failure
    }

    /// Returns whether it can be judged after `count` epochs without further training.
    package func covers(_ count: Int) -> Bool { isFinished || failure != nil || epochs.count >= count }

    /// Returns the epoch whose weights would be kept after `count` epochs; nil if there is none or training failed.
    package func kept(after count: Int, _ stopping: EarlyStoppingOptions?) -> EpochRecord? {
        guard failure == nil else { return nil }
        let records = epochs.prefix(count)
        let best = EarlyStopping.keptEpoch(of: records, options: stopping)
        return records.first { $0.epoch == best }
    }
}

/// A mean over seeds.
package struct SeedMean: Hashable, Sendable, Codable {
    package var mean: Double
    /// The sample standard deviation, with n − 1; nil for one seed.
    package var standardDeviation: Double?

    init(_ values: [Double]) {
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        standardDeviation =
            values.count < 2
            ? nil
            : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
}

/// The result of one trial of a sweep after a number of epochs.
package struct SweepRow: Hashable, Sendable, Codable {
    package var trial: Int
    /// The values of the parameters, as JSON texts.
    package var values: [String]
    /// The number of epochs after which the trial is judged.
    package var epochs: Int
    /// The validation accuracy, in [0, 1]; nil if a training failed.
    package var accuracy: SeedMean?
    /// The validation loss; nil if a training failed.
    package var loss: SeedMean?
    /// The wall time of all training of this trial, in seconds.
    package var seconds: Double
    /// The reason a training failed.
    package var failure: String?
    /// The mean of the monitored validation metric by epoch, over the seeds that have it.
    package var curve: [Double]

    package init(
        trial: Int, values: [String], trainings: [SweepTraining], epochs: Int, stopping: EarlyStoppingOptions?,
        monitor: EarlyStoppingOptions.Monitor
    ) {
        self.trial = trial
        self.values = values
        self.epochs = epochs
        seconds = trainings.flatMap(\.epochs).reduce(0) { $0 + $1.seconds }
        failure = trainings.compactMap(\.failure).first
        let kept = trainings.compactMap { $0.kept(after: epochs, stopping) }
        if failure == nil, kept.count == trainings.count, !kept.isEmpty {
            accuracy = SeedMean(kept.map { $0.validationAccuracy ?? .nan })
            loss = SeedMean(kept.map { $0.validationLoss ?? .nan })
        }
        let longest = trainings.map(\.epochs.count).max() ?? 0
        curve = (0..<longest).map { epoch in
            let records = trainings.compactMap { $0.epochs.count > epoch ? $0.epochs[epoch] : nil }
            let values = records.compactMap { monitor == .validationLoss ? $0.validationLoss : $0.validationAccuracy }
            return values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
        }
    }

    /// Returns whether this trial is better than `other`: by the monitored metric, then by the other one, then the
    /// earlier trial. A failed trial ranks behind all others.
    package func isBetter(than other: SweepRow, _ monitor: EarlyStoppingOptions.Monitor) -> Bool {
        guard let a = accuracy?.mean, let l = loss?.mean else { return other.accuracy == nil && trial < other.trial }
        guard let b = other.accuracy?.mean, let m = other.loss?.mean else { return true }
        switch monitor {
        case .validationAccuracy: return (-a, l, trial) < (-b, m, other.trial)
        case .validationLoss: return (l, -a, trial) < (m, -b, other.trial)
        }
    }
}

/// The results of a sweep: every trial, best first, with those trained for more epochs before the others.
package struct SweepRecord: Sendable, Encodable {
    package var name: String
    /// The paths of the keys that vary.
    package var parameters: [String]
    package var monitor: String
    package var seeds: [UInt64]
    package var rows: [SweepRow]

    /// - Parameter rows: in any order.
    package init(
        name: String, parameters: [String], monitor: EarlyStoppingOptions.Monitor, seeds: [UInt64], rows: [SweepRow]
    ) {
        self.name = name
        self.parameters = parameters
        self.monitor = monitor.rawValue
        self.seeds = seeds
        self.rows = rows.sorted { a, b in
            // The number of epochs counts only for trials that did not fail.
            if a.epochs != b.epochs, a.accuracy != nil, b.accuracy != nil { return a.epochs > b.epochs }
            return a.isBetter(than: b, monitor)
        }
    }

    /// The shortest unambiguous endings of the paths, as column headings.
    package var headings: [String] {
        parameters.map { path in
            let parts = path.split(separator: ".")
            for count in 1...max(1, parts.count) {
                let tail = parts.suffix(count).joined(separator: ".")
                if parameters.filter({ $0 == tail || $0.hasSuffix("." + tail) }).count == 1 { return tail }
            }
            return path
        }
    }

    /// `rank,trial,epochs,accuracy,…` and a column for each parameter.
    package var csv: String {
        var csv = CSV(
            header: [
                "rank", "trial", "epochs", "validation_accuracy", "validation_accuracy_sd", "validation_loss",
                "validation_loss_sd", "seconds", "failure",
            ] + parameters)
        for (rank, row) in rows.enumerated() {
            csv.add(rank + 1)
            csv.add(row.trial)
            csv.add(row.epochs)
            csv.add(row.accuracy?.mean)
            csv.add(row.accuracy?.standardDeviation)
            csv.add(row.loss?.mean)
            csv.add(row.loss?.standardDeviation)
            csv.add(row.seconds)
            csv.add(row.failure ?? "")
            for value in row.values { csv.add(value) }
            csv.endLine()
        }
        return csv.text
    }

    /// Returns the best `limit` trials as a table.
    package func table(limit: Int = 20) -> String {
        let header = ["", "trial"] + headings + ["epochs", "valid acc %", "valid loss", "time"]
        let body = rows.prefix(limit).enumerated().map { rank, row -> [String] in
            func figure(_ figure: SeedMean?, _ scale: Double, _ decimals: Int) -> String {
                guard let figure else { return "failed" }
                let deviation = figure.standardDeviation.map { " ± " + Text.fixed(scale * $0, decimals) } ?? ""
                return Text.fixed(scale * figure.mean, decimals) + deviation
            }
            return ["\(rank + 1)", "\(row.trial)"] + row.values
                + ["\(row.epochs)", figure(row.accuracy, 100, 2), figure(row.loss, 1, 4), Text.duration(row.seconds)]
        }
        let all = [header] + body
        let widths = header.indices.map { column in all.map { Text.columns($0[column]) }.max() ?? 0 }
        var lines = all.map { row in
            row.enumerated().map { Text.right($1, widths[$0]) }.joined(separator: "  ")
        }
        if rows.count > limit { lines.append("… and \(rows.count - limit) more, in sweep.csv") }
        return lines.joined(separator: "\n")
    }
}
