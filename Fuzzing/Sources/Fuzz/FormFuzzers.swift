@testable import Formats
@testable import Forms
import Foundation
import Pictures

@testable import Tensors

private let template = """
    {"name": "f", "pages": [{"width": 90, "height": 120, "marks": [[3, 3, 4, 4], [80, 3, 4, 4], [3, 110, 4, 4]],
    "lines": [[8, 70, 42, 70]], "fields": [
    {"name": "a", "type": "boxes", "box": [8, 15, 36, 6], "cells": 6, "checks": [{"type": "luhn"}, {"type": "mod11"}]},
    {"name": "b", "type": "date", "box": [50, 15, 36, 6], "cells": 6, "format": "DDMMYY", "from": "2000-01-01"},
    {"name": "c", "type": "digits", "box": [8, 62, 34, 8], "length": [1, 3], "checks": [{"type": "range", "to": 99}]},
    {"name": "d", "type": "text", "box": [8, 80, 34, 8], "characters": "AB1"},
    {"name": "e", "type": "choice", "options": [{"value": "y", "box": [52, 64, 3, 3]}], "most": 1}]}],
    "checks": [{"type": "sum", "total": "c", "of": ["a"]}], "acceptance": {"error": 0.01, "level": 0.9}}
    """

extension Fuzzer {
    /// What `trainer forms` reads besides pictures: a template, answers, a calibration, a page that was read; and a page looked for
    /// in the bytes as a picture.
    static let form = Fuzzer(
        name: "form",
        seeds: {
            let answers =
                #"{"person": "anna", "job": "0", "answers": {"a.png\\ta": {"value": "12", "asWritten": true}}}"#
            let page =
                #"{"file":"a.png","page":0,"agreement":0.9,"fields":[{"name":"a","values":[["12",0.9]],"unchecked":"1","#
                + #""accepted":false,"problem":"x","picture":"AAEC"}]}"#
            let calibration =
                #"{"template":"t","model":"m","error":0.01,"level":0.9,"threshold":0.9,"bound":null,"labelledFields":1,"#
                + #""accepted":1,"wrong":0,"pages":1,"unregisteredPages":0}"#
            return [template, answers, page, calibration].map { Array($0.utf8) }
                + [(0..<4_000).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }]
        },
        run: { bytes in
            if let found = parsed({ try FormTemplate.decode(bytes, name: "fuzz") }) {
                let again = parsed { try FormTemplate.decode(Array(found.json.text.utf8), name: "fuzz") }
                require(again == found, "a template lost in writing")
                for field in found.fields { _ = AnswerChecker.fault("12", field) }
            }
            if let answers = parsed({ try ReviewAnswers.decode(bytes, name: "fuzz") }) {
                let again = parsed { try ReviewAnswers.decode(Array(answers.json.text.utf8), name: "fuzz") }
                require(again?.answers == answers.answers, "answers lost in writing")
            }
            _ = parsed { try FormCalibration.decode(bytes, name: "fuzz") }
            if let json = parsed({ try JSONValue.parse(bytes, name: "fuzz") }),
                let page = parsed({ try PageRecord(json, place: "fuzz") })
            {
                require(
                    parsed { try PageRecord(page.json, place: "fuzz") }?.json == page.json, "a page lost in writing")
            }
            guard bytes.count > 64, let form = parsed({ try FormTemplate.decode(Array(template.utf8), name: "") })
            else { return }
            let width = 8 + Int(bytes[0]) % 56, height = bytes.count / width
            guard height > 0 else { return }
            let image = GreyImage(width: width, height: height, pixels: Array(bytes.prefix(width * height)))
            _ = try? PageRegistration(form).find(in: image)
        })
}
