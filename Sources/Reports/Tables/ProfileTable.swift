import Formats
import Foundation
import NeuralNetwork
import Runs
import Tensors
import Training

/// A profile as text: for a terminal, and as `profile.csv`.
package enum ProfileTable {
    /// Returns a table for a terminal, at most 100 columns wide.
    package static func text(_ record: ProfileRecord) -> String {
        let blas = record.environment.blas
        let core = blas.core.map { ", core \($0)" } ?? ""
        let threads = record.environment.threads
        var text = """
            \(Text.name(record.name, limit: 60)): \(blas.backend)\(core), \(threads) \
            thread\(threads == 1 ? "" : "s"), GEMM peak \(Text.fixed(record.peak.gflops, 0)) GFLOP/s \
            (\(record.peak.shape))

            Training step, batch \(record.trainingRate.batchSize)

            """
        text += table(record.training)
        text += "\nInference, batch \(record.inferenceRate.batchSize)\n" + table(record.inference)
        func rate(_ name: String, _ rate: Double, _ detail: String) -> String {
            Text.left(name, 22) + Text.right(rate < 100 ? Text.fixed(rate, 1) : Text.grouped(Int(rate)), 9)
                + " images/s   " + detail + "\n"
        }
        let training = record.trainingRate, inference = record.inferenceRate, single = record.singleImageRate
        text += "\n"
        text += rate(
            "training, batch \(training.batchSize)", training.imagesPerSecond,
            "\(Text.fixed(training.seconds * 1e3, 2)) ms a step, optimizer included")
        text += rate(
            "inference, batch \(inference.batchSize)", inference.imagesPerSecond,
            "\(Text.fixed(inference.seconds * 1e3, 2)) ms a batch")
        text += rate("inference, batch 1", single.imagesPerSecond, "\(Text.fixed(single.seconds * 1e3, 3)) ms an image")
        text +=
            "Rates without instruments, the median of \(training.blocks) blocks; parts: means over "
            + "\(record.training.runs) steps and \(record.inference.runs) batches.\n"
        return text
    }

    private static func table(_ breakdown: ProfileRecord.Breakdown) -> String {
        let shown = breakdown.layers.filter { $0.bytes > 0 }
        let width = min(24, max(18, shown.map { Text.columns($0.name) }.max() ?? 0))
        func line(_ cells: [String], _ note: String) -> String {
            let widths = [8, 6, 9, 8, 7]
            let figures = zip(cells.dropFirst(2), widths).map { Text.right($0, $1) }.joined()
            let head = Text.left(cells[0], width) + " " + Text.left(cells[1], 3) + figures
            let line = head + "  " + Text.name(note, limit: max(1, 98 - Text.columns(head)))
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }
        var text = line(["layer", "", "ms", "%", "GFLOP/s", "% peak", "MB"], "lowering")
        for row in shown {
            let riders = (row.momentsOf.isEmpty ? [] : ["moments"]) + row.includes
            let note = [row.lowering].filter { !$0.isEmpty } + riders.map { "+ \($0)" }
            text += line(
                [
                    Text.name(row.name, limit: width), row.direction == .forward ? "fwd" : "bwd",
                    Text.fixed(row.milliseconds, 3), Text.fixed(100 * row.share, 1),
                    row.gflops.map { Text.fixed($0, 1) } ?? "", row.percentOfPeak.map { Text.fixed($0, 1) } ?? "",
                    Text.fixed(Double(row.bytes) * 1e-6, 1),
                ], note.joined(separator: " "))
        }
        for other in breakdown.other {
            text += line(
                [
                    other.name, "", Text.fixed(other.milliseconds, 3), Text.fixed(100 * other.share, 1), "", "", "",
                ], "")
        }
        let totals = breakdown.totals
        text += line(
            [
                "accounted for", "", Text.fixed(totals.accounted, 3), Text.fixed(100 * breakdown.accountedFraction, 1),
                "", "", "",
            ],
            "of \(Text.fixed(totals.wall, 3)) ms with instruments")
        return text
    }

    /// Returns one row for each layer and direction of the training step, then of inference, then the other work.
    package static func csv(_ record: ProfileRecord) -> String {
        var csv = CSV(header: [
            "run", "name", "type", "direction", "milliseconds", "share", "gflops", "percent_of_peak", "bytes",
            "lowering", "includes", "moments_of",
        ])
        for (run, breakdown) in [("training", record.training), ("inference", record.inference)] {
            for row in breakdown.layers {
                for field in [run, row.name, row.type, row.direction.rawValue] { csv.add(field) }
                for figure in [row.milliseconds, row.share, row.gflops, row.percentOfPeak] { csv.add(figure) }
                csv.add(row.bytes)
                csv.add(row.lowering)
                for names in [row.includes, row.momentsOf] { csv.add(names.joined(separator: "; ")) }
                csv.endLine()
            }
            for other in breakdown.other {
                for field in [run, other.name, "", ""] { csv.add(field) }
                for figure in [other.milliseconds, other.share, nil, nil] { csv.add(figure) }
                for _ in 0..<4 { csv.add("") }
                csv.endLine()
            }
        }
        return csv.text
    }
}

/// The files of a profile.
package enum ProfileFiles {
    /// Writes `profile.json`, `profile.csv` and `profile.svg` into `folder`, which is created if missing.
    /// - Throws: an `OperationError` with the path and the system's reason.
    package static func write(_ record: ProfileRecord, to folder: URL) throws(OperationError) {
        try RunFolder.createFolders(folder)
        try writeJSON(record, to: folder.appendingPathComponent("profile.json"))
        try AtomicFile.write(ProfileTable.csv(record), to: folder.appendingPathComponent("profile.csv"))
        try AtomicFile.write(ProfileFigure.svg(record), to: folder.appendingPathComponent("profile.svg"))
    }

    /// Writes only the JSON file.
    package static func writeJSON(_ record: ProfileRecord, to url: URL) throws(OperationError) {
        try AtomicFile.write(try JSONText.encode(record, named: url.lastPathComponent), to: url)
    }
}
