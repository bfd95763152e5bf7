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

        package init(name: String) { self.name = name }
    }

    package init(
        template: String, model: String, options: AcceptanceOptions, threshold: AcceptanceThreshold, pages: Int,
        unregistered: Int, fields: [FieldFigures]
    ) {
        (self.template, self.model, self.options, self.threshold) = (template, model, options, threshold)
        (self.pages, self.unregistered, self.fields) = (pages, unregistered, fields)
    }

    package var json: JSONValue {
        let t = threshold
        return [
            "template": .string(template), "model": .string(model), "error": .number(options.error),
            "level": .number(options.level), "threshold": t.probability.map { .number($0) } ?? .null,
            "labelledFields": .integer(t.count), "accepted": .integer(t.accepted), "wrong": .integer(t.wrong),
            "bound": t.bound.map { .number($0) } ?? .null, "leastFields": .integer(t.leastCount),
            "pages": .integer(pages), "unregisteredPages": .integer(unregistered),
            "assumes": "forms to come are like the labelled ones, and errors are independent of one another",
            "fields": .array(
                fields.map {
                    [
                        "name": .string($0.name), "count": .integer($0.count), "right": .integer($0.right),
                        "accepted": .integer($0.accepted), "wrong": .integer($0.wrong),
                    ]
                }),
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
        var threshold = AcceptanceThreshold([], options: options)
        threshold.probability = try optional("threshold")
        threshold.bound = try optional("bound")
        (threshold.count, threshold.accepted) = (try count("labelledFields"), try count("accepted"))
        threshold.wrong = try count("wrong")
        if let p = threshold.probability, !(0...1).contains(p) { throw failure("threshold") }
        return FormCalibration(
            template: try text("template"), model: try text("model"), options: options, threshold: threshold,
            pages: try count("pages"), unregistered: try count("unregisteredPages"), fields: [])
    }
}
