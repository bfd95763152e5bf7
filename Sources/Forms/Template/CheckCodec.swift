import Formats
import Tensors

/// The JSON representation of checks.
extension FormTemplate {
    private struct Bounds {
        var from = 0
        var to = 0
    }

    private static let mostNumber = 999_999_999_999_999

    /// The check of a value, distinguished by its `type`.
    static let check = Codec<FieldCheck>.tagged([
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

    /// The check of several fields.
    static let sum = Codec<SumCheck>.tagged([
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
