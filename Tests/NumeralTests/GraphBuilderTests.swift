import Numeral
import Testing

@testable import Experiments

@Suite struct GraphBuilderTests {
    /// A graph in Swift and the same in JSON are one value, names and inputs included.
    @Test func saysWhatJSONSays() throws {
        let blocks = 2
        let graph = try Graph(inputShape: [28, 28, 1], initializer: .glorotUniform) {
            Layer.conv2d(filters: 8, kernelSize: 3, padding: .same, useBias: false)
            Layer.batchNormalization()
            Layer.relu.named("stem")
            for block in 1...blocks {
                Layer.conv2d(filters: 8, kernelSize: 3, padding: .same).named("branch\(block)")
                Layer.add.reading("branch\(block)", block == 1 ? "stem" : "add_\(block - 1)")
            }
            if blocks > 1 { Layer.dropout(rate: 0.25) }
            Layer.concatenate.reading("dropout_1", "stem")
            Layer.maxPooling2d(poolSize: 2)
            Layer.flatten
            Layer.dense(units: 10)
        }
        let text = """
            {"name": "x", "model": {"inputShape": [28, 28, 1], "initializer": "glorotUniform", "layers": [
              {"type": "conv2d", "filters": 8, "kernelSize": 3, "padding": "same", "useBias": false},
              {"type": "batchNormalization"},
              {"type": "relu", "name": "stem"},
              {"type": "conv2d", "name": "branch1", "filters": 8, "kernelSize": 3, "padding": "same"},
              {"type": "add", "inputs": ["branch1", "stem"]},
              {"type": "conv2d", "name": "branch2", "filters": 8, "kernelSize": 3, "padding": "same"},
              {"type": "add", "inputs": ["branch2", "add_1"]},
              {"type": "dropout", "rate": 0.25},
              {"type": "concatenate", "inputs": ["dropout_1", "stem"]},
              {"type": "maxPooling2d", "poolSize": 2},
              {"type": "flatten"},
              {"type": "dense", "units": 10}
            ]}}
            """
        #expect(graph == (try Experiment.decode(text, name: "").model))
    }

    @Test func aChainOfValuesIsTheSame() throws {
        let values = try Graph(inputShape: [8, 8, 3], layers: [.flatten, .dense(units: 4), .relu, .dense(units: 2)])
        let built = try Graph(inputShape: [8, 8, 3]) {
            Layer.flatten
            Layer.dense(units: 4)
            Layer.relu
            Layer.dense(units: 2)
        }
        #expect(values == built)
        #expect(values.nodes.map(\.name) == ["flatten_1", "dense_1", "relu_1", "dense_2"])
        #expect(values.nodes.map(\.inputs) == [["input"], ["flatten_1"], ["dense_1"], ["relu_1"]])
    }

    /// A name that the user took is passed over.
    @Test func namesGivenAreLeftAlone() throws {
        let graph = try Graph(inputShape: [4, 4, 1]) {
            Layer.flatten
            Layer.dense(units: 3)
            Layer.dense(units: 3).named("dense_2")
            Layer.dense(units: 3)
        }
        #expect(graph.nodes.map(\.name) == ["flatten_1", "dense_1", "dense_2", "dense_3"])
    }

    @Test func impossibleGraphsAreRefusedWithTheirPlace() {
        let cases: [(line: String, make: () throws -> Graph)] = [
            (
                "model.inputShape: expected [height, width, channels], each an integer in 1…1024 · received [28, 0, 1]",
                { try Graph(inputShape: [28, 0, 1], layers: [.flatten, .dense(units: 2)]) }
            ),
            (
                "model.inputShape: expected [height, width, channels], each an integer in 1…1024 · received [28, 28]",
                { try Graph(inputShape: [28, 28], layers: [.flatten, .dense(units: 2)]) }
            ),
            (
                "model.layers[1].inputs: expected names of earlier layers (flatten_1, input) · received \"dense_9\"",
                {
                    try Graph(inputShape: [4, 4, 1]) {
                        Layer.flatten
                        Layer.dense(units: 2).reading("dense_9")
                    }
                }
            ),
            (
                "model.layers: expected at least one layer · received an empty list",
                { try Graph(inputShape: [4, 4, 1], layers: []) }
            ),
        ]
        for (line, make) in cases {
            let error = #expect(throws: InputError.self) { try make() }
            #expect(error?.description == line)
        }
        let small = #expect(throws: InputError.self) {
            try Graph(inputShape: [4, 4, 1], layers: [.conv2d(filters: 2, kernelSize: 9), .flatten, .dense(units: 2)])
        }
        #expect(small?.place == "model.layers[0] (conv2d_1)")
    }
}
