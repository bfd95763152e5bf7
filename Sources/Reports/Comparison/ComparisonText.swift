import Evaluation
import Formats
import Plots
import Tensors

/// A comparison for a terminal, at most 80 columns wide, without colours.
package enum ComparisonText {
    private static let width = 80

    package static func text(_ comparison: RunComparison) -> String {
        [runs(comparison), figures(comparison), tests(comparison), robustness(comparison), settings(comparison)]
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func runs(_ comparison: RunComparison) -> String {
        var text = ""
        for (i, run) in comparison.runs.enumerated() {
            text += "\(RunComparison.letter(i))  \(shortened(run.path, to: width - 3))\n"
            var facts = [
                "\(Text.name(run.metrics.dataset, limit: 20)) (\(run.metrics.dataSource.rawValue))",
                "\(Text.grouped(run.predictions.count)) test images",
                "\(Text.grouped(run.metrics.parameters)) parameters",
            ]
            if let epochs = run.metrics.epochs { facts.append("\(epochs) epochs") }
            if let seconds = run.metrics.trainingSeconds, seconds.isFinite {
                facts.append("\(Text.fixed(seconds, 1)) s")
            }
            text += wrapped(facts.joined(separator: " · "), indent: 3)
        }
        return text
    }

    private static func figures(_ comparison: RunComparison) -> String {
        var text = ""
        for figure in RunComparison.Figure.allCases {
            let values = comparison.runs.indices.map { comparison.figure(figure, of: $0) }
            let known = values.compactMap { $0?.value }.filter(\.isFinite)
            guard let best = figure.isLoss ? known.min() : known.max() else { continue }
            var title = figure.title
            for (i, entry) in values.enumerated() {
                guard let entry else { continue }
                let percent = figure == .accuracy || figure == .robustness
                func number(_ value: Double) -> String {
                    percent ? Text.hundredths(value) : Text.fixed(value, 4)
                }
                text += Text.left(title, 20) + RunComparison.letter(i) + Text.right(number(entry.value), 9)
                text += percent ? " %" : "  "
                text += entry.value == best && known.count > 1 ? " *" : "  "
                if let interval = entry.interval {
                    text += "  95 % interval \(number(interval.lower)) to \(number(interval.upper))"
                }
                if figure == .robustness { text += "  mean area under corruption" }
                while text.hasSuffix(" ") { text.removeLast() }
                text += "\n"
                title = ""
            }
        }
        return text
    }

    private static func tests(_ comparison: RunComparison) -> String {
        var text = ""
        var refused: [String] = []
        for pair in comparison.pairs {
            let name = "\(RunComparison.letter(pair.first)), \(RunComparison.letter(pair.second))"
            switch pair.outcome {
            case .differentSamples(let reason): refused.append(wrapped("\(name): not tested, \(reason)", indent: 0))
            case .tested(let test, let adjusted):
                text += Text.left(name, 6) + Text.right(Text.grouped(test.onlyFirst), 11)
                text += Text.right(Text.grouped(test.onlySecond), 12)
                text += Text.right(signed(test.difference), 10)
                text += Text.right("\(signed(test.interval.lower)) to \(signed(test.interval.upper))", 17)
                text += Text.right(p(test.pValue), 9) + (comparison.pairs.count > 1 ? Text.right(p(adjusted), 9) : "")
                text += test.method == .exact ? "" : " χ²"
                text += "\n"
            }
        }
        if !text.isEmpty {
            var head = Text.left("pair", 6) + Text.right("only first", 11) + Text.right("only second", 12)
            head += Text.right("gain, %", 10) + Text.right("95 % interval", 17) + Text.right("p", 9)
            if comparison.pairs.count > 1 { head += Text.right("p (Holm)", 9) }
            text = "McNemar's test: images that only one of two gets right\n" + head + "\n" + text
        }
        return text + refused.joined()
    }

    private static func robustness(_ comparison: RunComparison) -> String {
        let records = comparison.runs.map(\.robustness)
        let kinds = records.compactMap { $0 }.first?.curves.map(\.corruption) ?? []
        guard records.compactMap({ $0 }).count >= 2 else { return "" }
        // Six runs fit beside the names.
        let shown = records.indices.filter { records[$0] != nil }.prefix(6)
        var text = "Mean accuracy over the strengths of a corruption, %\n" + Text.left("", 20)
        text += shown.map { Text.right(RunComparison.letter($0), 9) }.joined() + "\n"
        for kind in kinds {
            text += Text.left(kind, 20)
            for i in shown {
                let curve = records[i]?.curves.first { $0.corruption == kind }
                text += Text.right(curve.map { Text.hundredths($0.area) } ?? "–", 9)
            }
            text += "\n"
        }
        return text
    }

    private static func settings(_ comparison: RunComparison) -> String {
        if comparison.settings.isEmpty { return "The configurations are the same.\n" }
        var text = "Keys that differ\n"
        for setting in comparison.settings {
            var groups: [(value: String?, runs: [String])] = []
            for (i, value) in setting.values.enumerated() {
                let letter = RunComparison.letter(i)
                if let known = groups.firstIndex(where: { $0.value == value }) {
                    groups[known].runs.append(letter)
                } else {
                    groups.append((value, [letter]))
                }
            }
            let values = groups.map { group in
                "\(group.runs.joined(separator: ",")) \(group.value.map { Text.name($0, limit: 48) } ?? "–")"
            }
            text += wrapped("\(Text.name(setting.path, limit: 60)): \(values.joined(separator: " · "))", indent: 2)
        }
        return text
    }

    /// Formats a share as a difference in per cent.
    private static func signed(_ share: Double) -> String {
        (share < 0 ? "−" : "+") + Text.fixed(abs(100 * share), 2)
    }

    private static func p(_ value: Double) -> String { value < 0.0001 ? "<0.0001" : Text.fixed(value, 4) }

    /// Returns the end of a path that is too long, since the folder's own name is there.
    private static func shortened(_ path: String, to limit: Int) -> String {
        let clean = Text.name(path, limit: 4096)
        if Text.columns(clean) <= limit { return clean }
        var tail = clean
        while Text.columns(tail) > limit - 1 { tail.removeFirst() }
        return "…" + tail
    }

    /// Wraps text at 80 columns. Continuation lines are indented like the first, except by two columns if `indent` is 0
    /// and by four if it is 2.
    private static func wrapped(_ text: String, indent: Int) -> String {
        var lines: [String] = []
        var line = String(repeating: " ", count: indent)
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty && Text.columns(line) + 1 + Text.columns(String(word)) > width {
                lines.append(line)
                line = String(repeating: " ", count: max(indent, 2) + (indent == 2 ? 2 : 0))
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return (lines + [line]).joined(separator: "\n") + "\n"
    }
}
