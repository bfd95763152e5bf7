import Formats
import Foundation
import Tensors

/// The answers that one person keyed in a review.
package struct ReviewAnswers: Sendable {
    package struct Answer: Hashable, Sendable {
        /// The value; nil if the field is unreadable.
        package var value: String?
        /// Whether the person confirmed that the value is written so although its checks fail.
        package var isAsWritten: Bool
    }

    package var person: String
    /// The identifier of the job (``FormsJob/digest``).
    package var job: String
    /// The answers by ``key(_:_:)``.
    package var answers: [String: Answer]

    package static func key(_ file: String, _ field: String) -> String { "\(file)\t\(field)" }

    private static let sizeLimit = 1 << 26

    /// Reads a file of answers.
    /// - Throws: An `InputError` if the file was not saved by a review.
    package static func read(_ path: String) throws(InputError) -> ReviewAnswers {
        let file = try BinaryFile(path)
        guard file.size <= sizeLimit else {
            throw InputError(path, expected: "answers of at most \(sizeLimit) bytes", received: "\(file.size)")
        }
        return try decode(try file.read(exactly: file.size), name: path)
    }

    package static func decode(_ bytes: [UInt8], name path: String) throws(InputError) -> ReviewAnswers {
        let json = try JSONValue.parse(bytes, name: path, limit: sizeLimit)
        guard let object = json.object, let person = object["person"]?.string, let job = object["job"]?.string,
            let list = object["answers"]?.object
        else {
            throw InputError(path, expected: "answers that a review saved", received: json.excerpt)
        }
        guard !person.isEmpty, person.count <= 64,
            person.allSatisfy({ $0.isLetter || $0.isNumber || "-_. ".contains($0) }),
            !person.hasPrefix(".")
        else {
            throw InputError(
                "\(path): person", expected: "a name of 1…64 letters, digits, spaces, '-', '_', '.'",
                received: JSONValue.string(person).excerpt)
        }
        var answers: [String: Answer] = [:]
        for member in list.members {
            let place = "\(path): answers: \(printable(member.key))"
            guard let answer = member.value.object, let value = answer["value"] else {
                throw InputError(place, expected: "an object with 'value'", received: member.value.excerpt)
            }
            switch value {
            case .null: answers[member.key] = Answer(value: nil, isAsWritten: false)
            case .string(let text) where text.count <= 200:
                answers[member.key] = Answer(value: text, isAsWritten: answer["asWritten"] == .boolean(true))
            default: throw InputError("\(place): value", expected: "a text or null", received: value.excerpt)
            }
        }
        return ReviewAnswers(person: person, job: job, answers: answers)
    }

    package var json: JSONValue {
        var list = JSONObject()
        for (key, answer) in answers.sorted(by: { $0.key < $1.key }) {
            var object: JSONObject = ["value": answer.value.map { .string($0) } ?? .null]
            if answer.isAsWritten { object["asWritten"] = .boolean(true) }
            list[key] = .object(object)
        }
        return ["person": .string(person), "job": .string(job), "answers": .object(list)]
    }
}

/// The decision on a field's value, and who made it.
package struct FieldDecision: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable {
        /// The reader was confident enough.
        case accepted
        /// People keyed the value.
        case keyed
        /// People marked the field as unreadable.
        case unreadable
        /// People keyed different values.
        case differs
        /// The field awaits a person.
        case review
    }

    package var status: Status
    /// The decided value; nil if undecided or unreadable.
    package var value: String?
    /// `reader`, or the names of the people who decided.
    package var by: String
    package var isAsWritten = false

    /// Decides on a field.
    /// - Parameters:
    ///   - record: The reader's result; nil if the page was not found.
    ///   - answers: The answer of each person who keyed the field.
    ///   - needed: The number of people who have to agree.
    package init(_ record: FieldRecord?, answers: [(person: String, answer: ReviewAnswers.Answer)], needed: Int) {
        var votes: [(answer: ReviewAnswers.Answer, people: [String])] = []
        for (person, answer) in answers {
            if let known = votes.firstIndex(where: { $0.answer.value == answer.value }) {
                votes[known].people.append(person)
                votes[known].answer.isAsWritten = votes[known].answer.isAsWritten || answer.isAsWritten
            } else {
                votes.append((answer, [person]))
            }
        }
        let most = votes.map(\.people.count).max() ?? 0
        let best = votes.filter { $0.people.count == most }
        if most >= needed, best.count == 1 {
            value = best[0].answer.value
            status = value == nil ? .unreadable : .keyed
            by = best[0].people.joined(separator: ", ")
            isAsWritten = best[0].answer.isAsWritten
        } else if votes.count > 1 {
            (status, by) = (.differs, answers.map(\.person).joined(separator: ", "))
        } else if let record, record.isAccepted, answers.isEmpty {
            (status, value, by) = (.accepted, record.values.first?.text, "reader")
        } else {
            (status, by) = (.review, "")
        }
    }
}
