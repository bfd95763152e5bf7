/// A value of a JSON text and its path.
package struct JSONLeaf: Hashable, Sendable {
    /// The path, such as `model.layers[3].filters`.
    package var path: String
    package var value: JSONValue

    package init(path: String, value: JSONValue) {
        self.path = path
        self.value = value
    }
}

extension JSONValue {
    /// All values except objects and arrays of objects or arrays, in text order: `[28, 28, 1]` is one leaf, and so is
    /// an empty object or array.
    package var leaves: [JSONLeaf] {
        var result: [JSONLeaf] = []
        collect("", into: &result)
        return result
    }

    private func collect(_ path: String, into result: inout [JSONLeaf]) {
        switch self {
        case .object(let object) where !object.members.isEmpty:
            for member in object.members {
                member.value.collect(path.isEmpty ? member.key : "\(path).\(member.key)", into: &result)
            }
        case .array(let elements) where elements.contains { $0.object != nil || $0.array != nil }:
            for (index, element) in elements.enumerated() { element.collect("\(path)[\(index)]", into: &result) }
        default: result.append(JSONLeaf(path: path, value: self))
        }
    }
}
