import Formats
import Tensors

/// Validates the values that people keyed. The review page performs the same checks while one types; this repeats them
/// on import.
package struct AnswerChecker {
    private let fields: [String: FormField]

    package init(_ template: FormTemplate) {
        fields = Dictionary(template.fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Validates an answer.
    /// - Throws: An `InputError` for a value that the field cannot hold, unless the person confirmed it.
    package func check(_ answer: ReviewAnswers.Answer, key: String, place: String) throws(InputError) {
        guard let value = answer.value, !answer.isAsWritten, !value.isEmpty,
            let name = key.split(separator: "\t").last, let field = fields[String(name)]
        else { return }
        guard let expected = Self.fault(value, field) else { return }
        throw InputError(
            place, expected: expected, received: JSONValue.string(value).excerpt,
            remedy: "key it again, or say that it stands there so (Enter twice)")
    }

    /// Returns what was expected instead of `value`; nil if the value is valid.
    package static func fault(_ value: String, _ field: FormField) -> String? {
        if let expected = misfit(value, field) { return expected }
        switch field.kind {
        case .choice(let choice):
            return value.split(separator: "|").count <= choice.most ? nil : "at most \(choice.most) of them"
        case .characters(let options):
            if let date = options.date, !(Int(value).map(date.isDay) ?? false) {
                return "a day from \(date.first.text) to \(date.last.text), \(date.order.rawValue)"
            }
            return field.checks.first { !$0.passes(value) }.map { "a value that passes its check (\($0.name))" }
        }
    }

    /// Returns what was expected instead of a value that no writer can put down in the field, whatever its checks: an
    /// option that is not there, other characters or too many or few of them; nil if there is no such fault.
    static func misfit(_ value: String, _ field: FormField) -> String? {
        switch field.kind {
        case .choice(let choice):
            let known = choice.options.map(\.value)
            return value.split(separator: "|").allSatisfy { known.contains(String($0)) }
                ? nil : "one of: " + known.joined(separator: ", ")
        case .characters(let options):
            guard options.kind == .text || value.allSatisfy({ $0.isASCII && $0.isNumber }) else { return "digits" }
            return options.length.contains(value.count)
                ? nil : "\(options.length.lowerBound) to \(options.length.upperBound) characters"
        }
    }
}
