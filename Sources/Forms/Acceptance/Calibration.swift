import Formats
import Foundation
import Tensors

/// A calibration on forms with known values: the acceptance threshold, and the template and model it applies to.
package struct FormCalibration: Hashable, Sendable {
    /// The SHA-256 digest of the template, to which alone the calibration applies.
    package var template: String
    /// The SHA-256 digest of the networks, to which alone the calibration applies.
    package var model: String
    package var options: AcceptanceOptions
    package var threshold: AcceptanceThreshold
    /// The number of pictures.
    package var pages: Int
    /// The number of pictures in which no page of the form was found.
    package var unregistered: Int
    package var fields: [FieldFigures]

    package struct FieldFigures: Hashable, Sendable {
        package var name: String
        package var count = 0
        /// The number of fields read correctly, regardless of probability.
        package var right = 0
        package var accepted = 0
        package var wrong = 0
        /// Its own threshold, with ``AcceptanceOptions/Scope/field``.
        package var threshold: AcceptanceThreshold?

        package init(name: String) { self.name = name }
    }

    /// A field with a known value, by its place among the template's fields.
    package struct LabelledField: Sendable {
        package var place: Int
        package var label: AcceptanceThreshold.Labelled

        package init(place: Int, label: AcceptanceThreshold.Labelled) { (self.place, self.label) = (place, label) }
    }

    init(
        template: String, model: String, options: AcceptanceOptions, threshold: AcceptanceThreshold, pages: Int,
        unregistered: Int, fields: [FieldFigures]
    ) {
        (self.template, self.model, self.options, self.threshold) = (template, model, options, threshold)
        (self.pages, self.unregistered, self.fields) = (pages, unregistered, fields)
    }

    /// Chooses the thresholds.
    /// - Parameter names: The template's fields.
    package init(
        template: String, model: String, options: AcceptanceOptions, pages: Int, unregistered: Int, names: [String],
        labelled: [LabelledField]
    ) {
        (self.template, self.model, self.options) = (template, model, options)
        (self.pages, self.unregistered) = (pages, unregistered)
        fields = names.map(FieldFigures.init)
        switch options.per {
        case .form: threshold = AcceptanceThreshold(labelled.map(\.label), options: options)
        case .field:
            threshold = AcceptanceThreshold([], options: options)
            threshold.count = labelled.count
            for place in names.indices {
                fields[place].threshold = AcceptanceThreshold(
                    labelled.filter { $0.place == place }.map(\.label), options: options)
            }
        }
        let rule = rule
        for field in labelled {
            let (place, label) = (field.place, field.label)
            fields[place].count += 1
            if !label.isWrong { fields[place].right += 1 }
            guard label.isCandidate, rule.accepts(label.probability, field: names[place]) else { continue }
            fields[place].accepted += 1
            if label.isWrong { fields[place].wrong += 1 }
        }
        threshold.accepted = fields.reduce(0) { $0 + $1.accepted }
        threshold.wrong = fields.reduce(0) { $0 + $1.wrong }
    }

    /// The fields that are accepted.
    package var rule: AcceptanceRule {
        switch options.per {
        case .form: threshold.probability.map { .all(from: $0) } ?? .nothing
        case .field:
            .byField(
                from: Dictionary(
                    fields.compactMap { field in field.threshold?.probability.map { (field.name, $0) } },
                    uniquingKeysWith: { first, _ in first }))
        }
    }

    package var json: JSONValue {
        let t = threshold
        return [
            "template": .string(template), "model": .string(model), "error": .number(options.error),
            "level": .number(options.level), "per": .string(options.per.rawValue),
            "threshold": t.probability.map { .number($0) } ?? .null,
            "labelledFields": .integer(t.count), "accepted": .integer(t.accepted), "wrong": .integer(t.wrong),
            "bound": t.bound.map { .number($0) } ?? .null, "leastFields": .integer(t.leastCount),
            "pages": .integer(pages), "unregisteredPages": .integer(unregistered),
            "assumes": "forms to come are like the labelled ones, and errors are independent of one another",
            "fields": .array(fields.map { .object($0.json) }),
        ]
    }

    /// Reads a calibration file.
    /// - Throws: An `InputError` if the file is not a calibration.
    package static func read(_ path: String) throws(InputError) -> FormCalibration {
        try decode(try bytes(path), name: path)
    }

    /// Returns the bytes of the file, up to the size limit of JSON.
    package static func bytes(_ path: String) throws(InputError) -> [UInt8] {
        let file = try BinaryFile(path)
        return try file.read(exactly: min(file.size, JSONValue.sizeLimit))
    }

    package static func decode(_ bytes: [UInt8], name path: String) throws(InputError) -> FormCalibration {
        let json = try JSONValue.parse(bytes, name: path)
        func failure(_ key: String) -> InputError {
            InputError(
                "\(path): \(key)", expected: "a calibration that trainer forms calibrate wrote",
                received: json.object?[key].map(\.excerpt) ?? "nothing")
        }
        func number(_ key: String) throws(InputError) -> Double {
            guard case .number(let value)? = json.object?[key], value.double.isFinite else { throw failure(key) }
            return value.double
        }
        func text(_ key: String) throws(InputError) -> String {
            guard let value = json.object?[key]?.string else { throw failure(key) }
            return value
        }
        func optional(_ key: String) throws(InputError) -> Double? {
            json.object?[key] == .null ? nil : try number(key)
        }
        func count(_ key: String) throws(InputError) -> Int {
            guard let value = Int(exactly: try number(key)), value >= 0 else { throw failure(key) }
            return value
        }
        var options = AcceptanceOptions()
        (options.error, options.level) = (try number("error"), try number("level"))
        guard options.error > 0, options.error < 0.5 else { throw failure("error") }
        guard options.level > 0.5, options.level < 1 else { throw failure("level") }
        if let per = json.object?["per"] {
            guard let scope = per.string.flatMap(AcceptanceOptions.Scope.init) else { throw failure("per") }
            options.per = scope
        }
        var threshold = AcceptanceThreshold([], options: options)
        threshold.probability = try optional("threshold")
        threshold.bound = try optional("bound")
        (threshold.count, threshold.accepted) = (try count("labelledFields"), try count("accepted"))
        threshold.wrong = try count("wrong")
        if let p = threshold.probability, !(0...1).contains(p) { throw failure("threshold") }
        var fields: [FieldFigures] = []
        for value in json.object?["fields"]?.array ?? [] {
            guard let field = FieldFigures(value, options) else { throw failure("fields") }
            fields.append(field)
        }
        return FormCalibration(
            template: try text("template"), model: try text("model"), options: options, threshold: threshold,
            pages: try count("pages"), unregistered: try count("unregisteredPages"), fields: fields)
    }
}

extension FormCalibration.FieldFigures {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "count": .integer(count), "right": .integer(right), "accepted": .integer(accepted),
            "wrong": .integer(wrong),
        ]
        if let threshold {
            object["threshold"] = threshold.probability.map { .number($0) } ?? .null
            object["bound"] = threshold.bound.map { .number($0) } ?? .null
        }
        return object
    }

    /// Nil if the value is none of a calibration's fields.
    fileprivate init?(_ json: JSONValue, _ options: AcceptanceOptions) {
        guard let object = json.object, let name = object["name"]?.string else { return nil }
        func number(_ key: String) -> Double? {
            guard case .number(let value)? = object[key], value.double.isFinite else { return nil }
            return value.double
        }
        func whole(_ key: String) -> Int? { number(key).flatMap { Int(exactly: $0) }.flatMap { $0 >= 0 ? $0 : nil } }
        self.init(name: name)
        guard let known = whole("count"), let right = whole("right"), let accepted = whole("accepted"),
            let wrong = whole("wrong")
        else { return nil }
        (count, self.right, self.accepted, self.wrong) = (known, right, accepted, wrong)
        guard options.per == .field else { return }
        var threshold = AcceptanceThreshold([], options: options)
        (threshold.count, threshold.accepted, threshold.wrong) = (known, accepted, wrong)
        if object["threshold"] != .null {
            guard let p = number("threshold"), (0...1).contains(p), let bound = number("bound") else { return nil }
            (threshold.probability, threshold.bound) = (p, bound)
        }
        self.threshold = threshold
    }
}
