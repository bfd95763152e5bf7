import Formats
import Tensors

/// Whether what a person keyed can stand in its field: as the review's page tells while one types, told again where it counts.
package struct AnswerChecker {
    private let fields: [String: FormField]

    package init(_ template: FormTemplate) {
        fields = Dictionary(template.fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Throws: an `InputError` for a value that the field cannot hold, unless the person said that it stands there so.
    package func check(_ answer: ReviewAnswers.Answer, key: String, place: String) throws(InputError) {
        guard let value = answer.value, !answer.isAsWritten, !value.isEmpty,
            let name = key.split(separator: "\t").last, let field = fields[String(name)]
        else { return }
        guard let expected = Self.fault(value, field) else { return }
        throw InputError(
            place, expected: expected, received: JSONValue.string(value).excerpt,
            remedy: "key it again, or say that it stands there so (Enter twice)")
    }

    /// What was expected instead of `value`; nil where it can stand there.
    package static func fault(_ value: String, _ field: FormField) -> String? {
        switch field.kind {
        case .choice(let choice):
            let known = choice.options.map(\.value), chosen = value.split(separator: "|").map(String.init)
            guard chosen.allSatisfy(known.contains) else { return "one of: " + known.joined(separator: ", ") }
            return chosen.count <= choice.most ? nil : "at most \(choice.most) of them"
        case .characters(let options):
            guard options.kind == .text || value.allSatisfy({ $0.isASCII && $0.isNumber }) else { return "digits" }
            guard options.length.contains(value.count) else {
                return "\(options.length.lowerBound) to \(options.length.upperBound) characters"
            }
            if let date = options.date, !(Int(value).map(date.isDay) ?? false) {
                return "a day from \(date.first.text) to \(date.last.text), \(date.order.rawValue)"
            }
            return field.checks.first { !$0.passes(value) }.map { "a value that passes its check (\($0.name))" }
        }
    }
}
