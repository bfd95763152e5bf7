import Datasets
import Experiments
import Formats
import Interchange
import NeuralNetwork
import Tensors
import TestSupport
import Testing
import Training

@Suite("Weights of PyTorch and Keras")
struct WeightImportTests {
    @Test(
        "give the logits that PyTorch and Keras computed",
        arguments: [
            ("torch.safetensors", nil), ("torch.npz", nil), ("keras.safetensors", nil),
            ("keras.npz", WeightLayout.keras),
        ])
    func logits(file: String, layout: WeightLayout?) throws {
        let oracle = try Oracle.load()
        let imported = try WeightImport.load(file, layout: layout)
        let isTorch = file.hasPrefix("torch")
        #expect(imported.layout == (isTorch ? .pytorch : .keras))
        // Sums of at most 24 terms of about 1, and the exp and log of softmax: far below 1e-5 in float32.
        #expect(try oracle.distance(of: imported, from: isTorch ? oracle.torchLogits : oracle.kerasLogits) < 1e-5)
    }

    @Test("say what went where")
    func assignments() throws {
        let found = try WeightImport.load("torch.safetensors").assignments.map { "\($0.source) → \($0.target)" }
        #expect(
            found == [
                "stem.weight → conv2d_1/kernel", "stem.bias → conv2d_1/bias",
                "norm.weight → batchNormalization_1/gamma",
                "norm.bias → batchNormalization_1/beta", "norm.running_mean → batchNormalization_1/moving_mean",
                "norm.running_var → batchNormalization_1/moving_variance", "wide.weight → conv2d_2/kernel",
                "flat_norm.weight → batchNormalization_2/gamma", "flat_norm.bias → batchNormalization_2/beta",
                "flat_norm.running_mean → batchNormalization_2/moving_mean",
                "flat_norm.running_var → batchNormalization_2/moving_variance", "fc1.weight → dense_1/kernel",
                "fc1.bias → dense_1/bias", "fc2.weight → dense_2/kernel", "fc2.bias → dense_2/bias",
            ])
    }

    @Test("exported again are the tensors that PyTorch and Keras wrote", arguments: [WeightLayout.pytorch, .keras])
    func exported(layout: WeightLayout) throws {
        let name = layout == .pytorch ? "torch.safetensors" : "keras.safetensors"
        let imported = try WeightImport.load(name)
        let graph = try Oracle.graph()
        let model = savedModel(
            graph, TestWeights(parameters: imported.parameters.array, state: imported.state.array))
        let file = try SafetensorsFile.decode(fixtureData(name), name: name, formats: nil)
        let written = try SafetensorsFile.decode(model.safetensors(layout), name: "export")
        for (assignment, tensor) in zip(imported.assignments, written.tensors) {
            let original = try #require(file.tensors.first { $0.name == assignment.source })
            #expect(tensor.shape == original.shape && tensor.values == original.values, "\(assignment.source)")
        }
        #expect(written.tensors.first?.name == (layout == .pytorch ? "conv2d_1.weight" : "conv2d_1/kernel"))
        #expect(written.metadata["format"] == (layout == .pytorch ? "pt" : "keras"))
    }

    @Test("come back from every layout and file", arguments: SampleGraph.all)
    func roundTrip(sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 31)
        let model = savedModel(graph, weights, normalization: (0.25, 0.5))
        for layout in WeightLayout.allCases {
            for data in [try model.safetensors(layout), try model.npz(layout)] {
                try withFile(data) { path in
                    let file = try WeightFile.load(path: path, limit: WeightImport.byteLimit(graph))
                    let imported = try WeightImport(file, into: graph)
                    #expect(imported.layout == layout)
                    #expect(imported.parameters.array.bits == weights.parameters.bits)
                    #expect(imported.state.array.bits == weights.state.bits)
                    let normalization = try file.normalization()
                    #expect(normalization?.mean == 0.25 && normalization?.standardDeviation == 0.5)
                }
            }
        }
    }

    private static func record(_ name: String, _ shape: [Int], _ value: Float = 0.5) -> TensorRecord {
        TensorRecord(name: name, shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }

    /// A network of two convolutions and two dense layers, in PyTorch's names.
    private static let sound = [
        record("a.weight", [3, 1, 2, 2], 1), record("b.weight", [3, 3, 2, 2], 2), record("b.bias", [3], 3),
        record("c.weight", [3, 12], 4), record("c.bias", [3], 5), record("d.weight", [3, 3], 6),
        record("d.bias", [3], 7),
    ]
    private static let layers: [Layer] = [
        .conv2d(filters: 3, kernelSize: Size2D(2), useBias: false), .conv2d(filters: 3, kernelSize: Size2D(2)),
        .flatten, .dense(units: 3), .dense(units: 3),
    ]

    private func load(
        _ tensors: [TensorRecord], names: [String: String] = [:], layout: WeightLayout? = nil
    ) throws(InputError) -> WeightImport {
        let graph = try ResolvedGraph(Graph(inputShape: Shape([4, 4, 1]), layers: Self.layers))
        return try WeightImport(WeightFile(name: "w", tensors: tensors), into: graph, layout: layout, names: names)
    }

    private func refusal(
        _ tensors: [TensorRecord], names: [String: String] = [:], layout: WeightLayout? = nil
    ) -> String {
        do throws(InputError) {
            _ = try load(tensors, names: names, layout: layout)
            return ""
        } catch {
            return error.description
        }
    }

    @Test("are matched by name, by a given map, by kind and shape")
    func matching() throws {
        func sources(_ imported: WeightImport) -> [String] { imported.assignments.map(\.source) }
        let inOrder = ["a.weight", "b.weight", "b.bias", "c.weight", "c.bias", "d.weight", "d.bias"]
        #expect(sources(try load(Self.sound.reversed())) == inOrder)
        // By name, although the order of the names is the other way round: two dense layers of one shape.
        let square: [Layer] = [.flatten, .dense(units: 16, useBias: false), .dense(units: 16, useBias: false)]
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([4, 4, 1]),
                nodes: [
                    LayerNode("flat", "input", layer: square[0]), LayerNode("z", "flat", layer: square[1]),
                    LayerNode("y", "z", layer: square[2]),
                ]))
        let named = [Self.record("y.weight", [16, 16], 2), Self.record("z.weight", [16, 16], 1)]
        let byName = try WeightImport(WeightFile(name: "w", tensors: named), into: graph)
        #expect(sources(byName) == ["z.weight", "y.weight"] && byName.parameters[0] == 1)
        // Under other names, order decides; a map overrules it.
        let others = [Self.record("p2.weight", [16, 16], 1), Self.record("p10.weight", [16, 16], 2)]
        let byOrder = try WeightImport(WeightFile(name: "w", tensors: others), into: graph)
        #expect(sources(byOrder) == ["p2.weight", "p10.weight"])
        let mapped = try WeightImport(
            WeightFile(name: "w", tensors: others), into: graph, names: ["z": "p10"])
        #expect(sources(mapped) == ["p10.weight", "p2.weight"])
    }

    @Test("are refused with the place, what was expected and what was received")
    func refusals() throws {
        let sound = Self.sound
        #expect(refusal(sound) == "")
        #expect(
            refusal(sound.dropLast(2)) == "w: expected 2 dense layers (dense_1, dense_2) · received 1 (c)")
        #expect(
            refusal([Self.record("a.weight", [3, 1, 5, 5])] + sound.dropFirst()).hasPrefix(
                "w: a.weight: expected shape [3, 1, 2, 2] for conv2d_1/kernel · received [3, 1, 5, 5]"))
        #expect(
            refusal(sound.filter { $0.name != "c.bias" }).hasPrefix(
                "w: c: expected a tensor for dense_1/bias · received none · set useBias to false"))
        #expect(
            refusal(sound + [Self.record("a.bias", [3])]).hasPrefix(
                "w: a.bias: expected only kernel for conv2d_1 · received bias · set useBias to true"))
        #expect(refusal(sound + [Self.record("e.weight", [2, 2, 2])]).hasPrefix("w: e: expected a convolution"))
        #expect(refusal(sound + [Self.record("e.omega", [2])]).hasPrefix("w: e.omega: expected a name that ends in"))
        #expect(refusal(sound + [Self.record("e.gamma", [2])]).hasPrefix("w: expected names of one layout"))
        #expect(
            refusal(sound + [Self.record("a/weight", [3])]).hasPrefix("w: a/weight: expected one tensor of that role"))
        #expect(
            refusal([Self.record("a.weight", [3, 1, 2, 2], .nan)] + sound.dropFirst())
                == "w: a.weight: expected finite numbers · received nan")
        #expect(refusal(sound, names: ["conv2d_9": "a"]).hasPrefix("--names: conv2d_9: expected a layer with weights"))
        #expect(refusal(sound, names: ["conv2d_1": "x"]).hasPrefix("--names: conv2d_1: expected a layer of w"))
        #expect(refusal(sound, names: ["conv2d_1": "b"]).contains("a tensor for conv2d_2/bias"))
        let plain = sound.enumerated().map { TensorRecord(name: "arr_\($0)", shape: $1.shape, values: $1.values) }
        #expect(refusal(plain).hasPrefix("w: expected names that tell PyTorch's layout from Keras's"))
        #expect(refusal(plain, layout: .pytorch) == "")
        #expect(refusal(plain, layout: .keras).hasPrefix("w: arr_0: expected shape [2, 2, 1, 3] for conv2d_1/kernel"))
        #expect(
            refusal(plain.dropLast(), layout: .pytorch)
                == "w: expected 7 tensors, one for each of the configuration's · received 6")
        #expect(refusal([]).hasPrefix("w: expected names that tell"))
    }

    @Test("a negative variance is refused")
    func variance() throws {
        let graph = try ResolvedGraph(
            Graph(inputShape: Shape([2]), layers: [.batchNormalization(), .dense(units: 2, useBias: false)]))
        let tensors = ["weight", "bias", "running_mean", "running_var"].map {
            Self.record("n.\($0)", [2], $0 == "running_var" ? -1 : 1)
        }
        let error = #expect(throws: InputError.self) {
            try WeightImport(
                WeightFile(name: "w", tensors: tensors + [Self.record("d.weight", [2, 2])]), into: graph)
        }
        #expect(error?.description == "w: n.running_var: expected variances of at least 0 · received -1.0")
    }

    @Test("PyTorch's layout refuses features that are added in different orders")
    func orders() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([2, 2, 2]),
                nodes: [
                    LayerNode("flat", "input", layer: .flatten), LayerNode("dense", "flat", layer: .dense(units: 8)),
                    LayerNode("sum", "flat", "dense", layer: .add), LayerNode("out", "sum", layer: .dense(units: 2)),
                ]))
        let model = savedModel(graph, TestWeights(graph, seed: 1))
        let error = #expect(throws: InputError.self) { try model.weights(.pytorch) }
        #expect(error?.description.hasPrefix("model.layers[2] (sum): expected inputs whose features") == true)
        #expect(try model.weights(.keras).count == 4)
    }

    @Test("slopes are a layer's: matched by shape, and refused where no layer has them") func slopes() throws {
        let tensors = [
            Self.record("0.weight", [3, 1, 2, 2], 1), Self.record("0.bias", [3], 2), Self.record("1.weight", [3], 3),
            Self.record("4.weight", [2, 27], 4), Self.record("4.bias", [2], 5),
        ]
        func load(_ activation: Layer) throws(InputError) -> WeightImport {
            let graph = try ResolvedGraph(
                Graph(
                    inputShape: Shape([4, 4, 1]),
                    layers: [.conv2d(filters: 3, kernelSize: Size2D(2)), activation, .flatten, .dense(units: 2)]))
            return try WeightImport(WeightFile(name: "w", tensors: tensors), into: graph)
        }
        #expect(throws: InputError.self) { try load(.relu) }
        #expect(try load(.prelu).assignments.map(\.source).contains("1.weight"))
    }

    @Test("classes are named by the configuration, the file or the data set") func classNames() throws {
        let graph = try ResolvedGraph(Graph(inputShape: Shape([4, 4, 1]), layers: [.flatten, .dense(units: 10)]))
        let weights = [Self.record("d.weight", [10, 16]), Self.record("d.bias", [10])]
        let ten = (0..<10).map { "c\($0)" }
        let file = WeightFile(
            name: "w", tensors: weights, metadata: ["numeral.classes": JSONValue.array(ten.map { .string($0) }).text])
        let imported = try WeightImport(file, into: graph)
        var experiment = Experiment(name: "e", model: graph.graph)
        func names(_ file: [String]?) throws -> [String] {
            try imported.model(of: experiment, graph, normalization: nil, fileNames: file).classNames
        }
        #expect(file.classNames == ten)
        #expect(try names(nil) == (0..<10).map(String.init) && names(ten) == ten)
        experiment.data.dataset = .fashionMnist
        #expect(try names(nil)[0] == "T-shirt/top" && names(["few"])[0] == "T-shirt/top")
        experiment.data.directory = "own"
        #expect(try names(nil)[0] == "0")
        experiment.data.classNames = ten.reversed()
        #expect(try names(ten) == ten.reversed())
    }
}
