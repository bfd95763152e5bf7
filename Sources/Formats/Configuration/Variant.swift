import Tensors

/// A case of a union of objects, discriminated by the key `type`. `Common` holds the keys that all cases share.
package struct Variant<Common: Sendable, Union>: Sendable {
    package let name: String
    /// The shared keys, as accepted by this case.
    package let common: [Field<Common>]
    /// The schemas of the keys specific to this case, type-erased.
    package let properties: JSONObject
    package let requiredKeys: [String]
    package let decode:
        @Sendable (
            JSONObject, ConfigurationPath, [String], (JSONObject.Member) throws(InputError) -> Bool
        ) throws(InputError) -> Union
    /// Returns nil for a value of another case.
    package let encode: @Sendable (Union) -> JSONObject?

    /// - Parameters:
    ///   - make: creates the union's value from the case's options.
    ///   - match: returns those options; nil for a value of another case.
    package init<Options>(
        _ name: String, common: [Field<Common>], _ section: Section<Options>,
        _ make: @escaping @Sendable (Options) -> Union, _ match: @escaping @Sendable (Union) -> Options?
    ) {
        self.name = name
        self.common = common
        properties = section.properties
        requiredKeys = section.requiredKeys
        decode = { object, path, otherKeys, other throws(InputError) in
            make(try section.decode(object, path, otherKeys: otherKeys, other: other))
        }
        encode = { match($0).map(section.encode) }
    }
}

extension Variant where Common == Nothing {
    /// Creates a case of a union without shared keys.
    package init<Options>(
        _ name: String, _ section: Section<Options>, _ make: @escaping @Sendable (Options) -> Union,
        _ match: @escaping @Sendable (Union) -> Options?
    ) {
        self.init(name, common: [], section, make, match)
    }
}

/// The decoded value of a union with its shared keys.
package struct Tagged<Common: Sendable, Union: Sendable>: Sendable {
    package var common: Common
    package var value: Union

    package init(common: Common, value: Union) {
        self.common = common
        self.value = value
    }
}

extension Codec {
    /// An object whose `type` names one of `variants`.
    package static func union<Common, Union>(
        _ variants: [Variant<Common, Union>], common initial: Common
    ) -> Codec where Value == Tagged<Common, Union> {
        let tag = Codec<String>.choice(variants.map { ($0.name, $0.name) })
        return Codec(
            expected: "an object with 'type'", schema: schema(of: variants, initial),
            decode: { json, path throws(InputError) in
                guard let object = json.object else { throw path.error("an object with 'type'", json) }
                guard let type = object["type"] else { throw path.key("type").missing(tag.expected) }
                let name = try tag.decode(type, path.key("type"))
                guard let variant = variants.first(where: { $0.name == name }) else {
                    throw path.key("type").error(tag.expected, type)
                }
                var common = initial
                let keys = ["type"] + variant.common.map(\.key)
                let value = try variant.decode(object, path, keys) { member throws(InputError) in
                    if member.key == "type" { return true }
                    guard let field = variant.common.first(where: { $0.key == member.key }) else { return false }
                    try field.read(member.value, path.key(member.key), &common)
                    return true
                }
                try Section<Common>.requireKeys(of: variant.common, in: object, path)
                return Tagged(common: common, value: value)
            },
            encode: { tagged in
                for variant in variants {
                    guard let options = variant.encode(tagged.value) else { continue }
                    var object: JSONObject = ["type": .string(variant.name)]
                    for field in variant.common { object[field.key] = field.write(tagged.common) }
                    return .object(object.merging(options))
                }
                // A kind that was not registered: refused when it is read again, by its place and this name.
                return ["type": .string("unregistered: \(tagged.value)")]
            })
    }

    /// An object whose `type` names one of `variants`, without shared keys.
    package static func tagged(_ variants: [Variant<Nothing, Value>]) -> Codec where Value: Sendable {
        Codec<Tagged<Nothing, Value>>.union(variants, common: Nothing()).converted(
            { tagged, _, _ in tagged.value }, { Tagged(common: Nothing(), value: $0) })
    }

    /// Returns the schema: the names as an `enum`, so that editors can complete them, and an `if`/`then` for the keys
    /// of each case.
    private static func schema<Common, Union>(
        of variants: [Variant<Common, Union>], _ initial: Common
    ) -> JSONObject {
        let names = variants.map { JSONValue.string($0.name) }
        let cases = variants.map { variant -> JSONValue in
            let common = Section(initial: initial, fields: variant.common)
            let type: JSONObject = ["type": ["const": .string(variant.name)]]
            let properties = type.merging(common.properties).merging(variant.properties)
            return [
                "if": ["properties": .object(type), "required": .array(["type"])],
                "then": .object(
                    JSONObject.schema(properties, requiredKeys: common.requiredKeys + variant.requiredKeys)),
            ]
        }
        return [
            "type": "object", "properties": ["type": ["enum": .array(names)]], "required": .array(["type"]),
            "allOf": .array(cases),
        ]
    }
}
