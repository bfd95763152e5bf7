import Formats

/// A short summary of an audit.
package enum AuditSummary {
    static func rows(_ audit: Audit) -> [(name: String, found: String, of: String)] {
        let judged = Text.grouped(audit.judged.count), all = Text.grouped(audit.images.images.count)
        let exact = audit.duplicates.filter(\.isExact), near = audit.duplicates.filter { !$0.isExact }
        return [
            ("labels that look wrong", Text.grouped(audit.labels.findings.count), judged),
            ("doubtful besides", Text.grouped(audit.labels.doubtful.count), judged),
            ("wrong labels, estimated", Text.percent(audit.labels.joint.noiseShare), judged),
            ("groups with the same bytes", Text.grouped(exact.count), all),
            ("groups of near copies", Text.grouped(near.count), all),
            ("groups in two parts", Text.grouped(audit.duplicates.filter(\.isLeak).count), all),
            ("groups with different labels", Text.grouped(audit.duplicates.filter(\.hasConflict).count), all),
            ("strangers", Text.grouped(audit.strangers.filter(\.isFar).count), judged),
            ("parts read worse (p < 5 %)", "\(audit.slices.filter { $0.p < 0.05 }.count)", "\(audit.slices.count)"),
        ]
    }

    /// Returns a table for the console.
    package static func text(_ audit: Audit) -> String {
        let rows = [("", "found", "of")] + rows(audit).map { ($0.name, $0.found, $0.of) }
        let widths = [rows.map { Text.columns($0.0) }.max() ?? 0, 9, 9]
        var lines = rows.map { Text.left($0.0, widths[0]) + Text.right($0.1, widths[1]) + Text.right($0.2, widths[2]) }
        if let worst = audit.slices.first, worst.p < 0.05 {
            lines.append(
                "Read worst: \(worst.name), \(Text.percent(worst.accuracy)) of \(Text.grouped(worst.count)) (all: "
                    + "\(Text.percent(audit.accuracy)))")
        }
        if let drift = audit.drift { lines.append(sentence(drift)) }
        return lines.joined(separator: "\n")
    }

    static func sentence(_ drift: Audit.Drift) -> String {
        guard let test = drift.test else {
            return "\(drift.first) and \(drift.second): too few images to compare (20 of each are needed)."
        }
        let range = "\(Text.hundredths(test.interval.lower, 1)) to \(Text.percent(test.interval.upper, 1))"
        let judgement =
            test.p >= 0.01
            ? "nothing tells them apart"
            : test.accuracy < 0.6
                ? "they differ, but little"
                : test.accuracy < 0.8 ? "they differ clearly" : "they are of different kinds"
        let worst = drift.measures.filter { $0.p < 0.01 }.max { $0.statistic < $1.statistic }
        return
            "\(drift.first) and \(drift.second): a classifier told which was which for \(Text.percent(test.accuracy, 1)) of "
            + "\(Text.grouped(test.tested)) images (\(range); 50 % is chance, p \(p(test.p))): \(judgement)"
            + (worst.map { "; most in \($0.measure.rawValue)" } ?? "") + "."
    }

    static func p(_ value: Double) -> String {
        value < 1e-4 ? "< 0.0001" : Text.fixed(value, 4)
    }
}
