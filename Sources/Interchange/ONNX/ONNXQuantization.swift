import Kernels
import NeuralNetwork

/// Quantized layers in ONNX: the float layer between `QuantizeLinear` and `DequantizeLinear` (QDQ), which runtimes fuse
/// into one product of bytes.
extension ResolvedGraph {
    /// The scales of the inputs of quantized layers, by node, with −1 for the network's input. They propagate back
    /// through reshapes and max pooling, which give the same result before and after rounding, to the node that
    /// computes the value.
    var byteScales: [Int: ByteScale] {
        var scales: [Int: ByteScale] = [:]
        for (index, node) in nodes.enumerated().reversed() {
            if let scale = node.quantization?.input {
                scales[node.inputs[0]] = scale
            } else if let scale = scales[index], keepsBytes(node), reads(node.inputs[0]) == 1 {
                scales[node.inputs[0]] = scale
            }
        }
        return scales
    }

    /// Returns whether `node` reads values that were quantized to bytes.
    func readsBytes(_ node: Node) -> Bool { node.quantization != nil || keepsBytes(node) }

    private func keepsBytes(_ node: Node) -> Bool {
        node.layer.traits.isView || node.layer.traits.isViewAtInference || node.layer.traits.isMaximumPooling
    }

    private func reads(_ node: Int) -> Int { nodes.reduce(0) { $0 + $1.inputs.count { $0 == node } } }
}

extension ONNXGraphWriter {
    /// Quantizes `value` to bytes and dequantizes it.
    mutating func rounded(_ value: String, _ scale: ByteScale, named name: String) -> String {
        let factor = builder.floats([scale.scale], shape: [], name: "\(name)/scale")
        let zero = builder.whole([scale.zeroPoint], shape: [], name: "\(name)/zero_point")
        let bytes = step("QuantizeLinear", [value, factor, zero], "\(name)/quantized")
        return step("DequantizeLinear", [bytes, factor, zero], "\(name)/dequantized")
    }

    /// Returns the dequantized kernel of a quantized layer, stored as bytes, or its bias, stored as 32-bit integers.
    mutating func parameter(
        _ tensor: ParameterTensor, _ values: [Float], _ quantization: LayerQuantization, isKernel: Bool
    ) -> String {
        let scales = quantization.weightScales, filters = scales.count
        guard isKernel else {
            let units = scales.map { quantization.input.scale * $0 }
            let whole = builder.whole(
                zip(values, units).map { ByteWeights.quantized(bias: $0, scale: $1) }, shape: tensor.shape,
                name: "\(tensor.name)/quantized")
            return dequantized(whole, units, zeros: [Int32](repeating: 0, count: filters), axis: 0, tensor)
        }
        let bytes = values.enumerated().map { ByteWeights.quantized($1, scale: scales[$0 % filters]) }
        let isConvolution = tensor.shape.count == 4, order = isConvolution ? AxisOrder.filters(tensor.shape) : nil
        let whole = builder.whole(
            order.map { $0.index.map { bytes[$0] } } ?? bytes, shape: order?.shape ?? tensor.shape,
            name: "\(tensor.name)/quantized")
        return dequantized(
            whole, scales, zeros: [Int8](repeating: 0, count: filters), axis: isConvolution ? 0 : 1, tensor)
    }

    private mutating func dequantized<Number: FixedWidthInteger>(
        _ whole: String, _ scales: [Float], zeros: [Number], axis: Int, _ tensor: ParameterTensor
    ) -> String {
        let factors = builder.floats(scales, shape: [scales.count], name: "\(tensor.name)/scale")
        let zero = builder.whole(zeros, shape: [zeros.count], name: "\(tensor.name)/zero_point")
        return step("DequantizeLinear", [whole, factors, zero], tensor.name, [.int("axis", axis)])
    }
}
