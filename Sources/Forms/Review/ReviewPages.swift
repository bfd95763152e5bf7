import Formats
import Foundation
import Tensors

/// Writes the review pages: `review.html`, or `review-1.html` and so on for many fields. Each is a self-contained file
/// that works offline and by keyboard alone.
final class ReviewPages {
    private let folder: FormsFolder
    private let template: FormTemplate
    private let job: String
    private var items: [(priority: Int, order: Int, json: JSONValue)] = []
    private var pictures = JSONObject()
    private var written: [String] = []

    /// The maximum number of items per file.
    private static let mostItems = 1_000

    init(_ folder: FormsFolder, template: FormTemplate, job: String) {
        (self.folder, self.template, self.job) = (folder, template, job)
    }

    func add(
        _ page: PageRecord, _ field: FormField, _ record: FieldRecord?, _ decision: FieldDecision
    ) throws {
        var item: JSONObject = [
            "key": .string(ReviewAnswers.key(page.file, field.name)), "file": .string(page.file),
            "field": .string(field.name), "required": .boolean(field.isRequired),
            "problem": .string(record?.problem ?? page.failure ?? ""),
        ]
        // The reader's guesses are hidden from people who key blind and from whoever decides between two people.
        let isBlind = template.doubleKeying || decision.status == .differs
        item["guesses"] = .array(isBlind ? [] : (record?.values ?? []).map { .string($0.text) })
        switch field.kind {
        case .choice(let choice):
            item["options"] = .array(choice.options.map { .string($0.value) })
            item["most"] = .integer(choice.most)
        case .characters(let options):
            item["least"] = .integer(options.length.lowerBound)
            item["most"] = .integer(options.length.upperBound)
            if options.kind != .text { item["digits"] = .boolean(true) }
            if let date = options.date {
                item["date"] = .array([
                    .string(date.order.rawValue), .string(date.first.text), .string(date.last.text),
                ])
            }
        }
        item["checks"] = .array(field.checks.map(FormTemplate.check.encode))
        if let picture = record?.picture ?? page.picture {
            // A page that was not found is shown for each of its fields but stored once.
            let name = record?.picture == nil ? page.file : ReviewAnswers.key(page.file, field.name)
            pictures[name] = .string(picture.base64EncodedString())
            item["picture"] = .string(name)
            item["whole"] = .boolean(record?.picture == nil)
        }
        items.append((field.priority, items.count, .object(item)))
        if items.count == Self.mostItems { try flush(isLast: false) }
    }

    /// Writes the last file, and deletes obsolete files of an earlier review.
    func finish() throws {
        if !items.isEmpty || written.isEmpty { try flush(isLast: true) }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.url.path)) ?? []
        where name.hasPrefix("review") && name.hasSuffix(".html") && !written.contains(name) {
            try? FileManager.default.removeItem(at: folder.url.appendingPathComponent(name))
        }
    }

    private func flush(isLast: Bool) throws {
        let name = isLast && written.isEmpty ? "review.html" : "review-\(written.count + 1).html"
        let sorted = items.sorted { ($1.priority, $0.order) < ($0.priority, $1.order) }.map(\.json)
        let data: JSONValue = [
            "job": .string(job), "form": .string(template.name), "part": .string(name),
            "items": .array(sorted), "pictures": .object(pictures),
        ]
        guard let place = Bundle.module.url(forResource: "review", withExtension: "html"),
            let page = try? String(contentsOf: place, encoding: .utf8)
        else { throw OperationError("writing \(name)", problem: "the package's resources are absent") }
        // Escapes `<`, so that the data cannot contain `</script>`.
        let text = data.text.replacing("<", with: "\\u003c")
        try AtomicFile.write(
            page.replacing("\"REVIEW-DATA\"", with: text), to: folder.url.appendingPathComponent(name))
        written.append(name)
        items = []
        pictures = JSONObject()
    }
}
