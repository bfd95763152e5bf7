import Formats
import Foundation
import Numeral
import Pictures
import Tensors
import TestSupport
import Testing

@testable import Forms

@Suite struct ResultTests {
    private static func record(_ file: String, accepted: Set<String>, _ template: FormTemplate) -> PageRecord {
        var record = PageRecord(file: file, error: "")
        (record.page, record.failure, record.agreement) = (0, nil, 0.97)
        record.fields = template.pages[0].fields.map { field in
            FieldRecord(
                name: field.name,
                values: [FieldValue(text: "12", probability: 0.99), FieldValue(text: "17", probability: 0.005)],
                unchecked: "12",
                problem: accepted.contains(field.name) ? nil : "there is ink",
                isAccepted: accepted.contains(field.name),
                picture: accepted.contains(field.name) ? nil : Data([1, 2, 3]))
        }
        return record
    }

    private static let text = """
        {"name": "t", "doubleKeying": DOUBLE, "pages": [{"width": 900, "height": 1200, "fields": [
          {"name": "x", "type": "boxes", "box": [200, 260, 120, 60], "cells": 2, "checks": [{"type": "range", "from": 10, "to": 20}]},
          {"name": "y", "type": "boxes", "priority": 5, "box": [200, 460, 120, 60], "cells": 2}]}]}
        """

    private static func folder(double: Bool = false) throws -> (TemporaryFolder, FormsFolder, FormsJob, FormTemplate) {
        let place = try TemporaryFolder()
        let template = try DrawnForm.template(text.replacing("DOUBLE", with: double ? "true" : "false"))
        let job = FormsJob(
            template: "t", model: "m", calibration: nil, rule: .all(from: 0.9), files: ["a.png", "b.png", "c.png"])
        let folder = FormsFolder(place.path + "/out")
        #expect(try folder.begin(job, template: template) == 0)
        try folder.append([
            record("a.png", accepted: ["x", "y"], template), record("b.png", accepted: ["y"], template),
            PageRecord(file: "c.png", error: "no form"),
        ])
        return (place, folder, job, template)
    }

    private static func text(_ folder: FormsFolder, _ name: String) throws -> String {
        try String(contentsOf: folder.url.appendingPathComponent(name), encoding: .utf8)
    }

    private static func answers(
        _ person: String, _ job: FormsJob, _ values: [String: String?]
    ) throws -> ReviewAnswers {
        ReviewAnswers(
            person: person, job: try job.digest, answers: values.mapValues { .init(value: $0, isAsWritten: false) })
    }

    @Test func pagesComeBackFromTheirLines() throws {
        let (place, folder, _, template) = try Self.folder()
        defer { withExtendedLifetime(place) {} }
        var files: [String] = []
        try folder.forEachPage { page in
            files.append(page.file)
            #expect(page.fields.count == (page.file == "c.png" ? 0 : 2))
        }
        #expect(files == ["a.png", "b.png", "c.png"])
        let record = Self.record("a", accepted: ["x"], template)
        #expect(try PageRecord(record.json, place: "p").json == record.json)
    }

    /// Cut anywhere, a reading goes on from its last whole page; and begun as another it is refused.
    @Test func aReadingGoesOnWhereItWasKilled() throws {
        let (place, folder, job, template) = try Self.folder()
        defer { withExtendedLifetime(place) {} }
        let whole = try Data(contentsOf: folder.pages)
        let ends = whole.enumerated().filter { $0.element == 0x0A }.map(\.offset)
        for cut in stride(from: 0, to: whole.count, by: 37) {
            try whole.prefix(cut).write(to: folder.pages)
            #expect(try folder.begin(job, template: template) == ends.count { $0 < cut })
            #expect(try Data(contentsOf: folder.pages).count == (ends.last { $0 < cut }.map { $0 + 1 } ?? 0))
        }
        var other = job
        other.rule = .byField(from: ["x": 0.9])
        #expect(
            inputError { _ = try folder.begin(other, template: template) }.contains("the results of another reading"))
    }

    @Test func onlyWhatIsDecidedStandsInTheTable() throws {
        let (place, folder, _, _) = try Self.folder()
        defer { withExtendedLifetime(place) {} }
        let counts = try ResultTables(folder).write()
        #expect(counts.pages == 3 && counts.pagesNotFound == 1 && counts.forms == 3 && counts.fields == 6)
        #expect(counts.count(.accepted) == 3 && counts.open == 3)
        #expect(
            try Self.text(folder, "forms.csv")
                == "form,status,open,x,y\na.png,done,0,12,12\nb.png,open,1,,12\nc.png,open,2,,\n")
        #expect(try Self.text(folder, "exceptions.csv") == "file,problem\nc.png,no form\n")
        let audit = try Self.text(folder, "audit.csv")
        #expect(
            audit.contains("a.png,x,12,accepted,reader,0.99,12,12,,t,m\n")
                && audit.contains("b.png,x,,review,,0.99,12,12,there is ink,t,m\n"))
        let json = try JSONValue.parse(Array(Self.text(folder, "forms.json").utf8), name: "forms.json")
        #expect(json.array?.count == 3)
        // The page holds what is to be done, the most important first, and cannot be broken out of.
        let page = try Self.text(folder, "review.html")
        #expect(
            page.contains("b.png") && page.contains("c.png") && !page.contains("\"a.png")
                && !page.contains("REVIEW-DATA"))
        #expect(page.components(separatedBy: "</script>").count == 2)
    }

    @Test func answersDecide() throws {
        let (place, folder, job, template) = try Self.folder()
        defer { withExtendedLifetime(place) {} }
        let keyed = try Self.answers("anna", job, ["b.png\tx": "17", "c.png\tx": nil])
        try AtomicFile.write(keyed.json.prettyText, to: folder.answers.appendingPathComponent("anna.json"))
        let counts = try ResultTables(folder).write()
        #expect(counts.count(.keyed) == 1 && counts.count(.unreadable) == 1 && counts.open == 1)
        #expect(try Self.text(folder, "forms.csv").contains("b.png,done,0,17,12\n"))
        #expect(try Self.text(folder, "audit.csv").contains("b.png,x,17,keyed,anna,"))
        let checker = AnswerChecker(template)
        func message(_ value: String, asWritten: Bool = false) -> String {
            inputError { try checker.check(.init(value: value, isAsWritten: asWritten), key: "b.png\tx", place: "p") }
        }
        #expect(message("25").contains("a value that passes its check (range)"))
        #expect(message("123").contains("expected 2 to 2 characters") && message("1a").contains("expected digits"))
        try checker.check(.init(value: "25", isAsWritten: true), key: "b.png\tx", place: "p")
    }

    @Test func twoPeopleHaveToAgree() throws {
        let (place, folder, job, _) = try Self.folder(double: true)
        defer { withExtendedLifetime(place) {} }
        func write(_ person: String, _ values: [String: String?]) throws {
            try AtomicFile.write(
                Self.answers(person, job, values).json.prettyText,
                to: folder.answers.appendingPathComponent(person + ".json"))
        }
        try write("anna", ["b.png\tx": "17", "c.png\tx": "11"])
        #expect(try ResultTables(folder).write().count(.keyed) == 0)
        try write("ben", ["b.png\tx": "17", "c.png\tx": "12"])
        var counts = try ResultTables(folder).write()
        #expect(counts.count(.keyed) == 1 && counts.count(.differs) == 1)
        // Whoever keys blind sees no guess.
        #expect(try Self.text(folder, "review.html").contains("\"guesses\": []"))
        try write("cora", ["c.png\tx": "12"])
        counts = try ResultTables(folder).write()
        #expect(counts.count(.keyed) == 2 && counts.count(.differs) == 0)
        #expect(try Self.text(folder, "audit.csv").contains("c.png,x,12,keyed,\"ben, cora\","))
    }

    @Test func answersThatAreNoneAreRefused() throws {
        let folder = try TemporaryFolder()
        for (text, message) in [
            ("[]", "answers that a review saved"),
            (#"{"person": "../x", "job": "j", "answers": {}}"#, "a name of 1…64"),
            (#"{"person": "a", "job": "j", "answers": {"k": 3}}"#, "an object with 'value'"),
            (#"{"person": "a", "job": "j", "answers": {"k": {"value": 3}}}"#, "a text or null"),
        ] {
            let path = try folder.write(Array(text.utf8), "a.json")
            #expect(inputError { _ = try ReviewAnswers.read(path) }.contains(message))
        }
    }

    @Test func pagesOfSeveralMakeForms() throws {
        let second = """
            {"width": 900, "height": 1200, "fields": [{"name": "x", "type": "boxes", "box": [300, 260, 500, 60], "cells": 10}]}
            """
        let two = DrawnForm.json.replacing("]}],", with: "]}, \(second)],")
        let template = try DrawnForm.template(two)
        var assembly = FormAssembly(template)
        func page(_ file: String, _ number: Int?) -> PageRecord {
            var record = PageRecord(file: file, error: "lost")
            record.page = number
            return record
        }
        var forms: [[String]] = []
        for (file, number) in [("1", 0), ("2", 1), ("3", 0), ("4", nil), ("5", 0), ("6", 1), ("7", 1)]
            as [(String, Int?)]
        {
            if let form = assembly.add(page(file, number)) { forms.append(form.pages.map { $0?.file ?? "-" }) }
        }
        if let form = assembly.end() { forms.append(form.pages.map { $0?.file ?? "-" }) }
        #expect(forms == [["1", "2"], ["3", "-"], ["5", "6"], ["-", "7"]])
        // The second page of one form and the first of the next are lost: two forms.
        var other = FormAssembly(template)
        var pairs: [[String]] = []
        for (file, number) in [("1", 0), ("2", nil), ("3", nil), ("4", 1)] as [(String, Int?)] {
            if let form = other.add(page(file, number)) { pairs.append(form.pages.map { $0?.file ?? "-" }) }
        }
        if let form = other.end() { pairs.append(form.pages.map { $0?.file ?? "-" }) }
        #expect(pairs == [["1", "-"], ["-", "4"]])
    }

    /// Both sides of each sheet were scanned, and the backs are blank: the forms stay whole, and the one that lacks its
    /// second page is counted.
    @Test func blankBacksEndNoForm() throws {
        let second = """
            {"width": 900, "height": 1200, "fields": [{"name": "z", "type": "boxes", "box": [300, 260, 500, 60], "cells": 10}]}
            """
        let template = try DrawnForm.template(
            Self.text.replacing("DOUBLE", with: "false").replacing("]}]}", with: "]}, \(second)]}"))
        let place = try TemporaryFolder(), folder = FormsFolder(place.path + "/out")
        defer { withExtendedLifetime(place) {} }
        var files: [String] = []
        func page(_ file: String, _ number: Int?) throws -> PageRecord {
            files.append(file)
            guard let number else {
                let blank = PageReading(registered: nil, failure: "the page is blank", fields: [], isBlank: true)
                let image = GreyImage(width: 900, height: 1200, pixels: [UInt8](repeating: 240, count: 900 * 1200))
                return try PageRecord(file: file, blank, rule: .nothing, image: image)
            }
            var record = PageRecord(file: file, error: "")
            (record.page, record.failure) = (number, nil)
            record.fields = template.pages[number].fields.map { field in
                FieldRecord(
                    name: field.name, values: [FieldValue(text: "12", probability: 1)], unchecked: "12",
                    problem: nil, isAccepted: true, picture: nil)
            }
            return record
        }
        let pages = try [
            page("1", 0), page("1b", nil), page("2", 1), page("2b", nil), page("3", 0), page("3b", nil), page("4", 0),
            page("4b", nil), page("5", 1), page("5b", nil),
        ]
        let job = FormsJob(template: "t", model: "m", calibration: nil, rule: .nothing, files: files)
        #expect(try folder.begin(job, template: template) == 0)
        try folder.append(pages)
        let tables = try ResultTables(folder), counts = try tables.write()
        #expect(counts.forms == 3 && counts.formsIncomplete == 1)
        #expect(counts.pages == 10 && counts.pagesBlank == 5 && counts.pagesNotFound == 0)
        #expect(
            try Self.text(folder, "forms.csv")
                == "form,status,open,x,y,z\n1,done,0,12,12,12\n3,open,1,12,12,\n4,done,0,12,12,12\n")
        #expect(try Self.text(folder, "exceptions.csv").hasSuffix("4b,the page is blank\n5b,the page is blank\n"))
        #expect(try Self.text(folder, "exceptions.csv").contains("3,page 2 is missing\n"))
        let summary = try JSONValue.parse(Array(Self.text(folder, "summary.json").utf8), name: "s").object
        #expect(summary?["formsIncomplete"] == .integer(1) && summary?["pagesBlank"] == .integer(5))
        #expect(
            tables.remarks(counts) == [
                "Blank pictures, skipped: 5 (exceptions.csv).",
                "Incomplete forms, with pages missing: 1 of 3 (exceptions.csv).",
                "The pages of a form were joined by their order alone: nothing on them links them.",
            ])
    }

    /// A blank sheet of a form of one page is no form to key, and one page needs no joining.
    @Test func aBlankSheetIsNoForm() throws {
        let (place, folder, _, _) = try Self.folder()
        defer { withExtendedLifetime(place) {} }
        #expect(try ResultTables(folder).remarks(ResultTables(folder).write()) == [])
        var blank = PageRecord(file: "d.png", error: "the page is blank")
        blank.isBlank = true
        try folder.append([blank])
        let counts = try ResultTables(folder).write()
        #expect(counts.forms == 3 && counts.fields == 6 && counts.pagesBlank == 1 && counts.pagesNotFound == 1)
        #expect(try !Self.text(folder, "review.html").contains("d.png"))
    }

    /// What stands beside the scans is an exception, without the results themselves, and without being another reading.
    @Test func filesThatAreNoPicturesAreExceptions() throws {
        let (place, folder, job, template) = try Self.folder()
        defer { withExtendedLifetime(place) {} }
        try folder.setPassedOver([
            .init(file: place.path + "/a.pdf", problem: "received a PDF document"),
            .init(file: place.path + "/out", problem: "a folder"),
        ])
        _ = try ResultTables(folder).write()
        let exceptions = "file,problem\nc.png,no form\n\(place.path)/a.pdf,received a PDF document\n"
        #expect(try Self.text(folder, "exceptions.csv") == exceptions)
        #expect(try folder.begin(job, template: template) == 3)
    }

    /// Other scans of the same names are another job.
    @Test func otherPicturesAreAnotherReading() throws {
        let place = try TemporaryFolder(),
            template = try DrawnForm.template(Self.text.replacing("DOUBLE", with: "false"))
        func job(_ pictures: String) -> FormsJob {
            FormsJob(template: "t", model: "m", calibration: nil, rule: .nothing, files: ["a.png"], pictures: pictures)
        }
        let folder = FormsFolder(place.path + "/out")
        #expect(try folder.begin(job("1"), template: template) == 0)
        #expect(try folder.begin(job("1"), template: template) == 0 && folder.load().job == job("1"))
        #expect(throws: InputError.self) { try folder.begin(job("2"), template: template) }
        #expect(try job("1").digest != job("2").digest)
    }

    /// What shows forgetting was not trained on.
    @Test(arguments: [(60_000, 8_000), (60_000, 15_000), (500, 4_000), (60_000, 20_000)])
    func witnessesAreOthers(count: Int, mixed: Int) throws {
        var pixels: [UInt8] = []
        for index in 0..<count { for shift in [0, 8, 16] { pixels.append(UInt8(index >> shift & 255)) } }
        let set = try ImageSet(
            images: pixels,
            labels: [UInt8](repeating: 0, count: count), height: 1, width: 3, channels: 1, classCount: 2,
            classNames: ["a", "b"])
        let parts = ReaderLearning.parts(of: set, mixed: mixed)
        #expect(Set(parts.mixed.eachBytes).isDisjoint(with: parts.witness.eachBytes))
        #expect(parts.mixed.count + parts.witness.count <= count && parts.witness.count > 200)
    }
}
