import Formats
import Foundation
import Runs
import Tensors

/// GEMM rates as text, at most 100 columns wide.
package enum GEMMTable {
    /// Returns one library's rates, with per cent of the best in the table.
    package static func text(_ record: GEMMRecord) -> String {
        let bestOne = record.rows.map(\.gflopsOne).max() ?? 1
        let bestAll = record.rows.map(\.gflopsAll).max() ?? 1
        func line(_ cells: [String], _ note: String) -> String {
            let widths = [9, 7, 12, 7, 9]
            let figures = zip(cells.dropFirst(2), widths).map { Text.right($0, $1) }.joined()
            let line = Text.left(cells[0], 16) + Text.left(cells[1], 6) + figures + "  "
            return trimmed(line + Text.name(note, limit: 100 - Text.columns(line)))
        }
        var text = "\(title(record))\n\(record.machine.model)\n\n"
        text += line(["M×N×K", "form", "1 thread", "% best", threadsTitle(record.threads), "% best", "error"], "use")
        for row in record.rows {
            text += line(
                [
                    row.shape.extents, row.shape.form, Text.fixed(row.gflopsOne, 1),
                    Text.fixed(100 * row.gflopsOne / bestOne, 1), Text.fixed(row.gflopsAll, 1),
                    Text.fixed(100 * row.gflopsAll / bestAll, 1), scientific(row.largestError),
                ], row.uses.joined(separator: ", "))
        }
        text +=
            "\nGFLOP/s, the median of several timings; each thread with a product of its own. Best: "
            + "\(Text.fixed(bestOne, 1))\n"
            + "on one thread, \(Text.fixed(bestAll, 1)) on \(record.threads). Error: of sampled elements against "
            + "sums in double\nprecision, relative to the largest.\n"
        return text
    }

    /// Returns the rates of several libraries side by side.
    package static func text(_ comparison: GEMMComparison) -> String {
        let letters = comparison.letters
        var text = ""
        for (letter, file) in zip(letters, comparison.files) {
            text += trimmed("\(letter)  \(Text.name("\(title(file.record))  (\(file.path))", limit: 96))")
        }
        let machines = comparison.files.map(\.record.machine.model)
        if Set(machines).count == 1 {
            text += machines[0] + "\n"
        } else {
            text += "Measured on DIFFERENT machines: ratios compare machines as well as libraries\n"
            for (letter, machine) in zip(letters, machines) { text += "\(letter)  \(machine)\n" }
        }
        text += "\nOne thread, GFLOP/s\n" + rates(comparison, \.gflopsOne, withDifference: true)
        if comparison.threads > 1 {
            text +=
                "\n\(threadsTitle(comparison.threads)), GFLOP/s\n"
                + rates(comparison, \.gflopsAll, withDifference: false)
        }
        text +=
            "\nLargest relative difference of results from A's: \(scientific(comparison.largestDifference))"
            + " (\(comparison.differingShape)), relative to\nthe largest sampled element of the shape.\n"
        return text
    }

    private static func rates(
        _ comparison: GEMMComparison, _ rate: KeyPath<GEMMRecord.Row, Double>, withDifference: Bool
    ) -> String {
        /// Returns a line with each file's rate, followed by its ratio for all but the first, and the difference at the
        /// end.
        func line(_ head: String, _ form: String, _ cells: [String]) -> String {
            let figures = cells.enumerated().map { index, cell in
                Text.right(cell, index == 2 * comparison.files.count - 1 ? 8 : index == 0 || index % 2 == 1 ? 7 : 6)
            }
            return trimmed(Text.left(head, 15) + Text.left(form, 5) + figures.joined())
        }
        func number(_ rate: Double) -> String { Text.fixed(rate, rate < 1000 ? 1 : 0) }
        let others = comparison.letters.dropFirst()
        var header = [comparison.letters[0]]
        for letter in others { header += [letter, "\(letter)/A"] }
        if withDifference { header.append("differ") }
        var text = line("M×N×K", "form", header)
        for row in comparison.rows {
            let first = row.files[0][keyPath: rate]
            var cells = [number(first)]
            for other in row.files.dropFirst() {
                let value = other[keyPath: rate]
                cells += [number(value), Text.fixed(value / first, 2)]
            }
            if withDifference { cells.append(scientific(row.largestDifference)) }
            text += line(row.shape.extents, row.shape.form, cells)
        }
        var cells = [""]
        for index in comparison.files.indices.dropFirst() {
            let logarithms = comparison.rows.map {
                log($0.files[index][keyPath: rate] / $0.files[0][keyPath: rate])
            }
            cells += ["", Text.fixed(exp(logarithms.reduce(0, +) / Double(logarithms.count)), 2)]
        }
        return text + line("geometric mean", "", cells)
    }

    private static func title(_ record: GEMMRecord) -> String {
        // OpenBLAS's version text includes its name and is a whole line long; its first two words give the version.
        let words = (record.version ?? "").split(separator: " ").prefix(2).joined(separator: " ")
        return record.backend + (words.isEmpty ? "" : " (\(words))") + (record.core.map { ", core \($0)" } ?? "")
    }

    private static func threadsTitle(_ threads: Int) -> String { "\(threads) thread\(threads == 1 ? "" : "s")" }

    /// Formats a value as `1.2e-07`, or plain 0.
    private static func scientific(_ value: Double) -> String {
        value == 0 ? "0" : String(format: "%.1e", value)
    }

    private static func trimmed(_ line: String) -> String {
        String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }
}
