import Formats
import Foundation
import Tensors

/// The output of `trainer predict --json`: `{"model", "temperature", "files": [{"file", "text", …}]}`.
package struct ReadingsFile: Sendable {
    private let model: String
    private let temperature: Double?
    private var files: [JSONValue] = []
    /// The first file whose probabilities are not finite, which JSON cannot represent.
    private var unsound: String?

    /// - Parameter temperature: the model's temperature; nil if it has none, so that probabilities are uncalibrated.
    package init(model: String, temperature: Double?) {
        (self.model, self.temperature) = (model, temperature)
    }

    /// - Parameter explanation: an ``Explanation`` as a PNG, written in Base64.
    package mutating func add(_ record: ReadingRecord, explanation: Data? = nil) {
        let reading = record.reading
        let isSound =
            reading.lineProbabilities.allSatisfy(\.isFinite)
            && reading.characters.allSatisfy {
                $0.probabilities.allSatisfy(\.isFinite) && $0.familiarity?.isFinite != false
            }
        if !isSound { unsound = unsound ?? record.file }
        var file: JSONObject = ["file": .string(record.file), "text": .array(record.lines.map { .string($0) })]
        if !reading.lineProbabilities.isEmpty {
            file["lineProbabilities"] = .array(reading.lineProbabilities.map { .number($0) })
        }
        file["characters"] = .array(reading.characters.map { Self.json($0, record) })
        if reading.leftOut > 0 { file["leftOut"] = .integer(reading.leftOut) }
        if let explanation { file["explanation"] = .string(explanation.base64EncodedString()) }
        files.append(.object(file))
    }

    private static func json(_ character: ReadCharacter, _ record: ReadingRecord) -> JSONValue {
        let box = character.box
        let probabilities = zip(record.classNames, character.probabilities).map { name, probability in
            JSONObject.Member(key: name, value: .number(probability))
        }
        var object: JSONObject = [
            "class": .string(record.classNames[character.classIndex]), "probability": .number(character.confidence),
            "rejected": .boolean(record.isRejected(character)), "unknown": .boolean(record.isUnknown(character)),
        ]
        object["familiarity"] = character.familiarity.map { .number($0) }
        object["line"] = .integer(character.line)
        object["box"] = [
            "x": .integer(box.x), "y": .integer(box.y), "width": .integer(box.width), "height": .integer(box.height),
        ]
        object["probabilities"] = .object(JSONObject(distinct: probabilities))
        return .object(object)
    }

    package mutating func add(file: String, error: String) {
        files.append(["file": .string(file), "error": .string(error)])
    }

    /// Returns the text in UTF-8.
    /// - Throws: an `OperationError` if a probability is not finite.
    package func encoded() throws(OperationError) -> [UInt8] {
        if let unsound {
            throw OperationError(
                "encoding readings", problem: "the network's probabilities for \(unsound) are not finite numbers",
                remedy: "its weights are too large: use another model")
        }
        var root: JSONObject = ["model": .string(model)]
        root["temperature"] = temperature.map { .number($0) }
        root["files"] = .array(files)
        return Array(JSONValue.object(root).prettyText.utf8)
    }
}
