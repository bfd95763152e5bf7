import Formats
import Tensors

extension FormTemplate {
    /// Validates what concerns more than a single value: duplicate names, boxes outside the page, and checks
    /// incompatible with their fields.
    func validate() throws(InputError) {
        var names: Set<String> = []
        for (number, page) in pages.enumerated() {
            let place = ConfigurationPath().key("pages").index(number)
            try validate(page, place, &names)
        }
        guard !names.isEmpty else {
            throw InputError("pages", expected: "at least one field", received: "none")
        }
        for (index, sum) in sums.enumerated() {
            let place = ConfigurationPath().key("checks").index(index)
            let all = fields
            for name in [sum.total] + sum.parts {
                guard let field = all.first(where: { $0.name == name }) else {
                    throw place.error(
                        "fields of the form", .string(name), remedy: Spelling.remedy(for: name, among: all.map(\.name)))
                }
                guard case .characters(let options) = field.kind, [.boxes, .digits].contains(options.kind) else {
                    throw place.error("fields of digits", .string(name))
                }
                guard options.length.upperBound <= 15 else {
                    throw place.error("fields of at most 15 digits", .string(name))
                }
            }
            guard
                pages.contains(where: { page in
                    Set([sum.total] + sum.parts).isSubset(of: page.fields.map(\.name))
                })
            else {
                throw InputError(place.text, expected: "fields of one page", received: "fields of several")
            }
            guard Set([sum.total] + sum.parts).count == sum.parts.count + 1 else {
                throw InputError(place.text, expected: "fields that are named once", received: "one twice")
            }
            guard sums.allSatisfy({ $0 == sum || Set([$0.total] + $0.parts).isDisjoint(with: [sum.total] + sum.parts) })
            else {
                throw InputError(place.text, expected: "a field in one sum", received: "one in two")
            }
        }
    }

    /// How many times longer than the other a page's side may be.
    private var mostAspect: Double { 100 }

    private func validate(
        _ page: FormPage, _ place: ConfigurationPath, _ names: inout Set<String>
    ) throws(InputError) {
        func check(_ box: PageBox, _ path: ConfigurationPath) throws(InputError) {
            guard box.x >= 0, box.y >= 0, box.right <= page.width, box.bottom <= page.height else {
                throw InputError(
                    path.text, expected: "a box within the page of \(page.width)×\(page.height)",
                    received: "[\(box.x), \(box.y), \(box.width), \(box.height)]")
            }
        }
        let (longer, shorter) = (max(page.width, page.height), min(page.width, page.height))
        guard shorter >= 1e-3, longer <= mostAspect * shorter else {
            throw InputError(
                place.text, expected: "a page of sides from 0.001, one at most \(Int(mostAspect)) times the other",
                received: "\(page.width)×\(page.height)")
        }
        for (index, line) in page.lines.enumerated() {
            // Drawn by hand, they may end a little outside.
            let near = PageBox(x: 0, y: 0, width: page.width, height: page.height).padded(longer / 50, longer / 50)
            guard [line.start, line.end].allSatisfy({ near.contains($0) }) else {
                throw InputError(
                    place.key("lines").index(index).text,
                    expected: "a line within the page of \(page.width)×\(page.height)",
                    received: "[\(line.start.x), \(line.start.y), \(line.end.x), \(line.end.y)]")
            }
        }
        for (index, mark) in page.marks.enumerated() { try check(mark, place.key("marks").index(index)) }
        for (index, field) in page.fields.enumerated() {
            let path = place.key("fields").index(index)
            guard names.insert(field.name).inserted else {
                throw path.key("name").error("a name of its own", .string(field.name))
            }
            try check(field.box, path.key("box"))
            if case .characters(let options) = field.kind {
                for cell in options.cells { try check(cell, path.key("cells")) }
            }
            for (number, rule) in field.checks.enumerated() {
                try validate(rule, of: field, path.key("checks").index(number))
            }
        }
        guard page.marks.count >= 3 || !FormPagePlan(page).segments.isEmpty else {
            throw InputError(
                place.text, expected: "what the page is found by: three marks, lines, or frames of fields",
                received: "none", remedy: "trainer forms template BLANK proposes a template from the blank form")
        }
    }

    private func validate(
        _ check: FieldCheck, of field: FormField, _ path: ConfigurationPath
    ) throws(InputError) {
        guard case .characters(let options) = field.kind else { return }
        if check.isNumeric, options.kind == .text {
            throw path.error("a field of digits", .string(check.name))
        }
        if case .values(let values) = check,
            let value = values.first(where: { value in
                !options.length.contains(value.count)
                    || (options.kind != .text && !value.allSatisfy { $0.isASCII && $0.isNumber })
            })
        {
            throw path.error("values that the field can hold", .string(value))
        }
        if case .range(let range) = check {
            guard String(range.lowerBound).count <= options.length.upperBound else {
                throw path.error("numbers of at most \(options.length.upperBound) digits", .integer(range.lowerBound))
            }
        }
    }
}
