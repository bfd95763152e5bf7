import Formats
import Kernels
import NeuralNetwork
import Tensors

/// The representation of a quantized layer in a model file: its kernel as bytes, along with `layer/kernel_scale` `[F]`,
/// `layer/input_scale` `[1]` and `layer/input_zero_point` `[1]`.
extension LayerQuantization {
    private static let kernelScale = "_scale", inputScale = "/input_scale", inputZeroPoint = "/input_zero_point"

    /// Returns the layer's tensors as they are stored, its kernel first.
    func records(of own: [TensorRecord]) -> [TensorRecord] {
        let kernel = own[0], layer = Self.layer(of: kernel.name)
        let bytes = kernel.values.enumerated().map { index, value in
            Float(ByteWeights.quantized(value, scale: weightScales[index % weightScales.count]))
        }
        return [
            TensorRecord(name: kernel.name, shape: kernel.shape, values: bytes, format: .int8),
            TensorRecord(name: kernel.name + Self.kernelScale, shape: [weightScales.count], values: weightScales),
            TensorRecord(name: layer + Self.inputScale, shape: [1], values: [input.scale]),
            TensorRecord(name: layer + Self.inputZeroPoint, shape: [1], values: [Float(input.zeroPoint)]),
        ] + own.dropFirst()
    }

    private static func layer(of kernel: String) -> String { String(kernel.dropLast("/kernel".count)) }

    /// Creates the quantization from the tensors stored along with `kernel`, which are removed from `records`.
    /// - Throws: An `InputError` if one is missing or invalid.
    init(beside kernel: TensorRecord, in records: inout [TensorRecord], name: String) throws(InputError) {
        func take(_ tensor: String, count: Int, _ expected: String, _ isLegal: (Float) -> Bool) throws(InputError)
            -> [Float]
        {
            guard let place = records.firstIndex(where: { $0.name == tensor }), records[place].format == .float32,
                records[place].shape == [count], records[place].values.allSatisfy(isLegal)
            else {
                throw InputError(
                    "\(name): \(tensor)", expected: "\(expected), as its kernel is of bytes", received: "none or others"
                )
            }
            return records.remove(at: place).values
        }
        let layer = Self.layer(of: kernel.name)
        let isScale: (Float) -> Bool = { ByteScale.legal.contains($0) }
        let scales = try take(
            kernel.name + Self.kernelScale, count: kernel.shape.last ?? 0, "a positive scale for each output", isScale)
        let scale = try take(layer + Self.inputScale, count: 1, "a positive scale", isScale)
        let zero = try take(layer + Self.inputZeroPoint, count: 1, "a whole number in 0…255") {
            (0...255).contains($0) && $0.rounded() == $0
        }
        self.init(input: ByteScale(scale: scale[0], zeroPoint: UInt8(zero[0])), weightScales: scales)
    }
}

extension ResolvedGraph {
    /// Returns the graph with those layers quantized whose kernels are bytes, and the tensors as floats only:
    /// `kernel · scale`.
    /// - Throws: An `InputError` if bytes are not a valid kernel of a layer that can be quantized, or its scales are
    ///   missing or invalid.
    package func quantized(
        by records: [TensorRecord], name: String
    ) throws(InputError) -> (graph: ResolvedGraph, tensors: [TensorRecord]) {
        var rest = records
        var layers: [Int: LayerQuantization] = [:]
        for record in records where record.format == .int8 {
            guard let node = nodes.firstIndex(where: { $0.parameters.first?.name == record.name }), canQuantize(node),
                record.shape == nodes[node].parameters[0].shape
            else {
                throw InputError(
                    "\(name): \(record.name)", expected: "float32, or the kernel of a convolution or dense layer",
                    received: "int8")
            }
            guard !record.values.contains(-128) else {
                throw InputError("\(name): \(record.name)", expected: "bytes in −127…127", received: "-128")
            }
            let layer = try LayerQuantization(beside: record, in: &rest, name: name)
            let scales = layer.weightScales
            let kernel = TensorRecord(
                name: record.name, shape: record.shape,
                values: record.values.enumerated().map { $1 * scales[$0 % scales.count] })
            for place in rest.indices where rest[place].name == record.name { rest[place] = kernel }
            layers[node] = layer
        }
        return (layers.isEmpty ? self : quantizing(layers), rest)
    }

    /// Returns the parameters with quantized kernels replaced by the values that their bytes represent.
    package func rounded(_ parameters: AlignedBuffer<Float>) -> AlignedBuffer<Float> {
        let result = AlignedBuffer<Float>(count: parameters.count)
        result.copy(from: parameters)
        for node in nodes {
            guard let scales = node.quantization?.weightScales, let kernel = node.parameters.first else { continue }
            for index in 0..<kernel.count {
                let scale = scales[index % scales.count]
                result[kernel.offset + index] =
                    Float(ByteWeights.quantized(parameters[kernel.offset + index], scale: scale)) * scale
            }
        }
        return result
    }
}
