import Formats
import Tensors

/// A member of a request's JSON with its location, for error messages.
struct Member {
    let value: JSONValue
    let place: String

    /// - Throws: an `InputError` if the value is absent.
    init(_ value: JSONValue?, _ place: String) throws(InputError) {
        guard let value else { throw InputError(place, expected: "a value", received: "none") }
        (self.value, self.place) = (value, place)
    }

    private func wrong(_ expected: String) -> InputError {
        InputError(place, expected: expected, received: value.excerpt)
    }

    func string() throws(InputError) -> String {
        guard let string = value.string else { throw wrong("text") }
        return string
    }

    func boolean() throws(InputError) -> Bool {
        guard case .boolean(let boolean) = value else { throw wrong("true or false") }
        return boolean
    }

    func integer() throws(InputError) -> Int {
        guard case .number(let number) = value, let integer = number.integer else { throw wrong("an integer") }
        return integer
    }

    func array() throws(InputError) -> [JSONValue] {
        guard let array = value.array else { throw wrong("an array") }
        return array
    }

    func integers() throws(InputError) -> [Int] {
        var result: [Int] = []
        for (index, element) in try array().enumerated() {
            result.append(try Member(element, "\(place)[\(index)]").integer())
        }
        return result
    }

    /// Returns the object, whose keys must be among `keys`, or others that may be; all of them are optional.
    func object(
        _ keys: [String], others: (String) -> Bool = { _ in false }
    ) throws(InputError) -> JSONObject {
        guard let object = value.object else { throw wrong("an object") }
        if let stranger = object.keys.first(where: { !keys.contains($0) && !others($0) }) {
            throw InputError(
                place, expected: "keys among \(keys.joined(separator: ", "))", received: stranger,
                remedy: Spelling.remedy(for: stranger, among: keys))
        }
        return object
    }

    /// Appends the numbers of nested arrays in order.
    func flatten(into numbers: inout [JSONNumber], most: Int) throws(InputError) {
        switch value {
        case .number(let number): numbers.append(number)
        case .array(let elements):
            for element in elements {
                if case .number(let number) = element {
                    numbers.append(number)
                } else {
                    try Member(element, place).flatten(into: &numbers, most: most)
                }
                guard numbers.count <= most else {
                    throw InputError(place, expected: "\(most) numbers", received: "more")
                }
            }
        default: throw wrong("numbers")
        }
    }
}
