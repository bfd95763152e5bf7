@testable import Formats
import Foundation

@testable import Datasets
@testable import Experiments
@testable import NeuralNetwork
@testable import Tensors
@testable import Training

extension Fuzzer {
    static let safetensors = Fuzzer(
        name: "safetensors",
        seeds: {
            let small = SafetensorsFile(
                metadata: ["format": "x", "q": "\"\\\n"],
                tensors: [
                    TensorRecord(name: "w", shape: [2, 2], values: [0, -1.5, .infinity, .nan]),
                    TensorRecord(name: "empty", shape: [0, 4], values: []),
                    TensorRecord(name: "one", shape: [], values: [7]),
                ])
            return [Array(small.encoded()), Array(SafetensorsFile().encoded())]
        },
        run: { bytes in
            guard let file = parsed({ try SafetensorsFile.decode(Data(bytes), name: "fuzz") }) else { return }
            let floats = file.tensors.reduce(0) { $0 + $1.values.count }
            require(4 * floats <= bytes.count, "memory out of nothing")
            let written = file.encoded()
            let again = parsed { try SafetensorsFile.decode(written, name: "fuzz") }
            require(again?.encoded() == written, "safetensors lost in writing")
        })

    /// Model files: safetensors, configuration, shapes and class names that must agree.
    static let model = Fuzzer(
        name: "model",
        seeds: {
            let experiment = try Experiment.decode(least, name: "")
            let graph = try ResolvedGraph(experiment.model)
            let parameters = AlignedBuffer<Float>(count: graph.parameterCount)
            let model = SavedModel(
                experiment: experiment, graph: graph, classNames: ["a", "b"], normalization: (0.1, 0.3),
                parameters: parameters, state: AlignedBuffer(count: graph.stateCount))
            return [Array(model.encoded())]
        },
        run: { bytes in
            guard let model = parsed({ try SavedModel.decode(Data(bytes), name: "fuzz") }) else { return }
            require(4 * (model.parameters.count + model.state.count) <= bytes.count, "memory out of nothing")
            let again = parsed { try SavedModel.decode(model.encoded(), name: "fuzz") }
            require(again?.encoded() == model.encoded(), "a model lost in writing")
        })

    /// Checkpoints, as they are and with the checksum that a forger would give them.
    static let checkpoint = Fuzzer(
        name: "checkpoint",
        seeds: {
            let state = TrainingState(
                progress: TrainingProgress(),
                tensors: [TensorRecord(name: "parameters", shape: [3], values: [1, 2, 3])])
            let checkpoint = Checkpoint(
                configuration: least, dataDigests: ["a": "b"], engine: ["blas": "x"], liveFiles: ["h.csv": 12],
                state: state)
            return [Array(try checkpoint.encoded())]
        },
        run: { bytes in
            func decoded(_ data: Data) -> Checkpoint? {
                parsed {
                    do throws(CheckpointError) {
                        return try Checkpoint.decode(data, name: "fuzz")
                    } catch {
                        throw error.inputError
                    }
                }
            }
            if let checkpoint = decoded(Data(bytes)) {
                require((try? checkpoint.encoded()) == Data(bytes), "a checkpoint lost in writing")
            }
            guard var file = parsed({ try SafetensorsFile.decode(Data(bytes), name: "fuzz") }) else { return }
            file.metadata["numeral.sha256"] = String(repeating: "0", count: 64)
            guard let digest = try? Digest.hex(Array(file.encoded())) else { return }
            file.metadata["numeral.sha256"] = digest
            _ = decoded(file.encoded())
        })
}
