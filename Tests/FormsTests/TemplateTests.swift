import Formats
import TestSupport
import Testing

@testable import Forms

@Suite struct TemplateTests {
    @Test func aTemplateComesBackFromItsJSON() throws {
        let template = try DrawnForm.template()
        #expect(template.fields.map(\.name) == ["number", "day", "a", "b", "total", "written", "answer"])
        #expect(try FormTemplate.decode(Array(template.json.prettyText.utf8), name: "again") == template)
        guard case .characters(let number) = template.fields[0].kind else { return }
        #expect(number.cells.count == 6 && number.cells[1].x == 140 && number.length == 6...6)
    }

    /// Every mistake is named with its place, what was expected and what stands there.
    @Test(arguments: [
        (#""cells": 6,"#, #""cels": 6,"#, "pages[0].fields[0].cels: expected one of"),
        (
            #""cells": 6,"#, #""cells": "6","#,
            "pages[0].fields[0].cells: expected a number of cells in 1…64, or an array of boxes"
        ),
        (#""type": "luhn""#, #""type": "lun""#, "pages[0].fields[0].checks[0].type: expected one of: range, luhn"),
        (#""name": "day""#, #""name": "number""#, "pages[0].fields[1].name: expected a name of its own"),
        (#"[80, 150, 360, 60]"#, "[80, 150, 3600, 60]", "pages[0].fields[0].box: expected a box within the page"),
        (#"[80, 150, 360, 60]"#, "[80, 150, 0, 60]", "pages[0].fields[0].box: expected a positive width and height"),
        (#""2000-01-01""#, #""2000-02-30""#, "pages[0].fields[1].from: expected a day such as 2000-01-31"),
        (#""to": "2029-12-31""#, #""to": "1999-12-31""#, "pages[0].fields[1].to: expected a day from 2000-01-01 on"),
        (#""length": [3, 6]"#, #""length": [6, 3]"#, "pages[0].fields[5].length: expected [least, most] characters"),
        (#""of": ["a", "b"]"#, #""of": ["a", "c"]"#, "checks[0]: expected fields of the form · received \"c\""),
        (#""of": ["a", "b"]"#, #""of": ["a", "answer"]"#, "checks[0]: expected fields of digits · received \"answer\""),
        (#""of": ["a", "b"]"#, #""of": ["a", "a"]"#, "checks[0]: expected fields that are named once"),
        (
            #""type": "choice", "options""#, #""type": "choice", "checks": [], "options""#,
            "fields[6].checks: expected one of"
        ),
        (
            #""format": "DDMMYY""#, #""format": "DDMMYYYY""#,
            "fields[1].cells: expected at most as many characters as cells"
        ),
    ])
    func mistakesAreNamed(text: String, mistake: String, message: String) {
        #expect(DrawnForm.json.contains(text))
        let json = DrawnForm.json.replacing(text, with: mistake, maxReplacements: 1)
        let error = inputError { _ = try DrawnForm.template(json) }
        #expect(error.contains("form.json: ") && error.contains(message), "\(error)")
    }

    /// What the page is found by must be on it, and the page must have a shape.
    @Test(arguments: [
        (100, 100, "[0, 0, 100000, 0]", "lines[0]: expected a line within the page"),
        (1e-300, 1e-300, "[0, 0, 0, 0]", "expected a page of sides from 0.001"),
        (100, 0.5, "[0, 0, 100, 0]", "one at most 100 times the other"),
    ])
    func linesAreOnThePage(width: Double, height: Double, line: String, message: String) {
        let json = """
            {"pages": [{"width": \(width), "height": \(height), "lines": [\(line)], "fields":
              [{"name": "x", "type": "digits", "box": [0, 0, \(width / 2), \(height / 2)]}]}]}
            """
        #expect(inputError { _ = try DrawnForm.template(json) }.contains(message))
    }

    @Test func aSumIsOfOnePage() {
        let second =
            #"{"width": 100, "height": 100, "fields": [{"name": "c", "type": "boxes", "box": [10, 10, 60, 20], "cells": 3}]}"#
        let json = DrawnForm.json.replacing("]}],", with: "]}, \(second)],").replacing(
            #"["a", "b"]"#, with: #"["a", "c"]"#)
        #expect(inputError { _ = try DrawnForm.template(json) }.contains("checks[0]: expected fields of one page"))
    }

    @Test func aPageNeedsSomethingToBeFoundBy() {
        let json = """
            {"pages": [{"width": 100, "height": 100, "fields": [{"name": "x", "type": "digits", "box": [1, 1, 50, 20]}]}]}
            """
        #expect(inputError { _ = try DrawnForm.template(json) }.contains("expected what the page is found by"))
        #expect(
            inputError { _ = try DrawnForm.template(#"{"pages": []}"#) }.contains("expected an array of 1…16 pages"))
        #expect(inputError { _ = try DrawnForm.template("{") }.contains("form.json"))
    }

    /// The schema takes what the decoder takes.
    @Test func theSchemaHasEveryKey() throws {
        let text = FormTemplate.schema.prettyText
        for key in [
            "marks", "lines", "cells", "length", "checks", "priority", "doubleKeying", "acceptance", "mod97", "options",
        ] {
            #expect(text.contains("\"\(key)\""), "\(key)")
        }
    }
}
