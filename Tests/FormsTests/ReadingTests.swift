import Experiments
import Formats
import Foundation
import Pictures
import Recognition
import Tensors
import TestSupport
import Testing
import Workers

@testable import Forms

/// Forms filled in with digits of the sample and read by the networks in the box.
@Suite struct ReadingTests {
    static func reader(_ template: FormTemplate) throws -> FormReader {
        try FormReader(
            template, reader: DigitReader(BoxModel.load(), lines: BoxModel.loadLines(), pool: WorkerPool(threads: 1)))
    }

    static let truth = [
        "number": "401638", "day": "310108", "a": "417", "b": "085", "total": "0502", "written": "5902", "answer": "no",
    ]

    static func filled(_ template: FormTemplate, _ values: [String: String] = truth, next: Int = 0) throws -> DrawnForm
    {
        var form = DrawnForm(template)
        form.next = next
        for (name, text) in values.sorted(by: { $0.key < $1.key }) { try form.write(text, in: name) }
        return form
    }

    @Test func formsAreReadHoweverTheyLie() throws {
        let template = try DrawnForm.template()
        let reader = try Self.reader(template)
        var right = 0, surelyWrong = 0, all = 0
        for (number, degrees) in [0.0, 5, -8, 181, 3, -2].enumerated() {
            let scan = DrawnForm.scan(Point(900, 1200), degrees: degrees, pull: 6, seed: UInt32(number))
            let picture = try Self.filled(template, next: 60 * number).picture(
                scan.map, width: scan.width, height: scan.height)
            let page = reader.read(picture)
            #expect(page.fields.count == 7, "\(page.failure ?? "")")
            for field in page.fields {
                all += 1
                let isRight = field.best?.text == Self.truth[field.name]
                if isRight { right += 1 }
                if !isRight, field.problem == nil, field.best?.probability ?? 0 > 0.99 { surelyWrong += 1 }
            }
        }
        #expect(right >= all - 3, "\(right) of \(all)")
        #expect(surelyWrong == 0)
    }

    @Test func whatStandsEmptyIsSaid() throws {
        let template = try DrawnForm.template(
            DrawnForm.json.replacing(#""name": "b","#, with: #""name": "b", "required": false,"#))
        let reader = try Self.reader(template)
        let scan = DrawnForm.scan(Point(900, 1200), degrees: 2, seed: 1)
        let page = reader.read(
            try Self.filled(template, ["number": "401638"]).picture(scan.map, width: scan.width, height: scan.height))
        func field(_ name: String) -> FieldReading? { page.fields.first { $0.name == name } }
        #expect(field("number")?.best?.text == "401638")
        #expect(field("a")?.best?.text == "" && field("a")?.problem == "empty")
        #expect(field("b")?.best?.text == "" && field("b")?.problem == nil)
        #expect(field("answer")?.best?.text == "" && field("answer")?.problem == "empty")
        #expect(field("written")?.problem == "empty")
    }

    /// A stroke across a field, and two boxes ticked where one may be: a person looks at them.
    @Test func whatIsDisturbedGoesToAPerson() throws {
        let template = try DrawnForm.template()
        let reader = try Self.reader(template)
        var form = try Self.filled(template)
        for i in 0..<420 { form.sheet.fill(x: 60 + i, y: 140 + i / 5, width: 4, height: 4, 0.9) }
        try form.write("yes", in: "answer")
        let scan = DrawnForm.scan(Point(900, 1200), degrees: 1, seed: 1)
        let page = reader.read(form.picture(scan.map, width: scan.width, height: scan.height))
        func field(_ name: String) -> FieldReading? { page.fields.first { $0.name == name } }
        #expect(field("number")?.problem != nil)
        #expect(field("answer")?.best?.probability ?? 1 < 0.5)
        #expect(field("total")?.best?.text == "0502" && field("total")?.problem == nil)
    }

    @Test func aFieldOutsideOfThePictureIsNotRead() throws {
        let template = try DrawnForm.template()
        let reader = try Self.reader(template)
        let form = try Self.filled(template)
        // The left tenth is cut: where the rows of boxes begin.
        let map = Homography([SIMD3(1, 0, -110), SIMD3(0, 1, 0), SIMD3(0, 0, 1)])
        let page = reader.read(form.picture(map, width: 790, height: 1200))
        try #require(page.failure == nil)
        for field in page.fields where ["number", "a", "b", "total", "written"].contains(field.name) {
            #expect(field.problem == "it lies outside of the picture", "\(field.name): \(field.problem ?? "none")")
        }
        #expect(page.fields.contains { $0.name == "day" && $0.best?.text == "310108" })
    }

    /// Blank paper is told from a page that is not found, and both are kept with the results.
    @Test func aBlankPageIsToldFromOneThatIsNotFound() throws {
        let reader = try Self.reader(try DrawnForm.template())
        var sheet = Sheet(width: 900, height: 1200)
        func record() throws -> PageRecord {
            let image = sheet.image(paper: 235, pen: 40, slope: 0.2)
            let record = try PageRecord(file: "a", reader.read(image), rule: .nothing, image: image)
            #expect(try PageRecord(record.json, place: "p").json == record.json)
            return try PageRecord(record.json, place: "p")
        }
        let blank = try record()
        #expect(blank.isBlank && blank.page == nil && blank.failure == "the page is blank" && blank.picture == nil)
        sheet.put(try SampleDigits.digit(0).pixels, x: 400, y: 700, zoom: 1)
        let written = try record()
        #expect(!written.isBlank && written.page == nil && written.picture != nil)
    }

    /// The same scan in two files, keyed in both: its characters are learnt from once.
    @Test func copiesAreLearntFromOnce() throws {
        let template = try DrawnForm.template(), place = try TemporaryFolder()
        defer { withExtendedLifetime(place) {} }
        let reader = try DigitReader(BoxModel.load(), lines: BoxModel.loadLines(), pool: WorkerPool(threads: 1))
        let forms = try FormReader(template, reader: reader)
        func records(_ files: [String], next: Int) throws -> [PageRecord] {
            let scan = DrawnForm.scan(Point(900, 1200), degrees: 2, seed: 1)
            let image = try Self.filled(template, next: next).picture(scan.map, width: scan.width, height: scan.height)
            let page = forms.read(image)
            return try files.map { try PageRecord(file: $0, page, rule: .nothing, image: image) }
        }
        let files = ["a.png", "b.png", "c.png"]
        let job = FormsJob(template: "t", model: "m", calibration: nil, rule: .nothing, files: files)
        let folder = FormsFolder(place.path + "/out")
        #expect(try folder.begin(job, template: template) == 0)
        try folder.append(try records(["a.png", "b.png"], next: 0) + records(["c.png"], next: 60))
        let keyed = ReviewAnswers(
            person: "anna", job: try job.digest,
            answers: Dictionary(
                uniqueKeysWithValues: files.map { file in
                    (
                        ReviewAnswers.key(file, "number"),
                        ReviewAnswers.Answer(value: "401638", isAsWritten: false)
                    )
                }))
        try AtomicFile.write(keyed.json.prettyText, to: folder.answers.appendingPathComponent("anna.json"))
        var corrections = CorrectedCharacters()
        try corrections.add(folder, reader: reader)
        #expect(corrections.forms.map(\.file) == ["a.png", "c.png"])
        #expect(corrections.fields == 2 && corrections.copies == 1 && corrections.count == 12)
        // The folder once more adds nothing.
        try corrections.add(folder, reader: reader)
        #expect(corrections.fields == 2 && corrections.copies == 4 && corrections.count == 12)
    }

    @Test func anAlphabetThatTheNetworkDoesNotKnowIsRefused() throws {
        let text = DrawnForm.json.replacing(
            #""type": "digits", "box": [80, 620, 340, 80]"#,
            with: #""type": "text", "characters": "AB1", "box": [80, 620, 340, 80]"#)
        let template = try DrawnForm.template(text)
        #expect(
            inputError { _ = try Self.reader(template) }.contains(
                "field written: expected characters that the network reads (0123456789) · received A"))
    }
}
