import Formats
import Tensors

/// Overrides of configuration values from the command line, such as `--set training.epochs=3`.
package enum Overrides {
    /// Applies assignments `path=value` in order.
    ///
    /// A path consists of keys joined by dots, with `[i]` (from 0) for elements: `model.layers[0].filters`. A value is
    /// JSON; text that is not valid JSON and does not start like an object, array or string is taken as a string, so
    /// that `data.source=sample` needs no quotes. Missing keys are created, and validated when the result is decoded;
    /// missing elements are not created.
    ///
    /// - Throws: An `InputError`, placed at `--set path=value`, for a path that cannot be parsed or followed, and for
    ///   malformed JSON.
    package static func apply(_ assignments: [String], to value: JSONValue) throws(InputError) -> JSONValue {
        var result = value
        for assignment in assignments {
            let place = "--set \(printable(assignment))"
            let parsed = try parse(assignment, place: place)
            try assign(parsed.value, at: parsed.steps[...], in: &result, walked: ConfigurationPath(), place: place)
        }
        return result
    }

    /// Returns whether an assignment to `path` replaces what one to `inner` wrote, inside the same object or list.
    package static func replaces(_ path: String, _ inner: String) -> Bool {
        inner.count > path.count && inner.hasPrefix(path) && ".[".contains(inner.dropFirst(path.count).first ?? " ")
    }

    private enum Step {
        case key(String)
        case index(Int)
    }

    /// Returns the assignment escaped as in JSON, without the enclosing quotes and with plain inner quotes, so that it
    /// is always a single line.
    private static func printable(_ assignment: String) -> String {
        let text = JSONValue.quoted(String(assignment.prefix(200))).dropFirst().dropLast()
        return String(text.replacing("\\\"", with: "\""))
    }

    private static func parse(
        _ assignment: String, place: String
    ) throws(InputError) -> (steps: [Step], value: JSONValue) {
        guard let equals = assignment.firstIndex(of: "=") else {
            throw InputError(place, expected: "path=value", received: "no '='")
        }
        let steps = try steps(of: assignment[..<equals], place: place)
        let text = String(assignment[assignment.index(after: equals)...])
        do throws(InputError) {
            return (steps, try JSONValue.parse(text, name: place))
        } catch {
            let first = text.first { $0 != " " }
            guard first == "{" || first == "[" || first == "\"" else { return (steps, .string(text)) }
            throw InputError(place, expected: error.expected, received: error.received, remedy: error.remedy)
        }
    }

    private static func steps(of path: Substring, place: String) throws(InputError) -> [Step] {
        let malformed = { (received: Substring) in
            InputError(
                place, expected: "keys joined by '.', with [index] for elements",
                received: JSONValue.string(String(received)).excerpt, remedy: "as in model.layers[0].filters=16")
        }
        var steps: [Step] = []
        for part in path.split(separator: ".", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
            guard let key = pieces.first, ConfigurationPath.isWord(String(key)) else { throw malformed(part) }
            steps.append(.key(String(key)))
            for piece in pieces.dropFirst() {
                let digits = piece.dropLast()
                guard piece.last == "]", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let index = Int(digits)
                else { throw malformed(part) }
                steps.append(.index(index))
            }
        }
        guard steps.count <= JSONValue.depthLimit else {
            throw InputError(place, expected: "at most \(JSONValue.depthLimit) steps", received: "\(steps.count)")
        }
        return steps
    }

    private static func assign(
        _ value: JSONValue, at steps: ArraySlice<Step>, in target: inout JSONValue, walked: ConfigurationPath,
        place: String
    ) throws(InputError) {
        let here = walked.text.isEmpty ? "the top of the file" : walked.text
        switch steps.first {
        case nil:
            target = value
        case .key(let key):
            guard var object = target == .null ? JSONObject() : target.object else {
                throw InputError(place, expected: "an object at \(here)", received: target.excerpt)
            }
            var member = object[key] ?? .null
            try assign(value, at: steps.dropFirst(), in: &member, walked: walked.key(key), place: place)
            object[key] = member
            target = .object(object)
        case .index(let index):
            guard var elements = target.array else {
                throw InputError(place, expected: "an array at \(here)", received: target.excerpt)
            }
            guard elements.indices.contains(index) else {
                let last = elements.count - 1
                let expected = elements.isEmpty ? "no index, as \(here) is empty" : "an index in 0…\(last)"
                throw InputError(place, expected: expected, received: "\(index)")
            }
            try assign(
                value, at: steps.dropFirst(), in: &elements[index], walked: walked.index(index), place: place)
            target = .array(elements)
        }
    }
}
