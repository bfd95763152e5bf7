import Formats
import Foundation
import Tensors

/// The result tables of a job, derived from its pages and the keyed answers: `forms.csv`, `forms.json`, `audit.csv`,
/// `exceptions.csv`, `summary.json`, and `review.html` with the fields left to review.
package struct ResultTables {
    private let folder: FormsFolder
    package let job: FormsJob
    let template: FormTemplate
    private let answers: [ReviewAnswers]

    package struct Counts: Hashable, Sendable {
        package var pages = 0
        package var pagesNotFound = 0
        package var pagesBlank = 0
        package var forms = 0
        /// The number of forms of which pages are missing.
        package var formsIncomplete = 0
        package var fields = 0
        package var byStatus: [FieldDecision.Status: Int] = [:]

        package func count(_ status: FieldDecision.Status) -> Int { byStatus[status] ?? 0 }
        /// The number of fields that await a person.
        package var open: Int { count(.review) + count(.differs) }
    }

    package init(_ folder: FormsFolder) throws {
        self.folder = folder
        (job, template) = try folder.load()
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.answers.path)) ?? [])
            .filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
        var answers: [ReviewAnswers] = []
        for name in names { answers.append(try .read(folder.answers.appendingPathComponent(name).path)) }
        self.answers = answers
    }

    /// Writes all tables, each atomically, with one page in memory at a time.
    package func write() throws -> Counts {
        func file(_ name: String) throws(OperationError) -> AtomicFile.Pieces {
            try AtomicFile.Pieces(folder.url.appendingPathComponent(name))
        }
        let (forms, list) = (try file("forms.csv"), try file("forms.json"))
        let (audit, exceptions) = (try file("audit.csv"), try file("exceptions.csv"))
        let review = ReviewPages(folder, template: template, job: try job.digest)
        var counts = Counts()
        var formTable = CSV(header: ["form", "status", "open"] + template.fields.map(\.name))
        var auditTable = CSV(
            header: [
                "file", "field", "value", "status", "by", "probability", "read", "unchecked", "problem", "template",
                "model",
            ])
        var exceptionTable = CSV(header: ["file", "problem"])
        var assembly = FormAssembly(template)
        func finish(_ form: FormAssembly.Form) throws {
            counts.forms += 1
            try add(form, &counts, &formTable, list, &exceptionTable)
        }
        try list.append("[")
        try folder.forEachPage { page in
            counts.pages += 1
            if let failure = page.failure {
                if page.isBlank { counts.pagesBlank += 1 } else { counts.pagesNotFound += 1 }
                except(page.file, failure, &exceptionTable)
            }
            for (field, record) in fields(of: page) {
                let decision = decision(page, field, record)
                counts.fields += 1
                counts.byStatus[decision.status, default: 0] += 1
                appendAudit(page, field, record, decision, &auditTable)
                if [.review, .differs].contains(decision.status) {
                    try review.add(page, field, record, decision)
                }
            }
            if let form = assembly.add(page) { try finish(form) }
            try audit.append(auditTable.take())
            try forms.append(formTable.take())
            try exceptions.append(exceptionTable.take())
        }
        if let form = assembly.end() { try finish(form) }
        for other in try folder.passedOver() { except(other.file, other.problem, &exceptionTable) }
        try forms.append(formTable.take())
        try exceptions.append(exceptionTable.take())
        try list.append("\n]\n")
        for file in [forms, list, audit, exceptions] { try file.commit() }
        try review.finish()
        try AtomicFile.write(summary(counts).prettyText, to: folder.url.appendingPathComponent("summary.json"))
        return counts
    }

    /// Returns what the numbers of fields do not show, in sentences.
    package func remarks(_ counts: Counts) -> [String] {
        var remarks: [String] = []
        if counts.pagesBlank > 0 {
            remarks.append("Blank pictures, skipped: \(Text.grouped(counts.pagesBlank)) (exceptions.csv).")
        }
        guard template.pages.count > 1, counts.forms > 0 else { return remarks }
        if counts.formsIncomplete > 0 {
            let share = "\(Text.grouped(counts.formsIncomplete)) of \(Text.grouped(counts.forms))"
            remarks.append("Incomplete forms, with pages missing: \(share) (exceptions.csv).")
        }
        remarks.append("The pages of a form were joined by their order alone: nothing on them links them.")
        return remarks
    }

    private func except(_ file: String, _ problem: String, _ table: inout CSV) {
        table.add(file)
        table.add(problem)
        table.endLine()
    }

    /// Returns the template's fields on a page; for an unrecognised sheet of a one-page form, all fields.
    private func fields(of page: PageRecord) -> [(FormField, FieldRecord?)] {
        guard let number = page.page else {
            return template.pages.count == 1 && !page.isBlank ? template.fields.map { ($0, nil) } : []
        }
        return template.pages[min(number, template.pages.count - 1)].fields.map { field in
            (field, page.fields.first { $0.name == field.name })
        }
    }

    private func decision(_ page: PageRecord, _ field: FormField, _ record: FieldRecord?) -> FieldDecision {
        let key = ReviewAnswers.key(page.file, field.name)
        return FieldDecision(
            record,
            answers: answers.compactMap { sheet in sheet.answers[key].map { (sheet.person, $0) } },
            needed: template.doubleKeying ? 2 : 1)
    }

    /// Returns the value that people keyed in a field; nil if there is none that they agree on.
    func keyed(_ page: PageRecord, _ field: FormField, _ record: FieldRecord) -> String? {
        let decision = decision(page, field, record)
        return decision.status == .keyed ? decision.value : nil
    }

    private func appendAudit(
        _ page: PageRecord, _ field: FormField, _ record: FieldRecord?, _ decision: FieldDecision, _ table: inout CSV
    ) {
        let best = record?.values.first
        table.add(page.file)
        table.add(field.name)
        table.add(decision.value ?? "")
        table.add(decision.isAsWritten ? "keyed as written" : decision.status.rawValue)
        table.add(decision.by)
        table.add(best?.probability)
        table.add(best?.text ?? "")
        table.add(record?.unchecked ?? "")
        table.add(record?.problem ?? page.failure ?? "")
        table.add(String(job.template.prefix(16)))
        table.add(String(job.model.prefix(16)))
        table.endLine()
    }

    private func add(
        _ form: FormAssembly.Form, _ counts: inout Counts, _ table: inout CSV, _ list: AtomicFile.Pieces,
        _ exceptions: inout CSV
    ) throws {
        let name = form.files.first ?? ""
        if form.pages.contains(where: { $0 == nil }) { counts.formsIncomplete += 1 }
        var open = 0
        var values: [String] = [], json = JSONObject()
        for (number, page) in template.pages.enumerated() {
            guard let record = form.pages[number] else {
                except(name, "page \(number + 1) is missing", &exceptions)
                open += page.fields.count
                values += page.fields.map { _ in "" }
                for field in page.fields { json[field.name] = ["value": .null, "status": "missing"] }
                continue
            }
            for (field, fieldRecord) in fields(of: record) {
                let decision = decision(record, field, fieldRecord)
                if [.review, .differs].contains(decision.status) { open += 1 }
                values.append(decision.value ?? "")
                json[field.name] = [
                    "value": decision.value.map { .string($0) } ?? .null, "status": .string(decision.status.rawValue),
                    "by": .string(decision.by),
                    "probability": fieldRecord?.values.first.map { .number($0.probability) } ?? .null,
                ]
            }
        }
        table.add(name)
        table.add(open == 0 ? "done" : "open")
        table.add(open)
        // Values are written as text, with leading zeros; a spreadsheet that parses them as numbers drops these.
        for value in values { table.add(value) }
        table.endLine()
        let entry: JSONValue = [
            "form": .string(name), "files": .array(form.files.map { .string($0) }), "open": .integer(open),
            "fields": .object(json),
        ]
        try list.append((counts.forms > 1 ? ",\n" : "\n") + entry.text)
    }

    private func summary(_ counts: Counts) -> JSONValue {
        [
            "template": .string(job.template), "model": .string(job.model),
            "calibration": job.calibration.map { .string($0) } ?? .null,
            "threshold": job.rule.json,
            "pages": .integer(counts.pages), "pagesNotFound": .integer(counts.pagesNotFound),
            "pagesBlank": .integer(counts.pagesBlank), "forms": .integer(counts.forms),
            "formsIncomplete": .integer(counts.formsIncomplete), "fields": .integer(counts.fields),
            "accepted": .integer(counts.count(.accepted)), "keyed": .integer(counts.count(.keyed)),
            "unreadable": .integer(counts.count(.unreadable)), "review": .integer(counts.count(.review)),
            "differs": .integer(counts.count(.differs)),
        ]
    }
}
