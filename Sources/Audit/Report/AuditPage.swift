import Datasets
import Formats
import Foundation
import Mustache
import Reports
import Tensors

/// The content of the template of ``Audit``: finished text, except for escaping.
struct AuditPage {
    struct Row {
        var name: String
        var found: String
        var of: String
    }

    struct Picture {
        var png: String
        var alt: String
        var line1: String
        var line2: String
        var line3: String
    }

    struct NoiseRow {
        struct Cell {
            var text: String
            var off: Bool
        }
        var name: String
        var cells: [Cell]
    }

    struct Group {
        var text: String
        var members: [Picture]
    }

    struct SliceRow {
        var name: String
        var count: String
        var errors: String
        var accuracy: String
        var interval: String
        var p: String
    }

    struct DriftTable {
        struct Row {
            var name: String
            var first: String
            var second: String
            var distance: String
            var p: String
        }
        var title: String
        var note: String
        var first: String
        var second: String
        var rows: [Row]
    }

    /// The maximum number of pictures of a kind on the page; the tables contain all.
    private static let most = 120
    private static let mostGroups = 60

    var title: String
    var lead: String
    var notes: [String]
    var hasNotes: Bool
    var summary: [Row]
    var labelsNote: String
    var labels: [Picture]
    var classes: [String]
    var noise: [NoiseRow]
    var duplicatesNote: String
    var groups: [Group]
    var strangersNote: String
    var strangers: [Picture]
    var slicesNote: String
    var slices: [SliceRow]
    var drift: DriftTable?

    init(_ audit: Audit, title: String, lead: String, notes: [String]) throws(OperationError) {
        (self.title, self.lead, self.notes, hasNotes) = (title, lead, notes, !notes.isEmpty)
        let images = audit.images.images, names = images.classNames
        func picture(_ index: Int, _ line2: String, _ line3: String) throws(OperationError) -> Picture {
            let place = audit.images.place(index)
            let line1 = "\(place.part) \(place.index)"
            return Picture(
                png: try images.png(index).base64EncodedString(), alt: "Image \(line1): \(line2)", line1: line1,
                line2: line2, line3: line3)
        }
        summary = AuditSummary.rows(audit).map { Row(name: $0.name, found: $0.found, of: $0.of) }
        classes = names
        let findings = audit.labels.findings, ranked = audit.labels.ranked
        labelsNote =
            ranked.isEmpty
            ? "None: every image is read as it is labelled."
            : "\(Text.grouped(findings.count)) labels look wrong, and \(Text.grouped(audit.labels.doubtful.count)) more are doubtful. Under "
                + "each the label given, and what the networks read. The least believed label first"
                + (ranked.count > Self.most ? "; \(Self.most) are shown, labels.csv has all." : ".")
        var shown: [Picture] = []
        for (finding, isIssue) in ranked.prefix(Self.most) {
            shown.append(
                try picture(
                    finding.index, "\(names[finding.label]) → \(names[finding.suggestion])",
                    Text.percent(finding.suggestionProbability, 1) + (isIssue ? "" : ", doubtful")))
        }
        labels = shown
        noise = zip(names, audit.labels.joint.joint).enumerated().map { i, row in
            NoiseRow(
                name: row.0,
                cells: row.1.enumerated().map { j, share in
                    .init(text: Text.fixed(share * 10_000, share == 0 ? 0 : 1), off: i != j && share > 0)
                })
        }
        let leaks = audit.duplicates.filter(\.isLeak).count, conflicts = audit.duplicates.filter(\.hasConflict).count
        duplicatesNote =
            audit.duplicates.isEmpty
            ? "None."
            : "\(Text.grouped(audit.duplicates.count)) groups; \(leaks) of them reach from one part into another, so that what "
                + "is tested was learned from; \(conflicts) have images of different labels. Those first."
        var groups: [Group] = []
        let order = audit.duplicates.sorted {
            ($0.hasConflict ? 0 : 1, $0.isLeak ? 0 : 1, $0.residual, $0.members[0])
                < ($1.hasConflict ? 0 : 1, $1.isLeak ? 0 : 1, $1.residual, $1.members[0])
        }
        for group in order.prefix(Self.mostGroups) {
            var members: [Picture] = []
            for member in group.members.prefix(12) {
                members.append(try picture(member, "label \(names[Int(images.labels[member])])", ""))
            }
            groups.append(
                Group(
                    text: (group.isExact ? "the same bytes" : "all but \(Text.percent(group.residual, 1)) the same")
                        + (group.isLeak ? ", in two parts" : "") + (group.hasConflict ? ", labels differ" : ""),
                    members: members))
        }
        self.groups = groups
        let far = audit.strangers.filter(\.isFar).count
        strangersNote =
            audit.strangers.isEmpty
            ? "No detector: the network has no features, or too few images were held out."
            : "The images that are least like the others, the strangest first: 0 is the median of known images, 1 their 95th percentile. "
                + (far == 0 ? "None is far from all of them" : "\(Text.grouped(far)) are far from all of them")
                + " (above \(Text.fixed(Audit.strangeFrom, 0)))."
        var strange: [Picture] = []
        for stranger in audit.strangers.prefix(Self.most) {
            strange.append(
                try picture(
                    stranger.index, "label \(names[Int(images.labels[stranger.index])])",
                    Text.fixed(stranger.score, 1) + (stranger.isFar ? ", far" : "")))
        }
        strangers = strange
        slicesNote =
            "Of \(Text.grouped(audit.judged.count)) images \(Text.percent(audit.accuracy)) are read as labelled. Parts of at least "
            + "\(SliceFinder.fewest) images, those first that are most surely read worse: p holds for all parts together (Holm)."
        slices = audit.slices.prefix(40).map { slice in
            SliceRow(
                name: slice.name, count: Text.grouped(slice.count), errors: "\(slice.errors)",
                accuracy: Text.percent(slice.accuracy),
                interval: "\(Text.hundredths(slice.interval.lower)) to \(Text.percent(slice.interval.upper))",
                p: AuditSummary.p(slice.p))
        }
        drift = audit.drift.map { DriftTable($0, names: names) }
    }
}

extension AuditPage.DriftTable {
    init(_ drift: Audit.Drift, names: [String]) {
        title = "\(drift.first) against \(drift.second)"
        note = AuditSummary.sentence(drift)
        (first, second) = (drift.first, drift.second)
        func row(_ name: String, _ values: [String], _ distance: String = "", _ p: String = "") -> Row {
            Row(name: name, first: values[0], second: values[1], distance: distance, p: p)
        }
        rows = [row("images", drift.counts.map(Text.grouped))]
        rows += drift.measures.map { measure in
            row(
                "\(measure.measure.rawValue), median", measure.medians.map { Text.fixed($0, 2) },
                Text.fixed(measure.statistic, 3), AuditSummary.p(measure.p))
        }
        rows += [
            row("read as labelled", drift.accuracy.map { Text.percent($0) }),
            row("mean confidence", drift.confidence.map { Text.percent($0) }),
            row("calibration error", drift.calibrationError.map { Text.percent($0) }),
            row("shares of the classes", ["", ""], "", AuditSummary.p(drift.classP)),
        ]
        rows += names.enumerated().prefix(62).map { k, name in
            row("class \(name)", drift.classShares.map { Text.percent($0[k]) })
        }
    }
}

extension Audit {
    /// Returns `audit.html`.
    /// - Throws: an `OperationError` if a picture cannot be encoded or the package's template is missing.
    package func page(title: String, lead: String, notes: [String]) throws -> String {
        let page = try AuditPage(self, title: title, lead: lead, notes: notes)
        guard let url = Bundle.module.url(forResource: "audit", withExtension: "mustache") else {
            throw OperationError("audit.mustache", problem: "the program's resources are not beside it")
        }
        return try MustacheTemplate(string: String(contentsOf: url, encoding: .utf8)).render(page)
    }

    /// Writes the page, `audit.json` and the tables into `folder`, which must exist.
    package func write(to folder: URL, title: String, lead: String, notes: [String]) throws {
        let files = [
            ("labels.csv", try labelsTable()), ("noise.csv", noiseTable), ("duplicates.csv", duplicatesTable),
            ("strangers.csv", strangersTable), ("slices.csv", slicesTable), ("audit.json", json.text + "\n"),
            ("audit.html", try page(title: title, lead: lead, notes: notes)),
        ]
        for (name, text) in files { try AtomicFile.write(text, to: folder.appendingPathComponent(name)) }
    }
}
