import Formats
import NeuralNetwork
import Tensors

// Codecs of values that several sections share.

extension Codec where Value == Shape {
    static var imageShape: Codec {
        let extents = Graph.imageExtents
        let expected = "[height, width, channels], each an integer in \(extents.lowerBound)…\(extents.upperBound)"
        return Codec<[Int]>.array(.integer(extents), count: 3...3, expected: expected).converted(
            { values, _, _ in Shape(values) }, { $0.dimensions })
    }
}

extension Codec where Value == Shape? {
    /// A shape, or `auto` for nil.
    static var imageShapeOrAuto: Codec {
        let shape = Codec<Shape>.imageShape
        let expected = shape.expected + "; or \"auto\""
        return Codec(
            expected: expected, schema: ["anyOf": .array([.object(shape.schema), ["const": "auto"]])],
            decode: { json, path throws(InputError) in
                if json == .string("auto") { return nil }
                guard case .array = json else { throw path.error(expected, json) }
                return try shape.decode(json, path)
            },
            encode: { $0.map(shape.encode) ?? .string("auto") })
    }
}
