import Tensors

extension Codec where Value == ClosedRange<Double> {
    /// An interval `[low, high]`, both ends in `bounds`.
    public static func interval(_ bounds: NumberRange) -> Codec {
        let expected = "[low, high], low at most high, each a number in \(bounds.text)"
        let pair = Codec<[Double]>.array(.number(bounds), count: 2...2, expected: expected)
        return pair.converted(
            { values, json, path throws(InputError) in
                guard values[0] <= values[1] else { throw path.error(expected, json) }
                return values[0]...values[1]
            },
            { [$0.lowerBound, $0.upperBound] })
    }
}

extension Codec where Value == ClosedRange<Float> {
    /// An interval `[low, high]`, both ends in `bounds`.
    public static func interval(_ bounds: NumberRange) -> Codec {
        let expected = "[low, high], low at most high, each a number in \(bounds.text)"
        let pair = Codec<[Float]>.array(.number(bounds), count: 2...2, expected: expected)
        return pair.converted(
            { values, json, path throws(InputError) in
                guard values[0] <= values[1] else { throw path.error(expected, json) }
                return values[0]...values[1]
            },
            { [$0.lowerBound, $0.upperBound] })
    }

    /// An interval `[low, high]`, both ends in `bounds`, or one number s in `spread` for `[1 − s, 1 + s]`.
    package static func factors(_ bounds: NumberRange, spread: NumberRange) -> Codec {
        let interval = Codec.interval(bounds)
        let single = Codec<Float>.number(spread)
        let expected = "\(interval.expected); or one number s in \(spread.text), for [1 − s, 1 + s]"
        return Codec(
            expected: expected, schema: ["anyOf": .array([.object(single.schema), .object(interval.schema)])],
            decode: { json, path throws(InputError) in
                if json.array?.count == 2 { return try interval.decode(json, path) }
                guard case .number(let number) = json, spread.contains(number.double) else {
                    throw path.error(expected, json)
                }
                return 1 - number.float...1 + number.float
            },
            encode: interval.encode)
    }
}
