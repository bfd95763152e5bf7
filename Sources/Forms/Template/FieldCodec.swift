import Formats
import Tensors

/// The JSON representation of fields.
extension FormTemplate {
    /// The maximum numbers of cells and of checks of a field.
    static let (mostCells, mostChecks) = (64, 4)

    /// The keys common to all fields.
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
        /// The cells, for kinds that require them.
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

    /// A field, distinguished by its `type`.
    static let field = Codec<Tagged<Common, Shape>>.union(
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
}
