@testable import Formats
import Foundation

@testable import Datasets
@testable import Experiments
@testable import Interchange
@testable import NeuralNetwork
@testable import Training

/// A network of every kind of weight, small enough for a few hundred bytes.
private let weighted: (experiment: Experiment, graph: ResolvedGraph)? = parsed {
    let text = """
        {"name": "n", "model": {"inputShape": [2, 2, 1], "layers": [{"type": "conv2d", "filters": 1, "kernelSize": 2},
        {"type": "batchNormalization"}, {"type": "flatten"}, {"type": "dense", "units": 2}]}}
        """
    let experiment = try Experiment.decode(text, name: "")
    return (experiment, try ResolvedGraph(experiment.model))
}

/// Its weights as this project would write them: from these the fuzzers begin.
private func exported() throws -> SavedModel {
    guard let (experiment, graph) = weighted else { preconditionFailure("the seed is no network") }
    let parameters = try graph.initialParameters(seed: 1)
    return SavedModel(
        experiment: experiment, graph: graph, classNames: ["a", "b"], normalization: (0.1, 0.3),
        parameters: parameters, state: graph.initialState())
}

extension Fuzzer {
    /// NumPy's archives.
    static let npz = Fuzzer(
        name: "npz", seeds: { [Array(try exported().npz(.pytorch)), Array(try exported().npz(.keras))] },
        run: { bytes in
            scratch.withLock { $0.write(bytes) }
            let limit = 1 << 16
            guard let tensors = parsed({ try NPZ.read(path: ScratchFile.path, limit: limit) }) else { return }
            // Bytes and halves become floats.
            require(tensors.reduce(0) { $0 + $1.values.count } <= limit, "over the limit")
            guard let written = parsed({ try NPZ.encode(tensors) }) else { return }
            scratch.withLock { $0.write(Array(written)) }
            let again = parsed { try NPZ.read(path: ScratchFile.path, limit: 4 * limit) }
            require(again?.map(\.name) == tensors.map(\.name), "an archive lost in writing")
            require(again?.map(\.shape) == tensors.map(\.shape), "shapes lost in writing")
        })

    /// A safetensors file, an NPZ archive or, after a first byte of 255, one `.npy` array, as weights of a network. What is
    /// taken fits it, and goes out and in again as the same.
    static let weights = Fuzzer(
        name: "weights",
        seeds: {
            let model = try exported()
            return [
                Array(try model.safetensors(.pytorch)), Array(try model.safetensors(.keras)),
                Array(try model.npz(.pytorch)), Array(try model.npz(.keras)),
                [255] + NPY.encode(try model.weights(.pytorch)[0]),
            ]
        },
        run: { bytes in
            guard let (experiment, graph) = weighted else { return }
            if bytes.first == 255 {
                let source = MemorySource(Array(bytes.dropFirst()), place: "fuzz")
                guard let tensor = parsed({ try NPY.decode(source, name: "fuzz") }) else { return }
                require(tensor.values.count <= bytes.count, "memory out of nothing")
                require(tensor.values.count == tensor.shape.reduce(1, *), "numbers that are not the shape's")
                return
            }
            scratch.withLock { $0.write(bytes) }
            func load() -> WeightImport? {
                parsed {
                    let file = try WeightFile.load(path: ScratchFile.path, limit: WeightImport.byteLimit(graph))
                    return try WeightImport(file, into: graph)
                }
            }
            guard let taken = load() else { return }
            require(taken.parameters.count == graph.parameterCount, "weights that do not fit")
            guard let model = parsed({ try taken.model(of: experiment, graph, normalization: nil) }) else { return }
            guard let written = parsed({ try model.safetensors(taken.layout) }) else { return }
            scratch.withLock { $0.write(Array(written)) }
            guard let again = load() else { preconditionFailure("broken: weights lost in writing") }
            for i in 0..<graph.parameterCount { require(again.parameters[i] == taken.parameters[i], "weights changed") }
        })
}
