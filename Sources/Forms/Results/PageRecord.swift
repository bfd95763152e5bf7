import Formats
import Foundation
import Pictures
import Tensors

/// The result of reading a page, stored as a line of `pages.jsonl`: everything later steps need, so that no picture is
/// read twice.
package struct PageRecord: Sendable {
    package var file: String
    /// The page number, from 0; nil if the picture is not a page of the form.
    package var page: Int?
    /// The reason why no page was read; nil if one was.
    package var failure: String?
    /// Whether no page was read because the picture is of blank paper.
    package var isBlank = false
    /// The fraction of the page's lines and marks that were detected.
    package var agreement: Double?
    /// A small PNG of a page that was not found, for manual keying; nil if it is blank.
    package var picture: Data?
    package var fields: [FieldRecord]
}

/// The result of reading a field.
package struct FieldRecord: Sendable {
    package var name: String
    package var values: [FieldValue]
    package var unchecked: String
    package var problem: String?
    package var isAccepted: Bool
    /// A PNG of the rectified field for the review; nil if the field was accepted.
    package var picture: Data?
}

extension PageRecord {
    /// The height in pixels to which pictures of whole pages are reduced, approximately.
    private static let pageHeight = 900

    /// - Parameter rule: The fields that are accepted.
    package init(
        file: String, _ reading: PageReading, rule: AcceptanceRule, image: GreyImage
    ) throws(OperationError) {
        self.file = file
        page = reading.registered?.page
        failure = reading.failure
        isBlank = reading.isBlank
        agreement = reading.registered?.agreement
        fields = []
        guard page != nil else {
            guard !isBlank else { return }
            let factor = max(1, image.height / Self.pageHeight)
            picture = try Self.png(factor > 1 ? image.reduced(by: factor) : image)
            return
        }
        for field in reading.fields {
            let isAccepted =
                field.problem == nil && field.best.map { rule.accepts($0.probability, field: field.name) } ?? false
            fields.append(
                FieldRecord(
                    name: field.name, values: field.values, unchecked: field.unchecked, problem: field.problem,
                    isAccepted: isAccepted, picture: isAccepted ? nil : try field.image.map(Self.png)))
        }
    }

    /// Creates the record of a picture that could not be decoded.
    package init(file: String, error: String) {
        (self.file, failure, fields) = (file, error, [])
    }

    private static func png(_ image: GreyImage) throws(OperationError) -> Data {
        try PNG(width: image.width, height: image.height, colour: .grey, pixels: image.pixels).encoded()
    }

    // MARK: - JSON

    package var json: JSONValue {
        var object: JSONObject = ["file": .string(file), "page": page.map { .integer($0) } ?? .null]
        if let failure { object["failure"] = .string(failure) }
        if isBlank { object["blank"] = .boolean(true) }
        if let agreement { object["agreement"] = .number(agreement) }
        if let picture { object["picture"] = .string(picture.base64EncodedString()) }
        object["fields"] = .array(fields.map(\.json))
        return .object(object)
    }

    /// Decodes a record.
    /// - Throws: An `InputError` if the line was not written by ``json``.
    package init(_ json: JSONValue, place: String) throws(InputError) {
        guard let object = json.object, let file = object["file"]?.string, let list = object["fields"]?.array else {
            throw InputError(place, expected: "a page that was read", received: json.excerpt)
        }
        self.file = file
        if case .number(let number)? = object["page"] { page = number.integer }
        failure = object["failure"]?.string
        isBlank = object["blank"] == .boolean(true)
        if case .number(let number)? = object["agreement"] { agreement = number.double }
        picture = object["picture"]?.string.flatMap { Data(base64Encoded: $0) }
        fields = []
        for item in list { fields.append(try FieldRecord(item, place: place)) }
    }
}

extension FieldRecord {
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name),
            "values": .array(values.map { .array([.string($0.text), .number($0.probability)]) }),
            "unchecked": .string(unchecked), "accepted": .boolean(isAccepted),
        ]
        if let problem { object["problem"] = .string(problem) }
        if let picture { object["picture"] = .string(picture.base64EncodedString()) }
        return .object(object)
    }

    fileprivate init(_ json: JSONValue, place: String) throws(InputError) {
        guard let object = json.object, let name = object["name"]?.string, let list = object["values"]?.array,
            case .boolean(let isAccepted)? = object["accepted"]
        else { throw InputError(place, expected: "a field that was read", received: json.excerpt) }
        self.name = name
        self.isAccepted = isAccepted
        unchecked = object["unchecked"]?.string ?? ""
        problem = object["problem"]?.string
        picture = object["picture"]?.string.flatMap { Data(base64Encoded: $0) }
        values = []
        for item in list {
            guard let pair = item.array, pair.count == 2, let text = pair[0].string, case .number(let p) = pair[1]
            else { throw InputError(place, expected: "[text, probability]", received: item.excerpt) }
            values.append(FieldValue(text: text, probability: p.double))
        }
    }
}
