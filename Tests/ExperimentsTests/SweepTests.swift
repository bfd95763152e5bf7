import Formats
import Foundation
import Testing

@testable import Experiments
@testable import Tensors
@testable import Training

@Suite struct SweepTests {
    private static func sweep(_ members: String) throws -> Sweep {
        let text = """
            {"name": "s", "base": \(Fixtures.minimal), \(members)}
            """
        return try Sweep.decode(JSONValue.parse(text, name: "s.json"), name: "s.json")
    }

    /// A sweep as `load` leaves it, the base with its defaults.
    private static func resolved(_ members: String) throws -> Sweep {
        var sweep = try sweep(members)
        sweep.base = try Experiment.decode(sweep.base, name: "").json
        return sweep
    }

    @Test func aGridIsEveryCombination() throws {
        let sweep = try Self.resolved(
            """
            "parameters": {
              "training.batchSize": [32, 64],
              "training.optimizer": [{"type": "adam", "learningRate": 0.5}, {"type": "sgd", "learningRate": 0.25}],
              "model.layers[1].units": {"type": "choice", "values": [10, 12, 14]}
            }
            """)
        let trials = try sweep.trials(name: "s.json")
        #expect(trials.map(\.number) == Array(1...12))
        #expect(
            trials.map { "\($0.experiment.training.batchSize) \($0.experiment.training.optimizer.learningRate)" }
                == [32, 64].flatMap { size in [0.5, 0.25].flatMap { Array(repeating: "\(size) \($0)", count: 3) } })
        #expect(trials[4].values == ["32", #"{"type": "sgd", "learningRate": 0.25}"#, "12"])
        #expect(trials[4].experiment.model.nodes[1].layer == .dense(units: 12))
        #expect(trials[4].experiment.name == "s-5")
    }

    /// Distributions: in range, different, the same each time, and shaped as they say.
    @Test func aRandomSearchDrawsFromItsDistributions() throws {
        let sweep = try Self.resolved(
            """
            "search": {"type": "random", "trials": 400}, "seed": 9,
            "parameters": {
              "training.optimizer.learningRate": {"type": "logUniform", "low": 1e-5, "high": 0.1},
              "training.labelSmoothing": {"type": "uniform", "low": 0, "high": 0.2},
              "training.batchSize": {"type": "integer", "low": 16, "high": 19}
            }
            """)
        let trials = try sweep.trials(name: "s.json")
        #expect(trials.count == 400 && Set(trials.map(\.values)).count == 400)
        #expect(try sweep.trials(name: "s.json") == trials)
        let rates = trials.map(\.experiment.training.optimizer.learningRate)
        #expect(rates.allSatisfy { $0 >= 1e-5 && $0 <= 0.1 })
        // Shares within five standard deviations of a binomial's: √(400·0.25·0.75) = 8.7.
        for quarter in 0..<4 {
            let low = pow(10, -5 + Double(quarter)), high = low * 10
            #expect(abs(rates.filter { $0 >= low && $0 < high }.count - 100) < 44)
        }
        let smoothings = trials.map(\.experiment.training.labelSmoothing)
        for quarter in 0..<4 {
            let low = 0.05 * Double(quarter)
            #expect(abs(smoothings.filter { $0 >= low && $0 < low + 0.05 }.count - 100) < 44)
        }
        #expect(Set(trials.map(\.experiment.training.batchSize)) == [16, 17, 18, 19])
        // Four digits at most, so that a table shows what ran.
        for rate in rates { #expect(Double(String(format: "%.3e", rate)) == rate) }
        var other = sweep
        other.seed = 10
        #expect(try other.trials(name: "s.json").map(\.values) != trials.map(\.values))
    }

    /// No more combinations than there are.
    @Test func aSmallSpaceIsUsedUp() throws {
        let sweep = try Self.resolved(
            #""search": {"type": "random", "trials": 50}, "parameters": {"training.batchSize": [8, 16, 32]}"#)
        #expect(Set(try sweep.trials(name: "s.json").map(\.values)) == [["8"], ["16"], ["32"]])
    }

    /// Jamieson and Talwalkar's rungs: n·η⁻ᵏ trials for r·ηᵏ epochs.
    @Test func halvingFollowsThePaper() {
        let halving = SuccessiveHalving(factor: 3, minimumEpochs: 1)
        #expect(halving.rungs(epochs: 27) == [1, 3, 9, 27])
        #expect(halving.rungs(epochs: 20) == [1, 3, 9, 20])
        #expect(halving.rungs(epochs: 1) == [1])
        #expect(SuccessiveHalving(factor: 2, minimumEpochs: 4).rungs(epochs: 15) == [4, 8, 15])
        #expect(SuccessiveHalving(factor: 100, minimumEpochs: 100_000).rungs(epochs: .max).last == .max)
        #expect([27, 9, 3, 1].map { halving.survivors(of: $0) } == [9, 3, 1, 1])
    }

    @Test func aSweepComesBackFromItsText() throws {
        let sweep = try Self.resolved(
            """
            "parameters": {"a.b": {"type": "logUniform", "low": 0.5, "high": 2}, "c": ["x", null, [1]],
              "d": {"type": "integer", "low": -3, "high": 4}, "e": {"type": "uniform", "low": -1.5, "high": 0}},
            "search": {"type": "random", "trials": 7}, "seeds": [4, 2], "seed": 3, "monitor": "validationLoss",
            "halving": {"factor": 4, "minimumEpochs": 2}, "output": "out"
            """)
        let again = try Sweep.decode(JSONValue.parse(sweep.jsonText, name: ""), name: "")
        #expect(again == sweep)
        #expect(again.halving == SuccessiveHalving(factor: 4, minimumEpochs: 2) && again.seeds == [4, 2])
    }

    @Test(arguments: [
        (#""parameters": {}"#, "parameters: expected an object of 1…50 paths"),
        (#""parameters": {"a": []}"#, "parameters.a: expected an array of 1…1000 values"),
        (#""parameters": {"a": 3}"#, "parameters.a: expected an array of values, or an object with 'type'"),
        (
            #""parameters": {"a": {"type": "uniform", "low": 2, "high": 2}}"#,
            "parameters.a.high: expected above low · received 2"
        ),
        (#""parameters": {"a": {"type": "logUniform", "low": 0, "high": 2}}"#, "parameters.a.low: expected a number"),
        (
            #""parameters": {"a": {"type": "loguniform", "low": 1, "high": 2}}"#,
            "parameters.a.type: expected one of: choice, uniform, logUniform, integer · received \"loguniform\" · did you"
        ),
        (#""parameters": {"seed": [1]}"#, "parameters.seed: expected a key that changes the training"),
        (#""parameters": {"a": [1]}, "seeds": []"#, "seeds: expected an array of 1…100 seeds"),
        (#""parameters": {"a": [1]}, "seeds": [1, 1]"#, "seeds: expected different seeds"),
        (#""parameters": {"a": [1]}, "serch": "grid""#, "serch: expected one of"),
        (#""parameters": {"a": [1]}, "search": {"type": "random"}"#, "search.trials: expected an integer"),
        (
            #""parameters": {"training.epochs": [1]}, "halving": {}"#,
            "parameters[\"training.epochs\"]: expected a key other than training.epochs, with halving"
        ),
        (
            #""parameters": {"training.labelSmoothing": [0, 0.1]}, "monitor": "validationLoss""#,
            "monitor: expected validationAccuracy where training.labelSmoothing varies"
        ),
        (
            #""parameters": {"training.loss.gamma": [1, 2]}, "monitor": "validationLoss""#,
            "monitor: expected validationAccuracy where training.loss.gamma varies"
        ),
        (
            #""parameters": {"training.classWeights": [null, "balanced"]}, "monitor": "validationLoss""#,
            "monitor: expected validationAccuracy where training.classWeights varies"
        ),
    ])
    func wrongSweepsAreRefused(_ members: String, _ beginning: String) {
        #expect(message { _ = try Self.sweep(members) }.hasPrefix("s.json: " + beginning), "\(members)")
    }

    /// What only shows when configurations are made of it.
    @Test(arguments: [
        (
            #""parameters": {"training.batchSize": [8, 0]}"#,
            "s.json: trial 2 (training.batchSize=0): training.batchSize: expected an integer in 1…65536 · received 0"
        ),
        (
            #""parameters": {"training.optimzer.learningRate": [1]}"#,
            "s.json: trial 1 (training.optimzer.learningRate=1): training.optimzer: expected one of"
        ),
        (
            #""parameters": {"model.layers[7].units": [1]}"#,
            "s.json: trial 1 (model.layers[7].units=1): --set model.layers[7].units=1: expected an index in 0…1"
        ),
        (
            #""parameters": {"training.batchSize": {"type": "integer", "low": 1, "high": 9}}"#,
            "s.json: parameters: training.batchSize: expected an array of values, with \"search\": \"grid\""
        ),
        (
            #""parameters": {"data.validationFraction": [0]}"#,
            "s.json: trial 1 (data.validationFraction=0): data.validationFraction: expected above 0"
        ),
        (
            #""parameters": {"training.batchSize": [8]}, "halving": {"minimumEpochs": 11}"#,
            "s.json: trial 1: halving.minimumEpochs: expected at most training.epochs, 10 · received 11"
        ),
    ])
    func impossibleTrialsAreRefused(_ members: String, _ beginning: String) {
        let line = message { _ = try Self.resolved(members).trials(name: "s.json") }
        #expect(line.hasPrefix(beginning), "\(line)")
    }

    /// A key inside another that varies would be lost.
    @Test func aKeyInsideAnotherIsRefused() {
        let line = message {
            _ = try Self.sweep(
                #""parameters": {"training.optimizer.learningRate": [1, 2], "training.optimizer": [{"type": "adam"}]}"#)
        }
        #expect(
            line.hasPrefix(
                #"s.json: parameters["training.optimizer.learningRate"]: expected a key beside training.optimizer"#),
            "\(line)")
    }

    /// Without seeds of its own a sweep trains with the base's.
    @Test(arguments: [("", [7]), (#""seeds": [1, 2],"#, [1, 2])] as [(String, [UInt64])])
    func theSeedIsTheBases(_ members: String, _ seeds: [UInt64]) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "sweep-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let base = try Overrides.apply(["seed=7"], to: JSONValue.parse(Fixtures.minimal, name: "base"))
        let text = #"{"name": "s", "base": \#(base.text), \#(members) "parameters": {"training.batchSize": [8, 9]}}"#
        try text.write(to: file, atomically: true, encoding: .utf8)
        #expect(try Sweep.load(path: file.path).seeds == seeds)
    }

    /// `NUMERAL_WRITE_SCHEMA=1 swift test --filter SweepTests` writes the file anew after a change of keys.
    @Test func committedSchemaIsTheDecodersOwn() throws {
        let file = Fixtures.configurations.appending(path: "sweeps/schema.json")
        let text = Sweep.schema.prettyText
        if ProcessInfo.processInfo.environment["NUMERAL_WRITE_SCHEMA"] == "1" {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }

    /// Every sweep that ships is decoded, and its configurations made.
    @Test func everySweepThatShipsIsSound() throws {
        let folder = Fixtures.configurations.appending(path: "sweeps")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0 != "schema.json" }
        #expect(!names.isEmpty)
        for name in names {
            let path = folder.appending(path: name).path
            #expect(try !Sweep.load(path: path).trials(name: name).isEmpty, "\(name)")
        }
    }
}
