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
                "training.averaging null instead of {\"decay\": 0.999, \"statisticsImages\": 20…",
            ])
        let sgd = ["training.optimizer={\"type\": \"sgd\", \"learningRate\": 1}", "training.schedule.momentum=null"]
        #expect(try Self.differences(sgd).count > 4)
    }

    /// Where things lie on a machine does not change what is learnt.
    @Test func foldersDoNotCount() throws {
        #expect(try Self.differences(["data.directory=elsewhere", "output.directory=there"]).isEmpty)
    }

    /// What a run settles by timing is no difference from what left it open.
    @Test func openLoweringsMayBeSettled() throws {
        let settled = "{\"forward\": \"winograd4:7\", \"inputGradient\": \"im2col:96\", \"weightGradient\": \"direct\"}"
        let run = ["model.layers[0].lowering=\(settled)"]
        func differences(_ overrides: [String]) throws -> [String] {
            let complete = try Fixtures.json("complete.json")
            return try Experiment.decode(try Overrides.apply(overrides, to: complete), name: "").differences(
                from: try Experiment.decode(try Overrides.apply(run, to: complete), name: ""))
        }
        for open in ["null", "auto", "winograd4", "im2col", "direct", settled] {
            #expect(try differences(["model.layers[0].lowering=\(open)"]) == [], "\(open)")
        }
        for other in ["shifted", settled.replacing("7", with: "8"), settled.replacing("direct", with: "shifted:2")] {
            let found = try differences(["model.layers[0].lowering=\(other)"])
            #expect(found.count == 1 && found[0].hasPrefix("model.layers[0].lowering"), "\(other): \(found)")
        }
        #expect(try differences(["model.lowering=im2col"]).count == 1)
    }
}
