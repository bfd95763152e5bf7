import Experiments
import Formats
import Foundation
import NeuralNetwork
import Tensors
import Training

/// The names and layouts of weights in another library.
package enum WeightLayout: String, CaseIterable, Sendable {
    /// `layer.weight` `[out, in, kH, kW]` or `[out, in]`, `layer.bias`, `layer.running_mean`, `layer.running_var`;
    /// features of a flattened image channel by channel.
    case pytorch
    /// `layer/kernel` `[kH, kW, in, out]` or `[in, out]`, `layer/gamma`, `layer/beta`, `layer/moving_mean`,
    /// `layer/moving_variance`; features pixel by pixel. Also this project's own.
    case keras
}

/// One tensor of a network, with its location here and its layout in another library.
struct WeightSlot {
    /// The layer that has the tensor.
    let node: ResolvedGraph.Node
    let tensor: ParameterTensor
    /// Whether the tensor is in the state buffer.
    let isState: Bool
    /// The permutation to the other layout.
    let order: AxisOrder

    /// `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance` or `alpha`.
    var role: String { String(tensor.name.dropFirst(node.name.count + 1)) }

    /// Returns every tensor of `graph`, in the order of its layers.
    /// - Throws: an ``InputError`` if `layout` cannot express the network.
    static func all(_ graph: ResolvedGraph, _ layout: WeightLayout) throws(InputError) -> [WeightSlot] {
        let features = layout == .pytorch ? try FeatureOrder(graph) : nil
        return graph.nodes.flatMap { node in
            let order = node.inputs[0] < 0 ? nil : features?.orders[node.inputs[0]]
            return (node.parameters.map { ($0, false) } + node.state.map { ($0, true) }).map { tensor, isState in
                WeightSlot(
                    node: node, tensor: tensor, isState: isState,
                    order: Self.order(of: tensor, layout: layout, features: order))
            }
        }
    }

    private static func order(
        of tensor: ParameterTensor, layout: WeightLayout, features: [Int]?
    ) -> AxisOrder {
        let same = AxisOrder(shape: tensor.shape, index: Array(0..<tensor.count))
        guard layout == .pytorch else { return same }
        switch tensor.shape.count {
        case 4: return .filters(tensor.shape)
        case 2: return .matrix(tensor.shape, features: features)
        // One number per input feature; a bias has one per output, which has an order of its own.
        case 1 where tensor.role != .bias: return AxisOrder(shape: tensor.shape, index: features ?? same.index)
        default: return same
        }
    }

    /// Returns the tensor's name in `layout`.
    func name(_ layout: WeightLayout) -> String {
        guard layout == .pytorch else { return tensor.name }
        let role =
            switch self.role {
            case "kernel", "gamma", "alpha": "weight"
            case "beta": "bias"
            case "moving_mean": "running_mean"
            case "moving_variance": "running_var"
            default: self.role
            }
        return "\(node.name).\(role)"
    }
}

extension SavedModel {
    /// Returns the weights with the names and in the order of `layout`.
    /// - Throws: an ``InputError`` if the layout cannot express the network.
    package func weights(_ layout: WeightLayout) throws(InputError) -> [TensorRecord] {
        try WeightSlot.all(graph, layout).map { slot in
            let buffer = slot.isState ? state : parameters
            return TensorRecord(
                name: slot.name(layout), shape: slot.order.shape,
                values: slot.order.index.map { buffer[slot.tensor.offset + $0] })
        }
    }

    /// Returns the weights as a safetensors file with the metadata of the model file.
    ///
    /// A file in PyTorch's layout can be loaded with `model.load_state_dict(safetensors.torch.load_file(path))` into a
    /// module whose parts are named like the layers.
    /// - Throws: an ``InputError`` if the layout cannot express the network.
    package func safetensors(_ layout: WeightLayout, metadata: [String: String] = [:]) throws(InputError) -> Data {
        var all = metadata.merging(SavedModel.metadata(of: self)) { _, new in new }
        // The key that other readers of safetensors look for.
        all["format"] = layout == .pytorch ? "pt" : "keras"
        return SafetensorsFile(metadata: all, tensors: try weights(layout)).encoded()
    }

    /// Returns the weights as an NPZ file, with the mean and standard deviation, if the model has them, as
    /// `normalization.mean` and `normalization.standard_deviation`.
    /// - Throws: an ``InputError`` if the layout cannot express the network or the file would exceed 4 GiB.
    package func npz(_ layout: WeightLayout) throws(InputError) -> Data {
        var tensors = try weights(layout)
        if let (mean, deviation) = normalization {
            tensors.append(TensorRecord(name: WeightFile.meanName, shape: [], values: [mean]))
            tensors.append(TensorRecord(name: WeightFile.deviationName, shape: [], values: [deviation]))
        }
        return try NPZ.encode(tensors)
    }

    private static func metadata(of model: SavedModel) -> [String: String] {
        var metadata = [
            "numeral.config": model.experiment.jsonText,
            "numeral.classes": JSONValue.array(model.classNames.map { .string($0) }).text,
        ]
        if let normalization = model.normalization {
            metadata["numeral.mean"] = "\(normalization.mean)"
            metadata["numeral.standard_deviation"] = "\(normalization.standardDeviation)"
        }
        return metadata
    }
}
