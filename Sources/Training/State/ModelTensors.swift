import Formats
import NeuralNetwork
import Tensors

extension ResolvedGraph {
    /// Returns the parameters and running state as named tensors, in the order of the layers: kernels as
    /// `[kH, kW, in, out]` or `[in, out]`, other tensors as `[C]`. Quantized kernels are stored as bytes: see
    /// ``quantized(by:name:)``.
    package func tensorRecords(
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>
    ) -> [TensorRecord] {
        precondition(parameters.count == parameterCount && state.count == stateCount, "buffers of another network")
        return nodes.flatMap { node in
            let own = node.parameters.map { record($0, of: parameters) } + node.state.map { record($0, of: state) }
            return node.quantization.map { $0.records(of: own) } ?? own
        }
    }

    /// Returns the flat buffers from which ``tensorRecords(parameters:state:)`` made the records.
    /// - Throws: An ``InputError`` if a tensor is missing, has another shape, is not of this network or is not finite,
    ///   or if a variance is negative.
    package func buffers(
        of records: [TensorRecord], name: String
    ) throws(InputError) -> (parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        var byName: [String: TensorRecord] = [:]
        for record in records { byName[record.name] = record }
        let expected = parameters + state
        let known = Set(expected.map(\.name))
        if let stranger = records.first(where: { !known.contains($0.name) }) {
            throw InputError(name, expected: "tensors of the model's own layers", received: "\"\(stranger.name)\"")
        }
        // Check all tensors before allocating: the records are in memory already, and the buffers will be as large.
        for tensor in expected {
            guard let record = byName[tensor.name] else {
                throw InputError(name, expected: "a tensor \"\(tensor.name)\"", received: "none")
            }
            guard record.shape == tensor.shape, record.values.count == tensor.count else {
                throw InputError(
                    "\(name): \(tensor.name)", expected: "shape \(tensor.shape)", received: "\(record.shape)")
            }
            // In the state, a tensor with the role of a scale is a variance.
            let isVariance = tensor.role == .scale && tensor.name.hasSuffix("/moving_variance")
            if let value = record.values.first(where: { !$0.isFinite || (isVariance && $0 < 0) }) {
                throw InputError(
                    "\(name): \(tensor.name)",
                    expected: isVariance ? "finite variances, none negative" : "finite values",
                    received: "\(value)", remedy: "the network predicts nothing with it")
            }
        }
        let values = AlignedBuffer<Float>(count: parameterCount), running = AlignedBuffer<Float>(count: stateCount)
        for (target, tensors) in [(values, parameters), (running, state)] {
            for tensor in tensors {
                for (i, value) in (byName[tensor.name]?.values ?? []).enumerated() { target[tensor.offset + i] = value }
            }
        }
        return (values, running)
    }

    private func record(_ tensor: ParameterTensor, of buffer: AlignedBuffer<Float>) -> TensorRecord {
        TensorRecord(name: tensor.name, shape: tensor.shape, values: tensor.range.map { buffer[$0] })
    }
}
