import Foundation
import Pictures
import TestSupport
import Testing

@testable import Forms

@Suite struct RegistrationTests {
    /// Pixels by which the corners of fields are off.
    private static func error(_ found: Homography, _ truth: Homography, _ page: FormPage) -> Double {
        page.fields.flatMap(\.box.corners).map { (found($0) - truth($0)).length }.max() ?? .infinity
    }

    @Test(arguments: [
        (0.0, 1.0, 0.0, 0.0), (7, 1, 0, 0), (-10, 1.3, 0, 0), (180, 1, 12, 0), (175, 0.8, 8, 0), (3, 1, 25, 0),
        (-4, 1, 15, 0.03),
        (90, 1, 0, 0), (-86, 1.1, 10, 0), (188, 1, 0, 0.02), (1, 2.2, 10, 0),
    ])
    func pagesAreFoundHoweverTheyLie(degrees: Double, scale: Double, pull: Double, cut: Double) throws {
        let template = try DrawnForm.template()
        var form = DrawnForm(template)
        try form.write("123450", in: "number")
        try form.write("yes", in: "answer")
        let size = Point(900, 1200)
        let scan = DrawnForm.scan(
            size, degrees: degrees, scale: scale, pull: pull, cut: cut, seed: UInt32(abs(degrees * 10 + scale)))
        let picture = form.picture(scan.map, width: scan.width, height: scan.height)
        let (page, _) = try PageRegistration(template).find(in: picture)
        #expect(page.agreement > 0.8)
        #expect(Self.error(page.map, scan.map, template.pages[0]) < 2 * max(scale, 1), "\(page)")
    }

    @Test func linesAloneAreEnough() throws {
        let text = DrawnForm.json.replacing(/"marks": \[\[.*\]\],/, with: "")
        let template = try DrawnForm.template(text)
        #expect(template.pages[0].marks.isEmpty)
        for (seed, degrees) in [(UInt32(1), 6.0), (2, -9), (3, 183)] {
            let scan = DrawnForm.scan(Point(900, 1200), degrees: degrees, pull: 15, seed: seed)
            let picture = DrawnForm(template).picture(scan.map, width: scan.width, height: scan.height)
            let (page, _) = try PageRegistration(template).find(in: picture)
            #expect(Self.error(page.map, scan.map, template.pages[0]) < 2, "\(degrees)")
        }
    }

    /// One of two forms on a scan would be lost without a word.
    @Test(arguments: [(0.0, true), (-3, true), (2, false), (180, false)])
    func twoPagesOnOnePictureAreRefused(degrees: Double, isBeside: Bool) throws {
        let template = try DrawnForm.template()
        let scan = DrawnForm.scan(Point(900, 1200), degrees: degrees, seed: 1)
        let one = DrawnForm(template).picture(scan.map, width: scan.width, height: scan.height)
        func joined(_ a: GreyImage, _ b: GreyImage) -> GreyImage {
            let (w, h) = (a.width, a.height)
            guard isBeside else { return GreyImage(width: w, height: 2 * h, pixels: a.pixels + b.pixels) }
            var rows: [UInt8] = []
            for y in 0..<h {
                let row = (y * w)..<((y + 1) * w)
                rows += a.pixels[row]
                rows += b.pixels[row]
            }
            return GreyImage(width: 2 * w, height: h, pixels: rows)
        }
        let registration = PageRegistration(template)
        let error = #expect(throws: RegistrationFailure.self) { try registration.find(in: joined(one, one)) }
        #expect(error?.reason.contains("two pages") == true, "\(error?.reason ?? "")")
        // Blank paper beside it is no page.
        let blank = GreyImage(
            width: one.width, height: one.height, pixels: [UInt8](repeating: 230, count: one.pixels.count))
        for picture in [joined(one, blank), joined(blank, one)] {
            #expect(try registration.find(in: picture).0.agreement > 0.8)
        }
    }

    @Test func whatIsNoPageIsRefused() throws {
        let template = try DrawnForm.template()
        let registration = PageRegistration(template)
        func refusal(_ image: GreyImage) -> String {
            do throws(RegistrationFailure) {
                _ = try registration.find(in: image)
                return ""
            } catch { return error.reason }
        }
        #expect(
            !refusal(GreyImage(width: 900, height: 1200, pixels: [UInt8](repeating: 240, count: 900 * 1200))).isEmpty)
        #expect(!refusal(GreyImage(width: 7, height: 5, pixels: [UInt8](repeating: 9, count: 35))).isEmpty)
        #expect(!refusal(GreyImage(width: 300, height: 400, pixels: randomBytes(120_000, 4))).isEmpty)
        // Another form with the same kind of rows, elsewhere.
        let other = """
            {"name": "other", "pages": [{"width": 900, "height": 1200, "fields": [
              {"name": "x", "type": "boxes", "box": [200, 260, 500, 60], "cells": 10},
              {"name": "y", "type": "boxes", "box": [120, 700, 240, 60], "cells": 4},
              {"name": "z", "type": "boxes", "box": [500, 900, 300, 60], "cells": 5}]}]}
            """
        let scan = DrawnForm.scan(Point(900, 1200), degrees: 2, seed: 1)
        #expect(
            !refusal(DrawnForm(try DrawnForm.template(other)).picture(scan.map, width: scan.width, height: scan.height))
                .isEmpty)
    }

    /// A page that looks the same either way up is no guide.
    @Test func aPageThatCouldStandOnItsHeadIsRefused() throws {
        let text = """
            {"name": "twice", "pages": [{"width": 900, "height": 1200, "fields": [
              {"name": "x", "type": "boxes", "box": [200, 260, 500, 60], "cells": 10},
              {"name": "y", "type": "boxes", "box": [200, 880, 500, 60], "cells": 10}]}]}
            """
        let template = try DrawnForm.template(text)
        let scan = DrawnForm.scan(Point(900, 1200), degrees: 2, seed: 1)
        let picture = DrawnForm(template).picture(scan.map, width: scan.width, height: scan.height)
        do throws(RegistrationFailure) {
            let found = try PageRegistration(template).find(in: picture).0
            Issue.record("found \(found)")
        } catch { #expect(error.reason.contains("either way up")) }
    }

    @Test func pagesOfOneFormAreToldApart() throws {
        let second = """
            {"width": 900, "height": 1200, "fields": [
              {"name": "x", "type": "boxes", "box": [300, 260, 500, 60], "cells": 10},
              {"name": "y", "type": "boxes", "box": [120, 700, 240, 60], "cells": 4}]}
            """
        let text = DrawnForm.json.replacing("]}],", with: "]}, \(second)],")
        let template = try DrawnForm.template(text)
        #expect(template.pages.count == 2)
        for page in 0..<2 {
            let scan = DrawnForm.scan(Point(900, 1200), degrees: 4, pull: 5, seed: 7)
            let picture = DrawnForm(template, page: page).picture(scan.map, width: scan.width, height: scan.height)
            #expect(try PageRegistration(template).find(in: picture).0.page == page)
        }
    }

    @Test func aTemplateIsProposedFromTheBlankForm() throws {
        let template = try DrawnForm.template()
        let blank = DrawnForm(template).sheet.image(paper: 240, pen: 30)
        let proposed = try TemplateProposal.template([("blank.png", blank)], name: "small")
        #expect(proposed.pages[0].marks.count == 3)
        func isNear(_ a: PageBox, _ b: PageBox) -> Bool {
            zip(a.corners, b.corners).allSatisfy { ($0 - $1).length < 4 }
        }
        for field in template.fields where field.name != "written" {
            let found = proposed.fields.first { isNear($0.box, field.box) }
            switch (field.kind, found?.kind) {
            case (.characters(let a), .characters(let b)): #expect(a.cells.count == b.cells.count, "\(field.name)")
            case (.choice(let a), .choice(let b)): #expect(a.options.count == b.options.count)
            default: Issue.record("\(field.name) was not found")
            }
        }
        // What is written on a line stands above it.
        #expect(
            proposed.fields.contains {
                if case .characters(let o) = $0.kind { o.cells.isEmpty && abs(o.box.bottom - 700) < 4 } else { false }
            })
        // It is a template as any other.
        #expect(try FormTemplate.decode(Array(proposed.json.text.utf8), name: "p") == proposed)
        let nothing = GreyImage(width: 300, height: 400, pixels: [UInt8](repeating: 250, count: 120_000))
        #expect(
            inputError { _ = try TemplateProposal.template([("b.png", nothing)], name: "b") }.contains(
                "b.png: expected"))
    }
}
