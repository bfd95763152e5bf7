@testable import Formats
import Foundation

@testable import Experiments
@testable import NeuralNetwork
@testable import Tensors
@testable import Training

/// A configuration with an example of most things.
private let sample = """
    {"name": "n", "seed": 7, "data": {"source": "sample", "validationFraction": 0.2, "normalization": "standardize"},
    "augmentation": {"rotation": 10, "scale": [0.9, 1.1], "elastic": {"alpha": 30}, "erasing": {"area": [0.1, 0.2]}},
    "model": {"inputShape": [8, 8, 1], "initializer": {"type": "orthogonal", "gain": 1.5}, "layers": [
    {"type": "conv2d", "name": "a", "filters": 2, "kernelSize": [3, 2], "strides": 2, "padding": "same", "dilation": 1},
    {"type": "batchNormalization", "momentum": 0.2}, {"type": "leakyRelu", "negativeSlope": 0.1},
    {"type": "maxPooling2d", "poolSize": 2, "padding": [1, 0, 1, 0]}, {"type": "dropout", "rate": 0.5},
    {"type": "flatten", "name": "f"}, {"type": "concatenate", "inputs": ["f", "f"]}, {"type": "dense", "units": 3}]},
    "training": {"epochs": 2, "optimizer": {"type": "adamW", "learningRate": 1e-3}, "gradientClipping": {"norm": 1},
    "schedule": {"type": "oneCycle"}, "earlyStopping": {"patience": 2}, "averaging": {"decay": 0.9}, "l2": 1e-4}}
    """

private let whole: JSONValue = parsed { try JSONValue.parse(sample, name: "") } ?? .null

let least =
    #"{"name":"n","model":{"inputShape":[2,2,1],"layers":[{"type":"flatten"},{"type":"dense","units":2}]}}"#

/// A cache of timings, of no machine.
private let timings = LoweringCache(
    folder: URL(filePath: "/nowhere"),
    origin: LoweringCache.Origin(kernels: 1, processor: "", vectors: [], backend: "", version: "", core: ""))

extension Fuzzer {
    static let json = Fuzzer(
        name: "json",
        seeds: {
            [sample, least, #"[-0.5e-3, 12, true, false, null, "é\u00e9\ud83d\ude00\n\/\\\"", {}, [[[]]]]"#]
                .map { Array($0.utf8) }
        },
        run: { bytes in
            guard let value = parsed({ try JSONValue.parse(bytes, name: "fuzz") }) else { return }
            require(parsed { try JSONValue.parse(value.text, name: "fuzz") } == value, "JSON lost in writing")
            require(parsed { try JSONValue.parse(value.prettyText, name: "fuzz") } == value, "JSON lost in writing")
            if case .number(let number) = value, let integer = number.integer {
                require(Double(integer) == number.double, "two values of one number")
            }
        })

    /// What is decoded is written again as the same; shapes are inferred from it, whatever they are.
    static let config = Fuzzer(
        name: "config", seeds: { [sample, least].map { Array($0.utf8) } },
        run: { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let experiment = parsed({ try Experiment.decode(text, name: "fuzz") }) else { return }
            let again = parsed { try Experiment.decode(experiment.jsonText, name: "fuzz") }
            require(again == experiment, "a configuration lost in writing")
            guard let graph = parsed({ try ResolvedGraph(experiment.model) }) else { return }
            require(graph.nodes.allSatisfy { $0.outputShape.count > 0 }, "an empty shape")
        })

    /// Lines of `path=value`, applied to a configuration that is whole.
    static let overrides = Fuzzer(
        name: "overrides",
        seeds: {
            [
                "training.epochs=3\nmodel.layers[0].filters=16", "data={\"source\":\"auto\"}\nname=x",
                "model.layers[1]={\"type\":\"relu\"}\nmodel.inputShape[2]=3\ntraining.l2=1e-3",
            ].map { Array($0.utf8) }
        },
        run: { bytes in
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            guard let changed = parsed({ try Overrides.apply(lines, to: whole) }) else { return }
            require(parsed { try JSONValue.parse(changed.text, name: "") } == changed, "JSON lost in writing")
            _ = parsed { try Experiment.decode(changed, name: "") }
        })

    /// The file of timed lowerings: whatever is in it, choices are read as they are written or not at all.
    static let cache = Fuzzer(
        name: "cache",
        seeds: {
            let origin = #"{"backend":"","core":"","kernels":1,"processor":"","vectors":[],"version":""}"#
            let record = #"{"choice":"im2col:96","microseconds":{"im2col:96":1.5e-3,"direct":0.5},"errorShares":{}}"#
            return [
                Array(#"{"origin":\#(origin),"records":{"forward 8x8":\#(record)}}"#.utf8),
                Array(#"{"origin":\#(origin),"records":{}}"#.utf8),
            ]
        },
        run: { bytes in
            for record in timings.records(in: bytes).records.values {
                if let lowering = Lowering(text: record.choice) {
                    require(lowering.text == record.choice, "a lowering of two texts")
                }
                if let lowering = DenseLowering(text: record.choice) {
                    require(lowering.text == record.choice, "a lowering of two texts")
                }
            }
        })
}
