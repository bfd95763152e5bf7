import Formats
import Testing

@testable import Experiments
@testable import NeuralNetwork
@testable import Tensors
@testable import Training

@Suite struct OverridesTests {
    private func decode(_ assignments: [String]) throws -> Experiment {
        try Experiment.decode(
            try Overrides.apply(assignments, to: try Fixtures.json("complete.json")), name: "complete.json")
    }
    private func refusal(_ assignment: String) -> String { message { _ = try decode([assignment]) } }

    @Test func valuesReachTheirPlaces() throws {
        let experiment = try decode([
            "training.epochs=3", "model.layers[0].filters=16", "training.earlyStopping=null",
            "augmentation.scale=[0.9,1.1]", "data.source=auto", "name=run-2", "output.directory=a=b c",
            "training.epochs=14", "training.optimizer={\"type\": \"sgd\", \"learningRate\": 0.5}",
            "training.optimizer.momentum=0.9", "model.layers[0].kernelSize[1]=7",
        ])
        #expect(experiment.training.epochs == 14)
        #expect(experiment.training.earlyStopping == nil)
        #expect(experiment.training.optimizer == .sgd(learningRate: 0.5, momentum: 0.9))
        #expect(experiment.augmentation.scale == 0.9...1.1)
        #expect(experiment.data.source == .auto)
        #expect(experiment.name == "run-2")
        #expect(experiment.output.directory == "a=b c")
        let first = try #require(experiment.model.nodes[0].layer.as(Conv2D.self))
        #expect(first.filters == 16)
        #expect(first.kernelSize == Size2D(3, 7))
    }

    @Test func missingObjectsAreMade() throws {
        let least = try JSONValue.parse(Fixtures.minimal, name: "least")
        let changed = try Overrides.apply(["training.averaging.decay=0.5", "training.epochs=2"], to: least)
        let experiment = try Experiment.decode(changed, name: "least")
        #expect(experiment.training.averagingDecay == 0.5)
        #expect(experiment.training.epochs == 2)
        #expect(try Overrides.apply(["a.b=1"], to: ["a": .null]) == ["a": ["b": .integer(1)]])
        #expect(try Overrides.apply([], to: least) == least)
    }

    @Test(arguments: [
        (
            "training.optimzer.learningRate=1",
            "complete.json: training.optimzer: expected one of: epochs, batchSize, optimizer, lookahead, schedule, "
                + "warmupEpochs, loss, classWeights, labelSmoothing, l2, gradientClipping, earlyStopping, averaging, initialModel, frozen, learningRates, layerDecay, distillation, whitening, "
                + "progressiveResizing, checkpoints, shards · received "
                + "\"optimzer\" · did you mean 'optimizer'?"
        ),
        ("training.epochs=many", "complete.json: training.epochs: expected an integer in 1…100000 · received \"many\""),
        ("training.epochs", "--set training.epochs: expected path=value · received no '='"),
        (
            "training..epochs=1",
            "--set training..epochs=1: expected keys joined by '.', with [index] for elements · received \"\" · "
                + "as in model.layers[0].filters=16"
        ),
        (
            "=1",
            "--set =1: expected keys joined by '.', with [index] for elements · received \"\" · "
                + "as in model.layers[0].filters=16"
        ),
        (
            "model.layers[x].filters=1",
            "--set model.layers[x].filters=1: expected keys joined by '.', with [index] for elements · "
                + "received \"layers[x]\" · as in model.layers[0].filters=16"
        ),
        (
            "model.layers[99999999999999999999].rate=1",
            "--set model.layers[99999999999999999999].rate=1: expected keys joined by '.', with [index] for elements"
                + " · received \"layers[99999999999999999999]\" · as in model.layers[0].filters=16"
        ),
        (
            "model.layers[16].rate=0",
            "--set model.layers[16].rate=0: expected an index in 0…15 · received 16"
        ),
        (
            "name.first=x",
            "--set name.first=x: expected an object at name · received \"complete\""
        ),
        (
            "training[0]=1",
            "--set training[0]=1: expected an array at training · "
                + "received {\"epochs\": 30, \"batchSize\": 64, \"optimi…"
        ),
        (
            "augmentation.scale=[0.9,1.1",
            "--set augmentation.scale=[0.9,1.1: expected ',' or ']' · received the end of the text"
        ),
        (
            "training.averaging={\"decay\":0.5,\"decay\":0.6}",
            "--set training.averaging={\"decay\":0.5,\"decay\":0.6}: expected each key once · "
                + "received \"decay\" again · remove one of the two"
        ),
        (
            "na\nme=1",
            "--set na\\nme=1: expected keys joined by '.', with [index] for elements · "
                + "received \"na\\nme\" · as in model.layers[0].filters=16"
        ),
    ])
    func mistakesAreNamed(assignment: String, expected: String) {
        #expect(refusal(assignment) == expected)
    }

    @Test func endlessPathsAreRefused() {
        #expect(refusal(String(repeating: "a.", count: 5000) + "a=1").contains("expected at most 64 steps"))
    }
}
