/// One value of a JSON text and where it stands.
package struct JSONLeaf: Hashable, Sendable {
    /// `model.layers[3].filters`.
    package var path: String
    package var value: JSONValue

    package init(path: String, value: JSONValue) {
        self.path = path
        self.value = value
    }
}

extension JSONValue {
    /// Everything that is no object and no array of objects, in the order of the text: `[28, 28, 1]` is one leaf, an
    /// empty object or array too.
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
