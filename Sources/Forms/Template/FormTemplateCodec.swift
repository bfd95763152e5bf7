import Formats
import Tensors

/// The template's JSON: strict as the configuration's, its schema from the same tables.
extension FormTemplate {
    /// Bytes of a template.
    private static let sizeLimit = 1 << 22
    private static let mostFields = 1_000, mostCells = 64, mostChecks = 4

    /// - Throws: an `InputError` that names the place in the file.
    package static func decode(_ bytes: [UInt8], name: String) throws(InputError) -> FormTemplate {
        let json = try JSONValue.parse(bytes, name: name, limit: sizeLimit)
        do throws(InputError) {
            let template = try codec.decode(json, ConfigurationPath())
            try template.validate()
            return template
        } catch {
            throw InputError(
                error.place.isEmpty ? name : "\(name): \(error.place)", expected: error.expected,
                received: error.received,
                remedy: error.remedy)
        }
    }

    package static func read(_ path: String) throws(InputError) -> FormTemplate {
        let file = try BinaryFile(path)
        guard file.size <= sizeLimit else {
            throw InputError(path, expected: "a template of at most \(sizeLimit) bytes", received: "\(file.size)")
        }
        return try decode(try file.read(exactly: file.size), name: path)
    }

    package var json: JSONValue { Self.codec.encode(self) }

    /// For editors.
    package static var schema: JSONValue {
        .object(
            (["$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A form for trainer forms"]
                as JSONObject).merging(codec.schema))
    }

    private static let codec = Section<FormTemplate>(
        initial: FormTemplate(name: "form", pages: [], sums: [], acceptance: AcceptanceOptions(), doubleKeying: false),
        fields: [
            .key("$schema", \.schemaPlace, .text(limit: 1000), "For editors alone."),
            .key("name", \.name, .identifier(limit: 100, others: "."), "What the form is called."),
            .key(
                "pages", \.pages, .array(page, count: 1...16, expected: "an array of 1…16 pages"), isRequired: true,
                "The sides of a form, in their order."),
            .key(
                "checks", \.sums, .array(sum, count: 0...100, expected: "an array of at most 100 checks"),
                "Fields that depend on one another."),
            .key("acceptance", \.acceptance, acceptance.codec, "How many accepted fields may be wrong."),
            .key(
                "doubleKeying", \.doubleKeying, .boolean,
                "Whether two people key each field of the review, blind, and a third decides where they differ."),
        ]
    ).codec

    /// Nothing is kept of it.
    private var schemaPlace: String {
        get { "template.schema.json" }
        set {}
    }

    private static let acceptance = Section<AcceptanceOptions>(
        initial: AcceptanceOptions(),
        fields: [
            .key("error", \.error, .number(.open(0, 0.5)), "The share of accepted fields that may be wrong."),
            .key("level", \.level, .number(.open(0.5, 1)), "The probability that the bound holds."),
        ])

    private static let page = Section<FormPage>(
        initial: FormPage(width: 1, height: 1),
        fields: [
            .key("width", \.width, .number(.above(0, 1e5)), isRequired: true, "Of the page, in any unit."),
            .key("height", \.height, .number(.above(0, 1e5)), isRequired: true, "Of the page, in the same unit."),
            .key(
                "marks", \.marks, .array(box, count: 0...64, expected: "an array of at most 64 boxes"),
                "Solid rectangles printed for registration, [x, y, width, height]."),
            .key(
                "lines", \.lines, .array(line, count: 0...2_000, expected: "an array of at most 2000 lines"),
                "Printed straight lines beside the frames of the fields, [x1, y1, x2, y2]."),
            .key(
                "fields", \.fields,
                .array(field, count: 0...mostFields, expected: "an array of at most \(mostFields) fields"),
                "What is to be read."),
        ]
    ).codec

    // MARK: - Places

    private static func numbers(_ expected: String) -> Codec<[Double]> {
        .array(.number(.closed(-1e5, 1e5)), count: 4...4, expected: expected)
    }

    static let box = numbers("[x, y, width, height]").converted(
        { numbers, json, path throws(InputError) in
            guard numbers[2] > 0, numbers[3] > 0 else { throw path.error("a positive width and height", json) }
            return PageBox(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
        }, { [$0.x, $0.y, $0.width, $0.height] })

    private static let line = numbers("[x1, y1, x2, y2]").converted(
        { n, _, _ throws(InputError) in PrintedLine(start: Point(n[0], n[1]), end: Point(n[2], n[3])) },
        { [$0.start.x, $0.start.y, $0.end.x, $0.end.y] })

    // MARK: - Fields

    /// The keys that all fields have.
    private struct Common {
        var name = ""
        var priority = 0
        var isRequired = true
        var isFramed = true
        var checks: [FieldCheck] = []
    }

    private struct CharacterOptions {
        var box = PageBox(x: 0, y: 0, width: 1, height: 1)
        var cells: Cells?
        /// The same where they may not be left out.
        var requiredCells: Cells {
            get { cells ?? .count(1) }
            set { cells = newValue }
        }
        var length: ClosedRange<Int>?
        var characters: String?
        var order = DateFormat.Order.dayMonthYear
        var first = "1900-01-01"
        var last = "2099-12-31"
    }

    private enum Cells: Equatable {
        case count(Int)
        case boxes([PageBox])
    }

    private static let cells: Codec<Cells> = {
        let count = Codec<Int>.integer(1...mostCells)
        let boxes = Codec<[PageBox]>.array(box, count: 1...mostCells, expected: "an array of 1…\(mostCells) boxes")
        let expected = "a number of cells in 1…\(mostCells), or an array of boxes"
        return Codec<Cells>(
            expected: expected, schema: ["anyOf": .array([.object(count.schema), .object(boxes.schema)])],
            decode: { json, path throws(InputError) in
                switch json {
                case .number: return .count(try count.decode(json, path))
                case .array: return .boxes(try boxes.decode(json, path))
                default: throw path.error(expected, json)
                }
            },
            encode: { value in
                switch value {
                case .count(let number): count.encode(number)
                case .boxes(let list): boxes.encode(list)
                }
            })
    }()

    private static let length = Codec<[Int]>.array(
        .integer(1...mostCells), count: 2...2, expected: "[least, most] characters"
    ).converted(
        { n, json, path throws(InputError) in
            guard n[0] <= n[1] else { throw path.error("[least, most] characters", json) }
            return n[0]...n[1]
        }, { [$0.lowerBound, $0.upperBound] })

    private static let boxKey = Field<CharacterOptions>.key(
        "box", \.box, box, isRequired: true, "Of all of it, [x, y, width, height].")
    private static let cellsKey = Field<CharacterOptions>.optional(
        "cells", \.cells, cells, isLeftOut: true,
        "A box a character: how many stand side by side, or each as [x, y, width, height].")
    private static let lengthKey = Field<CharacterOptions>.optional(
        "length", \.length, length, isLeftOut: true, "Least and most characters of a value.")

    private static func characterFields(_ kind: CharacterField.Kind) -> [Field<CharacterOptions>] {
        switch kind {
        case .boxes:
            let cells = Field<CharacterOptions>.key(
                "cells", \.requiredCells, cells, isRequired: true,
                "A box a digit: how many stand side by side, or each as [x, y, width, height].")
            return [boxKey, cells, lengthKey]
        case .digits: return [boxKey, lengthKey]
        case .date:
            return [
                boxKey, cellsKey,
                .key("format", \.order, .choice(DateFormat.Order.self), "The order of day, month and year."),
                .key("from", \.first, .text(limit: 10), "The earliest day, 2000-01-31."),
                .key("to", \.last, .text(limit: 10), "The latest day."),
            ]
        case .text:
            return [
                boxKey, cellsKey, lengthKey,
                .optional(
                    "characters", \.characters, .text(limit: 200), isLeftOut: true,
                    "Those that may stand in it; all of the network's where left out."),
            ]
        }
    }

    private struct ChoiceOptions {
        var options: [ChoiceField.Option] = []
        var most = 1
    }

    private static let option = Section<ChoiceField.Option>(
        initial: ChoiceField.Option(value: "", box: PageBox(x: 0, y: 0, width: 1, height: 1)),
        fields: [
            .key("value", \.value, .text(limit: 100), isRequired: true, "What it stands for."),
            .key("box", \.box, box, isRequired: true, "The box to tick, [x, y, width, height]."),
        ]
    ).codec

    private enum Shape {
        case characters(CharacterField.Kind, CharacterOptions)
        case choice(ChoiceOptions)
    }

    private static let common: [Field<Common>] = [
        .key("name", \.name, .identifier(limit: 64, others: "."), isRequired: true, "The column of the table."),
        .key("priority", \.priority, .integer(-1000...1000), "In the review, higher ones come first."),
        .key("required", \.isRequired, .boolean, "Whether it may not be left empty."),
        .key(
            "framed", \.isFramed, .boolean,
            "Whether its boxes are printed as this file says, and help to find the page."),
    ]

    private static let checksKey = Field<Common>.key(
        "checks", \.checks, .array(check, count: 0...mostChecks, expected: "an array of at most \(mostChecks) checks"),
        "What a value satisfies.")

    private static let field = Codec<Tagged<Common, Shape>>.union(
        CharacterField.Kind.allCases.map { kind in
            Variant(
                kind.rawValue, common: common + (kind == .date ? [] : [checksKey]),
                Section(initial: CharacterOptions(), fields: characterFields(kind)),
                { .characters(kind, $0) },
                { shape in
                    if case .characters(let other, let options) = shape, other == kind { options } else { nil }
                })
        } + [
            Variant(
                "choice", common: common,
                Section(
                    initial: ChoiceOptions(),
                    fields: [
                        .key(
                            "options", \.options, .array(option, count: 1...64, expected: "an array of 1…64 options"),
                            isRequired: true, "The boxes and what they stand for."),
                        .key("most", \.most, .integer(1...64), "How many may be ticked."),
                    ]),
                { .choice($0) }, { if case .choice(let options) = $0 { options } else { nil } })
        ], common: Common()
    ).converted(
        { tagged, _, path throws(InputError) in try made(tagged.common, tagged.value, path) },
        { Tagged(common: unmade($0), value: shape(of: $0)) })

    private static func made(
        _ common: Common, _ shape: Shape, _ path: ConfigurationPath
    ) throws(InputError) -> FormField {
        let kind: FieldKind
        switch shape {
        case .choice(let options):
            kind = .choice(ChoiceField(options: options.options, most: min(options.most, options.options.count)))
        case .characters(let character, let options):
            kind = .characters(try made(character, options, path))
        }
        return FormField(
            name: common.name, kind: kind, priority: common.priority, isRequired: common.isRequired,
            isFramed: common.isFramed, checks: common.checks)
    }

    private static func made(
        _ kind: CharacterField.Kind, _ options: CharacterOptions, _ path: ConfigurationPath
    ) throws(InputError) -> CharacterField {
        var cells: [PageBox] = []
        switch options.cells {
        case nil: break
        case .boxes(let boxes): cells = boxes
        case .count(let count):
            let step = options.box.width / Double(count)
            cells = (0..<count).map { index in
                PageBox(
                    x: options.box.x + Double(index) * step, y: options.box.y, width: step, height: options.box.height)
            }
        }
        var date: DateFormat?
        if kind == .date {
            func day(_ text: String, _ key: String) throws(InputError) -> CalendarDay {
                guard let day = CalendarDay(text) else {
                    throw path.key(key).error("a day such as 2000-01-31", .string(text))
                }
                return day
            }
            let format = DateFormat(
                order: options.order, first: try day(options.first, "from"), last: try day(options.last, "to"))
            guard format.first <= format.last else {
                throw path.key("to").error("a day from \(options.first) on", .string(options.last))
            }
            date = format
        }
        let natural = date.map { $0.length...$0.length } ?? (cells.isEmpty ? 1...12 : cells.count...cells.count)
        let length = options.length ?? natural
        guard cells.isEmpty || length.upperBound <= cells.count else {
            throw InputError(
                path.key(kind == .date ? "cells" : "length").text, expected: "at most as many characters as cells",
                received: "\(length.upperBound) characters in \(cells.count) cells")
        }
        return CharacterField(
            kind: kind, box: options.box, cells: cells, length: length, characters: options.characters, date: date)
    }

    private static func unmade(_ field: FormField) -> Common {
        Common(
            name: field.name, priority: field.priority, isRequired: field.isRequired, isFramed: field.isFramed,
            checks: field.checks)
    }

    private static func shape(of field: FormField) -> Shape {
        switch field.kind {
        case .choice(let choice): return .choice(ChoiceOptions(options: choice.options, most: choice.most))
        case .characters(let field):
            var options = CharacterOptions()
            options.box = field.box
            options.cells = field.cells.isEmpty ? nil : .boxes(field.cells)
            options.length = field.date == nil ? field.length : nil
            options.characters = field.characters
            if let date = field.date {
                (options.order, options.first, options.last) = (date.order, date.first.text, date.last.text)
            }
            return .characters(field.kind, options)
        }
    }

    // MARK: - Checks

    private struct Bounds {
        var from = 0
        var to = 0
    }

    private static let mostNumber = 999_999_999_999_999

    private static let check = Codec<FieldCheck>.tagged([
        Variant(
            "range",
            Section(
                initial: Bounds(),
                fields: [
                    .key("from", \.from, .integer(0...mostNumber), "The least number."),
                    .key("to", \.to, .integer(0...mostNumber), isRequired: true, "The largest."),
                ]),
            { .range(min($0.from, $0.to)...$0.to) },
            { if case .range(let range) = $0 { Bounds(from: range.lowerBound, to: range.upperBound) } else { nil } }),
        Variant(
            "luhn", Section(initial: Nothing(), fields: []), { _ in .luhn }, { $0 == .luhn ? Nothing() : nil }),
        Variant(
            "mod11",
            Section(initial: 10, fields: [.key("highest", \.self, .integer(2...10), "The largest weight.")]),
            { .mod11(highest: $0) }, { if case .mod11(let highest) = $0 { highest } else { nil } }),
        Variant(
            "mod97",
            Section(initial: 1, fields: [.key("remainder", \.self, .integer(0...96), "What the number leaves by 97.")]),
            { .mod97(remainder: $0) }, { if case .mod97(let remainder) = $0 { remainder } else { nil } }),
        Variant(
            "values",
            Section(
                initial: [],
                fields: [
                    .key(
                        "values", \.self,
                        .array(.text(limit: mostCells), count: 1...10_000, expected: "an array of 1…10000 values"),
                        isRequired: true, "All that may stand there.")
                ]),
            { .values($0) }, { if case .values(let values) = $0 { values } else { nil } }),
    ]).converted(
        { check, json, path throws(InputError) in
            guard let object = json.object, case .number(let from)? = object["from"],
                case .number(let to)? = object["to"],
                from.double > to.double
            else { return check }
            throw path.key("to").error("a number from \(from.text) on", .number(to))
        }, { $0 })

    private static let sum = Codec<SumCheck>.tagged([
        Variant(
            "sum",
            Section(
                initial: SumCheck(total: "", parts: []),
                fields: [
                    .key("total", \.total, .text(limit: 64), isRequired: true, "The field that has the sum."),
                    .key(
                        "of", \.parts, .array(.text(limit: 64), count: 1...64, expected: "an array of 1…64 fields"),
                        isRequired: true, "The fields that are added."),
                ]), { $0 }, { $0 })
    ])
}
