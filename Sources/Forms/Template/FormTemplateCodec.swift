import Formats
import Tensors

/// The JSON representation of a template, decoded as strictly as a configuration; its schema is derived from the same
/// tables.
extension FormTemplate {
    /// The maximum size of a template in bytes.
    private static let sizeLimit = 1 << 22
    private static let mostFields = 1_000

    /// Decodes and validates a template.
    /// - Throws: An `InputError` that names the place in the file.
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

    /// The JSON Schema of a template, for editors.
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

    /// The key `$schema`, whose value is not stored.
    private var schemaPlace: String {
        get { "template.schema.json" }
        set {}
    }

    private static let acceptance = Section<AcceptanceOptions>(
        initial: AcceptanceOptions(),
        fields: [
            .key("error", \.error, .number(.open(0, 0.5)), "The share of accepted fields that may be wrong."),
            .key("level", \.level, .number(.open(0.5, 1)), "The probability that the bound holds."),
            .key(
                "per", \.per, .choice(AcceptanceOptions.Scope.self),
                "Whether all fields of the form share one threshold and bound, or each field has its own."),
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
}
