import NeuralNetwork
import Tensors

extension ResolvedGraph {
    /// Parameters and running state as named tensors, in the order of the layers: kernels `[kH, kW, in, out]` or
    /// `[in, out]`, the others `[C]`.
    public func tensorRecords(
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>
    ) -> [TensorRecord] {
        precondition(parameters.count == parameterCount && state.count == stateCount, "buffers of another network")
        return nodes.flatMap { node in
            node.parameters.map { record($0, of: parameters) } + node.state.map { record($0, of: state) }
        }
    }

    /// The flat buffers that ``tensorRecords(parameters:state:)`` made the records from.
    /// - Throws: an ``InputError`` where a tensor is absent, of another shape or not of this network.
    public func buffers(
        of records: [TensorRecord], name: String
    ) throws(InputError) -> (parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        var byName: [String: TensorRecord] = [:]
        for record in records { byName[record.name] = record }
        let expected = parameters + state
        let known = Set(expected.map(\.name))
        if let stranger = records.first(where: { !known.contains($0.name) }) {
            throw InputError(name, expected: "tensors of the model's own layers", received: "\"\(stranger.name)\"")
        }
        let values = AlignedBuffer<Float>(count: parameterCount), running = AlignedBuffer<Float>(count: stateCount)
        for (target, tensors) in [(values, parameters), (running, state)] {
            for tensor in tensors {
                guard let record = byName[tensor.name] else {
                    throw InputError(name, expected: "a tensor \"\(tensor.name)\"", received: "none")
                }
                guard record.shape == tensor.shape else {
                    throw InputError(
                        "\(name): \(tensor.name)", expected: "shape \(tensor.shape)", received: "\(record.shape)")
                }
                for (i, value) in record.values.enumerated() { target[tensor.offset + i] = value }
            }
        }
        return (values, running)
    }

    private func record(_ tensor: ParameterTensor, of buffer: AlignedBuffer<Float>) -> TensorRecord {
        TensorRecord(name: tensor.name, shape: tensor.shape, values: tensor.range.map { buffer[$0] })
    }
}
