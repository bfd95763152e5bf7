import Evaluation
import Foundation
import Formats
import Tensors
import TestSupport
import Testing

@testable import Forms

@Suite struct AcceptanceTests {
    private static func fields(_ count: Int, errorRate: (Double) -> Double, seed: UInt32) -> [AcceptanceThreshold
        .Labelled]
    {
        var stream = RandomStream(RandomAddress(seed: 5, purpose: .test, major: seed))
        func uniform() -> Double { Double(stream.nextWord()) / (Double(UInt32.max) + 1) }
        return (0..<count).map { _ in
            let p = uniform()
            return .init(probability: p, isWrong: uniform() < errorRate(p), isCandidate: true)
        }
    }

    /// Of fields whose error rate at each probability is known, the rate of what is accepted is above the limit in at most one
    /// calibration of twenty.
    @Test func theBoundHoldsAsOftenAsItSays() {
        var options = AcceptanceOptions()
        (options.error, options.level) = (0.05, 0.95)
        // The mean of (1 − p)²/2 over [t, 1] is (1 − t)²/6.
        var broken = 0, accepted = 0.0
        let trials = 400
        for trial in 0..<trials {
            let threshold = AcceptanceThreshold(
                Self.fields(2_000, errorRate: { (1 - $0) * (1 - $0) / 2 }, seed: UInt32(trial)), options: options)
            guard let t = threshold.probability else { continue }
            accepted += 1 - t
            if (1 - t) * (1 - t) / 6 > options.error { broken += 1 }
        }
        // 20 are expected at the most; 34 have a chance of 1 in 1000.
        #expect(broken <= 34, "\(broken) of \(trials)")
        // The limit itself is at 1 − t = 0.548: most of it is used.
        #expect(accepted / Double(trials) > 0.35, "\(accepted / Double(trials))")
    }

    @Test func tooFewFieldsAreNotEnough() {
        var options = AcceptanceOptions()
        (options.error, options.level) = (0.001, 0.95)
        let few = AcceptanceThreshold(Self.fields(4_000, errorRate: { _ in 0 }, seed: 1), options: options)
        #expect(few.probability == nil && few.bound == nil && few.leastCount == 4_093)
        let enough = AcceptanceThreshold(Self.fields(6_000, errorRate: { _ in 0 }, seed: 1), options: options)
        #expect(enough.accepted == 6_000 && enough.wrong == 0 && (enough.bound ?? 1) <= 0.001)
        let bad = AcceptanceThreshold(Self.fields(6_000, errorRate: { _ in 0.01 }, seed: 1), options: options)
        #expect(bad.probability == nil)
    }

    /// Fields that are as sure as the last one are accepted with it, or none of them.
    @Test func equalProbabilitiesStayTogether() {
        var options = AcceptanceOptions()
        (options.error, options.level) = (0.01, 0.9)
        let fields = (0..<1_000).map { i in
            AcceptanceThreshold.Labelled(probability: i < 600 ? 0.99 : 0.5, isWrong: i >= 600, isCandidate: true)
        }
        let threshold = AcceptanceThreshold(fields, options: options)
        #expect(threshold.probability == 0.99 && threshold.accepted == 600 && threshold.wrong == 0)
        // What may not be accepted is not counted among what is.
        let barred = fields.map {
            AcceptanceThreshold.Labelled(probability: $0.probability, isWrong: $0.isWrong, isCandidate: false)
        }
        #expect(AcceptanceThreshold(barred, options: options).probability == nil)
    }

    @Test func aCalibrationComesBackFromItsFile() throws {
        var options = AcceptanceOptions()
        options.error = 0.02
        let threshold = AcceptanceThreshold(Self.fields(2_000, errorRate: { 1 - $0 }, seed: 3), options: options)
        let calibration = FormCalibration(
            template: "t", model: "m", options: options, threshold: threshold, pages: 12, unregistered: 1, fields: [])
        let folder = try TemporaryFolder()
        let path = try folder.write(Array(calibration.json.prettyText.utf8), "c.json")
        let again = try FormCalibration.read(path)
        #expect(again.threshold.probability == threshold.probability && again.threshold.bound == threshold.bound)
        #expect(again.template == "t" && again.model == "m" && again.options == options && again.pages == 12)
        try folder.write(Array(#"{"template": "t"}"#.utf8), "bad.json")
        #expect(
            inputError { _ = try FormCalibration.read(folder.path + "/bad.json") }.contains("bad.json: error: expected")
        )
    }

    /// With a threshold for each field, a field is accepted by its own known values alone.
    @Test func everyFieldMayHaveItsThreshold() throws {
        var options = AcceptanceOptions()
        (options.error, options.level, options.per) = (0.02, 0.9, .field)
        // Right from 0.3 on, right from 0.8 on, never sure, and too few.
        let limits = [0.3, 0.8, 2, 0], counts = [2_000, 2_000, 2_000, 20]
        let names = ["easy", "hard", "bad", "rare"]
        let labelled = names.indices.flatMap { place in
            Self.fields(counts[place], errorRate: { $0 < limits[place] ? 0.5 : 0 }, seed: UInt32(place)).map {
                FormCalibration.LabelledField(place: place, label: $0)
            }
        }
        let known = FormCalibration(
            template: "t", model: "m", options: options, pages: 9, unregistered: 0, names: names, labelled: labelled)
        guard case .byField(let thresholds) = known.rule else {
            Issue.record("one threshold for all")
            return
        }
        let (easy, hard) = (try #require(thresholds["easy"]), try #require(thresholds["hard"]))
        #expect(thresholds.count == 2 && (0.25...0.35).contains(easy) && (0.75...0.85).contains(hard))
        #expect(known.rule.accepts(0.5, field: "easy") && !known.rule.accepts(0.5, field: "hard"))
        #expect(!known.rule.accepts(1, field: "rare") && !known.rule.accepts(1, field: "bad"))
        // Each is what that field's values alone come to.
        for (place, name) in names.enumerated() {
            let own = AcceptanceThreshold(labelled.filter { $0.place == place }.map(\.label), options: options)
            #expect(known.fields[place].threshold == own && own.probability == thresholds[name])
            #expect(known.fields[place].accepted == own.accepted && known.fields[place].wrong == own.wrong)
        }
        #expect(known.fields[3].threshold.map { $0.leastCount > 20 } ?? false)
        let again = try FormCalibration.decode(Array(known.json.text.utf8), name: "c")
        #expect(again.rule == known.rule && again.options == options)
        #expect(again.fields.map(\.threshold?.bound) == known.fields.map(\.threshold?.bound))
        // The rule is kept with the results.
        #expect(AcceptanceRule(known.rule.json) == known.rule && AcceptanceRule(.boolean(true)) == nil)
        for (good, bad) in [
            ("\"threshold\": \(easy)", "\"threshold\": 7"), ("\"per\": \"field\"", "\"per\": \"page\""),
            ("\"error\": \(known.options.error)", "\"error\": 0"),
            ("\"level\": \(known.options.level)", "\"level\": 1"),
        ] {
            let text = known.json.text
            #expect(text.contains(good))
            #expect(throws: InputError.self) {
                try FormCalibration.decode(Array(text.replacing(good, with: bad).utf8), name: "c")
            }
        }
    }

    private static let names = ["a.png", "b.png", "-1.png", "'a.png"]

    /// A table of the fields of the drawn form, and of two of text.
    private static func truth(_ text: String) throws -> TruthTable {
        let texts = """
            {"name": "n", "type": "text", "box": [80, 800, 340, 80]},
            {"name": "ab", "type": "text", "box": [80, 900, 340, 80], "characters": "AB", "length": [1, 3]},
            """
        let template = try DrawnForm.template(
            DrawnForm.json.replacing("\"fields\": [", with: "\"fields\": [\(texts)"))
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        return try TruthTable(try folder.write(Array(text.utf8), "t.csv"), fields: template.fields, scans: names)
    }

    @Test func truthIsATableOfThreeColumns() throws {
        // The audit file's names that a spreadsheet would take for formulas come back as they were.
        let marked = CSV.quoted("-1.png") + ",n," + CSV.quoted("+A")
        #expect(marked == "'-1.png,n,'+A")
        let again = try Self.truth("file,field,value\n\(marked)\n'a.png,n,7\n")
        #expect(again.value(of: "n", in: "-1.png") == "+A" && again.value(of: "n", in: "'a.png") == "7")
        let truth = try Self.truth(
            """
            status,file,field,value
            keyed,a.png,n,"01,2"
            accepted,b.png,day,3
            keyed as written,b.png,a,
            keyed as written,b.png,b,12345x
            review,z.png,nowhere,

            """)
        #expect(truth.value(of: "n", in: "a.png") == "01,2" && truth.value(of: "a", in: "b.png") == "")
        #expect(truth.value(of: "day", in: "a.png") == nil && truth.value(of: "day", in: "b.png") == nil)
        // A person has seen that it is written so.
        #expect(truth.value(of: "b", in: "b.png") == "12345x" && truth.files == ["a.png", "b.png"])
        let message = inputError { _ = try Self.truth("file,value\na,b\n") }
        #expect(message.contains("expected the columns file, field, value"))
    }

    /// What cannot be the truth of these scans is refused with its line: a slip there would become a bound.
    @Test(arguments: [
        ("a.png,a,417\na.png,a,418", "t.csv:3: expected one row for each field", "a of a.png, which is on line 2"),
        ("a.png,a,417\na.png,a,417", "t.csv:3: expected one row for each field", "a of a.png, which is on line 2"),
        ("a.png,totl,0502", "t.csv:2: expected a field of the template", "\"totl\" · did you mean 'total'?"),
        ("a.png,a,41", "t.csv:2: a: expected 3 to 3 characters", "\"41\""),
        ("a.png,written,1234567", "t.csv:2: written: expected 3 to 6 characters", "\"1234567\""),
        ("a.png,a,4l7", "t.csv:2: a: expected digits", "\"4l7\""),
        ("a.png,day,3101", "t.csv:2: day: expected 6 to 6 characters", "\"3101\""),
        ("a.png,answer,maybe", "t.csv:2: answer: expected one of: yes, no", "\"maybe\""),
        ("a.png,ab,ABC", "t.csv:2: ab: expected characters of AB", "\"ABC\""),
    ])
    func truthThatCannotBeIsRefused(rows: String, expected: String, received: String) {
        let message = inputError { _ = try Self.truth("file,field,value\n\(rows)\n") }
        #expect(message.contains(expected) && message.contains("received " + received), "\(message)")
    }

    /// A table may be of more pictures than are read now; which, is told.
    @Test func truthOfOtherScansIsPassedOver() throws {
        let truth = try Self.truth("file,field,value\na.png,a,417\nc.png,a,41\n")
        #expect(truth.files == ["a.png"] && truth.others == ["c.png"])
        #expect(truth.value(of: "a", in: "a.png") == "417" && truth.value(of: "a", in: "c.png") == nil)
    }

    /// What fails a check may be written all the same, and be the truth.
    @Test func truthMayFailChecks() throws {
        let rows = ["number": "123456", "day": "310230", "answer": "yes|no"]
        let truth = try Self.truth("file,field,value\n" + rows.map { "a.png,\($0),\($1)\n" }.joined())
        for (field, value) in rows { #expect(truth.value(of: field, in: "a.png") == value) }
    }
}
