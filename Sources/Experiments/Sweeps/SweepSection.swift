import Formats
import Foundation
import Tensors
import Training

private struct Interval: Sendable {
    var low = 0.0
    var high = 0.0
}

private struct IntegerRange: Sendable {
    var low = 0
    var high = 0
}

extension Codec where Value == JSONValue {
    /// Any value; it is validated when a trial's configuration is decoded.
    fileprivate static var anything: Codec {
        Codec(expected: "a value", schema: [:], decode: { json, _ throws(InputError) in json }, encode: { $0 })
    }

    /// The base: the path of a configuration, or a configuration.
    fileprivate static var base: Codec {
        let expected = "the path of a configuration, or a configuration"
        let path = Codec<String>.text(limit: 4096)
        return Codec(
            expected: expected,
            schema: ["anyOf": .array([.object(path.schema), ["type": "object"]])],
            decode: { json, place throws(InputError) in
                if json.object != nil { return json }
                guard json.string != nil else { throw place.error(expected, json) }
                return .string(try path.decode(json, place))
            },
            encode: { $0 })
    }
}

extension Codec where Value == Sweep.Domain {
    /// An array of values, or a distribution.
    fileprivate static var domain: Codec {
        let values = Codec<[JSONValue]>.array(.anything, count: 1...1000, expected: "an array of 1…1000 values")
        let bound = Codec<Double>.number(.closed(-1e12, 1e12)), positive = Codec<Double>.number(.above(0, 1e12))
        let integer = Codec<Int>.integer(-1_000_000_000...1_000_000_000)
        func range(_ bound: Codec<Double>) -> Section<Interval> {
            Section(
                initial: Interval(),
                fields: [
                    .key("low", \.low, bound, isRequired: true, "The least value."),
                    .key("high", \.high, bound, isRequired: true, "The greatest value."),
                ])
        }
        let integers = Section(
            initial: IntegerRange(),
            fields: [
                .key("low", \.low, integer, isRequired: true, "The least value."),
                .key("high", \.high, integer, isRequired: true, "The greatest value."),
            ])
        let list = Section<[JSONValue]>(
            initial: [], fields: [.key("values", \.self, values, isRequired: true, "The values.")])
        let distribution = Codec.tagged([
            Variant("choice", list, { .choice($0) }) { if case .choice(let values) = $0 { values } else { nil } },
            Variant("uniform", range(bound), { .uniform(low: $0.low, high: $0.high) }) {
                if case .uniform(let low, let high) = $0 { Interval(low: low, high: high) } else { nil }
            },
            Variant("logUniform", range(positive), { .logUniform(low: $0.low, high: $0.high) }) {
                if case .logUniform(let low, let high) = $0 { Interval(low: low, high: high) } else { nil }
            },
            Variant("integer", integers, { .integer(low: $0.low, high: $0.high) }) {
                if case .integer(let low, let high) = $0 { IntegerRange(low: low, high: high) } else { nil }
            },
        ])
        let expected = "an array of values, or an object with 'type': choice, uniform, logUniform or integer"
        return Codec(
            expected: expected,
            schema: ["anyOf": .array([.object(values.schema), .object(distribution.schema)])],
            decode: { json, path throws(InputError) in
                if json.array != nil { return .choice(try values.decode(json, path)) }
                guard json.object != nil else { throw path.error(expected, json) }
                let domain = try distribution.decode(json, path)
                let isRange =
                    switch domain {
                    case .choice: true
                    case .uniform(let low, let high), .logUniform(let low, let high): low < high
                    case .integer(let low, let high): low < high
                    }
                guard isRange else { throw path.key("high").error("above low", json.object?["high"] ?? .null) }
                return domain
            },
            encode: { domain in
                if case .choice(let list) = domain { return values.encode(list) }
                return distribution.encode(domain)
            })
    }
}

extension Codec where Value == [Sweep.Parameter] {
    /// An object whose keys are paths.
    fileprivate static var parameters: Codec {
        let expected = "an object of 1…50 paths, such as \"training.batchSize\", with their values"
        let domain = Codec<Sweep.Domain>.domain
        return Codec(
            expected: expected,
            schema: [
                "type": "object", "additionalProperties": .object(domain.schema), "minProperties": .integer(1),
                "maxProperties": .integer(50),
            ],
            decode: { json, path throws(InputError) in
                guard let object = json.object, (1...50).contains(object.members.count) else {
                    throw path.error(expected, json)
                }
                var parameters: [Sweep.Parameter] = []
                for member in object.members {
                    let place = path.key(member.key)
                    if let better = ["seed": "seeds", "name": "name", "output": "output"][
                        String(member.key.prefix { $0 != "." && $0 != "[" })]
                    {
                        throw place.error(
                            "a key that changes the training", .string(member.key),
                            remedy: "the sweep's own key '\(better)' says it")
                    }
                    parameters.append(
                        Sweep.Parameter(path: member.key, domain: try domain.decode(member.value, place)))
                }
                return parameters
            },
            encode: { parameters in
                var object = JSONObject()
                for parameter in parameters { object[parameter.path] = domain.encode(parameter.domain) }
                return .object(object)
            })
    }
}

extension Codec where Value == Sweep.Search {
    /// `"grid"`, or `{"type": "random", "trials": 20}`.
    fileprivate static var search: Codec {
        let trials = Section<Int>(
            initial: 0,
            fields: [
                .key(
                    "trials", \.self, .integer(1...Sweep.mostTrials), isRequired: true,
                    "Different combinations to draw.")
            ])
        let tagged = Codec.tagged([
            Variant("grid", Section(initial: Nothing(), fields: []), { _ in .grid }) {
                $0 == .grid ? Nothing() : nil
            },
            Variant("random", trials, { .random(trials: $0) }) {
                if case .random(let trials) = $0 { trials } else { nil }
            },
        ])
        let expected = "\"grid\" or {\"type\": \"random\", \"trials\": n}"
        return Codec(
            expected: expected, schema: ["anyOf": .array([["const": "grid"], .object(tagged.schema)])],
            decode: { json, path throws(InputError) in
                if json == "grid" { return .grid }
                guard json.object != nil else { throw path.error(expected, json) }
                return try tagged.decode(json, path)
            },
            encode: { $0 == .grid ? "grid" : tagged.encode($0) })
    }
}

extension Codec where Value == Sweep {
    static var sweep: Codec {
        let seed = Codec<Int>.integer(0...(1 << 53)).converted({ value, _, _ in UInt64(value) }, { Int(clamping: $0) })
        let seeds = Codec<[UInt64]>.array(seed, count: 1...100, expected: "an array of 1…100 seeds").converted(
            { values, json, path throws(InputError) in
                guard Set(values).count == values.count else { throw path.error("different seeds", json) }
                return values
            }, { $0 })
        let halving = Section<SuccessiveHalving>(
            initial: SuccessiveHalving(),
            fields: [
                .key("factor", \.factor, .integer(2...100), "One of so many trials goes on to the next rung."),
                .key("minimumEpochs", \.minimumEpochs, .integer(1...100_000), "Epochs of the first rung."),
            ])
        let section = Section<Sweep>(
            initial: Sweep(name: ""),
            fields: [
                Field(
                    key: "$schema", isRequired: false, expected: "a text",
                    schema: .described("Where this schema is, for editors.", Codec<String>.text(limit: 4096).schema),
                    read: { json, path, _ throws(InputError) in
                        _ = try Codec<String>.text(limit: 4096).decode(json, path)
                    }, write: { _ in nil }),
                .key(
                    "name", \.name, .identifier(limit: 80, others: "."), isRequired: true,
                    "What the sweep's folder is called."),
                .key("base", \.base, .base, isRequired: true, "The configuration that is varied, or its path."),
                .key("parameters", \.parameters, .parameters, isRequired: true, "Keys that vary, by path."),
                .key("search", \.search, .search, "Which combinations are tried."),
                .key("seed", \.seed, seed, "Seed of a random search's values."),
                .key(
                    "seeds", \.seeds, seeds,
                    "Seeds that each combination is trained with; the base's where none are given."),
                .key(
                    "monitor", \.monitor, .choice(EarlyStoppingOptions.Monitor.self),
                    "The validation figure that ranks."),
                .optional(
                    "halving", \.halving, halving.codec,
                    "Few epochs for all, more for the best; null: all epochs for all."),
                .key("output", \.output, .text(limit: 4096), "The folder in which the sweep's folder is made."),
            ])
        let object = section.codec
        return Codec(
            expected: object.expected, schema: object.schema,
            decode: { json, path throws(InputError) in
                let sweep = try object.decode(json, path)
                let paths = sweep.parameters.map(\.path)
                if sweep.halving != nil, paths.contains("training.epochs") {
                    throw path.key("parameters").key("training.epochs").error(
                        "a key other than training.epochs, with halving", .string("training.epochs"),
                        remedy: "its rungs are epochs; or set halving to null")
                }
                for (place, inner) in paths.enumerated() {
                    guard let outer = paths.first(where: { Overrides.replaces($0, inner) }) else { continue }
                    throw path.key("parameters").key(paths[place]).error(
                        "a key beside \(outer), not inside it", .string(inner),
                        remedy: "one would replace the other")
                }
                let shaping = paths.first { path in
                    ["training.loss", "training.labelSmoothing", "training.classWeights"].contains {
                        path == $0 || path.hasPrefix($0 + ".") || $0.hasPrefix(path + ".")
                    }
                }
                if sweep.monitor == .validationLoss, let shaping {
                    throw path.key("monitor").error(
                        "validationAccuracy where \(shaping) varies", .string("validationLoss"),
                        remedy: "it changes what the loss means: losses cannot be compared")
                }
                return sweep
            },
            encode: object.encode)
    }
}

extension Sweep {
    /// Loads a sweep and its base configuration.
    ///
    /// - Throws: An ``InputError`` placed like those of ``ExperimentFile/load(path:overrides:)``.
    package static func load(path: String) throws(InputError) -> Sweep {
        let json = try JSONValue.parse(try ExperimentFile.read(path), name: path)
        var sweep = try decode(json, name: path)
        if case .string(let file) = sweep.base {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            let place = URL(fileURLWithPath: file, relativeTo: folder).relativePath
            let url = file.hasPrefix("/") ? file : folder.appendingPathComponent(place).path
            sweep.base = try JSONValue.parse(try ExperimentFile.read(url), name: url)
        }
        // The base must be valid on its own: its values apply to all keys that do not vary.
        let experiment = try Experiment.decode(sweep.base, name: "\(path): base")
        sweep.base = experiment.json
        if json.object?["seeds"] == nil { sweep.seeds = [experiment.seed] }
        return sweep
    }

    package static func decode(_ json: JSONValue, name: String) throws(InputError) -> Sweep {
        do throws(InputError) {
            return try Codec.sweep.decode(json, ConfigurationPath())
        } catch {
            var located = error
            located.place = [name, error.place].filter { !$0.isEmpty }.joined(separator: ": ")
            throw located
        }
    }

    /// The sweep as JSON with every key and the base as a configuration: sweeps with equal text run the same trials.
    package var jsonText: String { Codec.sweep.encode(self).prettyText }

    /// The JSON Schema (draft 2020-12) of a sweep.
    package static var schema: JSONValue {
        let head: JSONObject = [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Numeral sweep",
            "description": "A search over configurations. Unknown keys are refused.",
        ]
        return .object(head.merging(Codec.sweep.schema))
    }
}
