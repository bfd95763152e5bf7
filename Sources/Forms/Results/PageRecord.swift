import Formats
import Foundation
import Pictures
import Tensors

/// A page that was read, as a line of `pages.jsonl`: all that later steps need, so that no picture is read twice.
package struct PageRecord: Sendable {
    package var file: String
    /// From 0; nil: no page of the form.
    package var page: Int?
    /// Why not.
    package var failure: String?
    /// Share of the page's lines and marks that were seen.
    package var agreement: Double?
    /// A small picture of a page that was not found, for whoever keys it: PNG.
    package var picture: Data?
    package var fields: [FieldRecord]
}

/// A field that was read.
package struct FieldRecord: Sendable {
    package var name: String
    package var values: [FieldValue]
    package var unchecked: String
    package var problem: String?
    package var isAccepted: Bool
    /// The field upright, for the review: PNG; nil where it was accepted.
    package var picture: Data?
}

extension PageRecord {
    /// Of pictures of whole pages.
    private static let pageHeight = 900

    /// - Parameter threshold: from which probability on a field is accepted; nil: none is.
    package init(
        file: String, _ reading: PageReading, threshold: Double?, image: GreyImage
    ) throws(OperationError) {
        self.file = file
        page = reading.registered?.page
        failure = reading.failure
        agreement = reading.registered?.agreement
        fields = []
        guard page != nil else {
            let factor = max(1, image.height / Self.pageHeight)
            picture = try Self.png(factor > 1 ? image.reduced(by: factor) : image)
            return
        }
        for field in reading.fields {
            let isAccepted =
                field.problem == nil && threshold.map { (field.best?.probability ?? -1) >= $0 } ?? false
            fields.append(
                FieldRecord(
                    name: field.name, values: field.values, unchecked: field.unchecked, problem: field.problem,
                    isAccepted: isAccepted, picture: isAccepted ? nil : try field.image.map(Self.png)))
        }
    }

    /// A picture that could not be read at all.
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
        if let agreement { object["agreement"] = .number(agreement) }
        if let picture { object["picture"] = .string(picture.base64EncodedString()) }
        object["fields"] = .array(fields.map(\.json))
        return .object(object)
    }

    /// - Throws: an `InputError` where a line is not what ``json`` writes.
    package init(_ json: JSONValue, place: String) throws(InputError) {
        guard let object = json.object, let file = object["file"]?.string, let list = object["fields"]?.array else {
            throw InputError(place, expected: "a page that was read", received: json.excerpt)
        }
        self.file = file
        if case .number(let number)? = object["page"] { page = number.integer }
        failure = object["failure"]?.string
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
