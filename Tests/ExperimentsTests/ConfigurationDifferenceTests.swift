import Testing

@testable import Experiments
@testable import Tensors

@Suite struct ConfigurationDifferenceTests {
    private static func differences(_ overrides: [String]) throws -> [String] {
        let complete = try Fixtures.json("complete.json")
        let changed = try Experiment.decode(try Overrides.apply(overrides, to: complete), name: "")
        return changed.differences(from: try Experiment.decode(complete, name: ""))
    }

    @Test func namesEachKey() throws {
        #expect(try Self.differences([]).isEmpty)
        #expect(
            try Self.differences(["seed=9", "training.averaging=null", "model.layers[0].filters=3"]) == [
                "seed 9 instead of 7", "model.layers[0].filters 3 instead of 8",
                "training.averaging null instead of {\"decay\": 0.999}",
            ])
        #expect(try Self.differences(["training.optimizer={\"type\": \"sgd\", \"learningRate\": 1}"]).count > 3)
    }

    /// Where things lie on a machine does not change what is learnt.
    @Test func foldersDoNotCount() throws {
        #expect(try Self.differences(["data.directory=elsewhere", "output.directory=there"]).isEmpty)
    }
}
