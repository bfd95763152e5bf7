import Tensors

/// A key of an object: its codec and the location of its value in `Root`.
public struct Field<Root>: Sendable {
    package let key: String
    package let isRequired: Bool
    package let expected: String
    /// The schema, with the description; ``Section`` adds the default.
    package let schema: JSONObject
    package let read: @Sendable (JSONValue, ConfigurationPath, inout Root) throws(InputError) -> Void
    /// Returns the JSON of the value, or nil to omit the key.
    package let write: @Sendable (Root) -> JSONValue?

    package init(
        key: String, isRequired: Bool, expected: String, schema: JSONObject,
        read: @escaping @Sendable (JSONValue, ConfigurationPath, inout Root) throws(InputError) -> Void,
        write: @escaping @Sendable (Root) -> JSONValue?
    ) {
        self.key = key
        self.isRequired = isRequired
        self.expected = expected
        self.schema = schema
        self.read = read
        self.write = write
    }

    /// Returns a field whose value is stored at `place`.
    public static func key<Value>(
        _ key: String, _ place: any WritableKeyPath<Root, Value> & Sendable, _ codec: Codec<Value>,
        isRequired: Bool = false, _ description: String
    ) -> Field {
        Field(
            key: key, isRequired: isRequired, expected: codec.expected,
            schema: JSONObject.described(description, codec.schema),
            read: { json, path, root throws(InputError) in root[keyPath: place] = try codec.decode(json, path) },
            write: { codec.encode($0[keyPath: place]) })
    }

    /// Returns a field that reads null as nil. Nil is written as null too, unless `isLeftOut`.
    public static func optional<Value>(
        _ key: String, _ place: any WritableKeyPath<Root, Value?> & Sendable, _ codec: Codec<Value>,
        isLeftOut: Bool = false, _ description: String
    ) -> Field {
        let nullable = codec.nullable
        return Field(
            key: key, isRequired: false, expected: nullable.expected,
            schema: JSONObject.described(description, nullable.schema),
            read: { json, path, root throws(InputError) in root[keyPath: place] = try nullable.decode(json, path) },
            write: { root in
                let value = root[keyPath: place]
                return value == nil && isLeftOut ? nil : nullable.encode(value)
            })
    }
}

extension Field {
    /// Returns the same field for a root that is a part of another.
    package func within<Whole>(_ part: any WritableKeyPath<Whole, Root> & Sendable) -> Field<Whole> {
        Field<Whole>(
            key: key, isRequired: isRequired, expected: expected, schema: schema,
            read: { json, path, whole throws(InputError) in try read(json, path, &whole[keyPath: part]) },
            write: { write($0[keyPath: part]) })
    }
}

/// A root without fields, for a section without keys.
public struct Nothing: Hashable, Sendable {
    package init() {}
}

/// An object with a fixed set of keys.
public struct Section<Root: Sendable>: Sendable {
    /// The defaults; required fields are always replaced.
    package let initial: Root
    package let fields: [Field<Root>]

    /// Creates a section with its keys in documentation order; keys that are omitted keep the values of `initial`.
    public init(initial: Root, fields: [Field<Root>]) {
        self.initial = initial
        self.fields = fields
    }

    /// Decodes the members in order. Each member is offered to `other` first, which returns whether it handled it;
    /// `otherKeys` are the keys that `other` accepts, for messages.
    ///
    /// - Throws: `InputError` for the first unknown or invalid member, then for a missing required key.
    package func decode(
        _ object: JSONObject, _ path: ConfigurationPath, otherKeys: [String] = [],
        other: (JSONObject.Member) throws(InputError) -> Bool = { _ in false }
    ) throws(InputError) -> Root {
        var root = initial
        for member in object.members {
            if try other(member) { continue }
            let place = path.key(member.key)
            guard let field = fields.first(where: { $0.key == member.key }) else {
                let keys = otherKeys + fields.map(\.key)
                throw place.error(
                    "one of: " + keys.joined(separator: ", "), .string(member.key),
                    remedy: Spelling.remedy(for: member.key, among: keys))
            }
            try field.read(member.value, place, &root)
        }
        try Self.requireKeys(of: fields, in: object, path)
        return root
    }

    package static func requireKeys<Other>(
        of fields: [Field<Other>], in object: JSONObject, _ path: ConfigurationPath
    ) throws(InputError) {
        for field in fields where field.isRequired && object[field.key] == nil {
            throw path.key(field.key).missing(field.expected)
        }
    }

    /// Encodes every key, in the order of `fields`.
    package func encode(_ root: Root) -> JSONObject {
        var object = JSONObject()
        for field in fields { object[field.key] = field.write(root) }
        return object
    }

    /// The schema of each key, including defaults.
    package var properties: JSONObject {
        var properties = JSONObject()
        for field in fields {
            var schema = field.schema
            if !field.isRequired, let value = field.write(initial), value != .null || field.schema["anyOf"] != nil {
                schema["default"] = value
            }
            properties[field.key] = .object(schema)
        }
        return properties
    }

    package var requiredKeys: [String] { fields.filter(\.isRequired).map(\.key) }

    /// The section as a codec of an object.
    package var codec: Codec<Root> {
        Codec(
            expected: "an object", schema: JSONObject.schema(properties, requiredKeys: requiredKeys),
            decode: { json, path throws(InputError) in
                guard let object = json.object else { throw path.error("an object", json) }
                return try decode(object, path)
            },
            encode: { .object(encode($0)) })
    }
}

extension JSONObject {
    /// Returns a schema with its description first.
    package static func described(_ description: String, _ schema: JSONObject) -> JSONObject {
        (["description": .string(description)] as JSONObject).merging(schema)
    }

    /// Returns the schema of an object with these keys and no others.
    package static func schema(_ properties: JSONObject, requiredKeys: [String]) -> JSONObject {
        var schema: JSONObject = [
            "type": "object", "properties": .object(properties), "additionalProperties": .boolean(false),
        ]
        if !requiredKeys.isEmpty { schema["required"] = .array(requiredKeys.map { .string($0) }) }
        return schema
    }
}
