import Foundation
import ONNX
import Testing

/// A naive evaluator of the ONNX operators that an export uses, in Double and NCHW, written from the operators'
/// specification and knowing nothing of this project's layers. Only for tests.
struct ONNXInterpreter {
    struct Value {
        var shape: [Int]
        var data: [Double]

        subscript(n: Int, c: Int, h: Int, w: Int) -> Double {
            data[((n * shape[1] + c) * shape[2] + h) * shape[3] + w]
        }
    }

    struct Unsupported: Error { let operation: String }

    let model: Onnx_ModelProto
    private(set) var values: [String: Value] = [:]

    init(_ data: Data) throws { model = try Onnx_ModelProto(serializedBytes: data) }

    /// The graph's one output.
    mutating func run(_ input: Value) throws -> Value {
        values = [:]
        for tensor in model.graph.initializer { values[tensor.name] = Self.value(tensor) }
        values[model.graph.input[0].name] = input
        for node in model.graph.node {
            #expect(values[node.output[0]] == nil, "\(node.output[0]) is given twice")
            values[node.output[0]] = try evaluate(node)
        }
        return try #require(values[model.graph.output[0].name])
    }

    private static func value(_ tensor: Onnx_TensorProto) -> Value {
        let bytes = [UInt8](tensor.rawData)
        var data = tensor.int64Data.map(Double.init)
        let shape = tensor.dims.map { Int($0) }
        switch Onnx_TensorProto.DataType(rawValue: Int(tensor.dataType)) {
        case .int8: return Value(shape: shape, data: bytes.map { Double(Int8(bitPattern: $0)) })
        case .uint8: return Value(shape: shape, data: bytes.map(Double.init))
        case .int32:
            data = stride(from: 0, to: bytes.count, by: 4).map { at in
                Double(Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }))
            }
            return Value(shape: shape, data: data)
        default: break
        }
        for at in stride(from: 0, to: bytes.count, by: 4) {
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
            data.append(Double(Float(bitPattern: bits)))
        }
        return Value(shape: shape, data: data)
    }

    private func evaluate(_ node: Onnx_NodeProto) throws -> Value {
        let inputs = try node.input.map { try #require(values[$0], "\($0) is not known before \(node.name)") }
        let x = inputs[0]
        func ints(_ name: String) -> [Int] { node.attribute.first { $0.name == name }?.ints.map { Int($0) } ?? [] }
        func float(_ name: String) -> Double { Double(node.attribute.first { $0.name == name }?.f ?? .nan) }
        func map(_ body: (Double) -> Double) -> Value { Value(shape: x.shape, data: x.data.map(body)) }
        func combine(_ body: (Double, Double) -> Double) -> Value {
            combined(x, inputs[1], body)
        }
        switch node.opType {
        case "Cast": return x
        case "QuantizeLinear":
            return map { max(0, min(255, ($0 / inputs[1].data[0]).rounded(.toNearestOrEven) + inputs[2].data[0])) }
        case "DequantizeLinear":
            guard inputs[1].data.count > 1 else { return map { ($0 - inputs[2].data[0]) * inputs[1].data[0] } }
            let axis = Int(node.attribute.first { $0.name == "axis" }?.i ?? 1),
                inner = x.shape[(axis + 1)...].reduce(1, *)
            return Value(
                shape: x.shape,
                data: x.data.indices.map { i in
                    let channel = i / inner % x.shape[axis]
                    return (x.data[i] - inputs[2].data[channel]) * inputs[1].data[channel]
                })
        case "Relu": return map { max($0, 0) }
        case "LeakyRelu": return map { $0 < 0 ? float("alpha") * $0 : $0 }
        case "Sqrt": return map { $0.squareRoot() }
        case "ReduceMean": return mean(x, ints("axes"))
        case "HardSigmoid": return map { min(max(float("alpha") * $0 + float("beta"), 0), 1) }
        case "PRelu":
            let slope = inputs[1], axes = x.shape.count - slope.shape.count
            let wide = Value(shape: Array(repeating: 1, count: axes) + slope.shape, data: slope.data)
            return combined(x, wide) { $0 < 0 ? $0 * $1 : $0 }
        case "ConvTranspose":
            return transposedConvolution(
                x, inputs[1], inputs.count > 2 ? inputs[2] : nil, ints("strides"), ints("pads"), ints("dilations"),
                ints("output_padding"))
        case "Tanh": return map(tanh)
        case "Sigmoid": return map { 1 / (1 + exp(-$0)) }
        case "Erf": return map(erf)
        case "Add": return combine(+)
        case "Sub": return combine(-)
        case "Mul": return combine(*)
        case "Div": return combine(/)
        case "Sum":
            return Value(shape: x.shape, data: x.data.indices.map { i in inputs.reduce(0) { $0 + $1.data[i] } })
        case "Flatten": return Value(shape: [x.shape[0], x.shape.dropFirst().reduce(1, *)], data: x.data)
        case "Reshape":
            var shape = inputs[1].data.enumerated().map { $1 == 0 ? x.shape[$0] : Int($1) }
            if let open = shape.firstIndex(of: -1) { shape[open] = -x.data.count / shape.reduce(1, *) }
            return Value(shape: shape, data: x.data)
        case "Tile": return tiled(x, inputs[1].data.map { Int($0) })
        case "Gemm": return gemm(x, inputs[1], inputs.count > 2 ? inputs[2] : nil)
        case "BatchNormalization": return normalized(inputs, float("epsilon"))
        case "Softmax": return softmax(x)
        case "Transpose": return transposed(x, ints("perm"))
        case "Concat": return joined(inputs)
        case "Pad": return padded(x, inputs[1].data.map { Int($0) })
        case "Conv":
            return convolution(
                x, inputs[1], inputs.count > 2 ? inputs[2] : nil, ints("strides"), ints("pads"), ints("dilations"),
                groups: Int(node.attribute.first { $0.name == "group" }?.i ?? 1))
        case "MaxPool", "AveragePool":
            let dilations = ints("dilations").isEmpty ? [1, 1] : ints("dilations")
            return pooling(
                x, node.opType == "MaxPool", ints("kernel_shape"), ints("strides"), ints("pads"), dilations)
        case "GlobalMaxPool": return pooling(x, true, Array(x.shape[2...]), [1, 1], [0, 0, 0, 0])
        case "GlobalAveragePool": return pooling(x, false, Array(x.shape[2...]), [1, 1], [0, 0, 0, 0])
        default: throw Unsupported(operation: node.opType)
        }
    }

    /// Element by element, the second's extents of 1 repeated (numpy's rule, for a second of as many axes or of none).
    private func combined(_ x: Value, _ y: Value, _ body: (Double, Double) -> Double) -> Value {
        guard y.data.count > 1, y.shape != x.shape else {
            return Value(
                shape: x.shape, data: x.data.indices.map { body(x.data[$0], y.data[y.data.count == 1 ? 0 : $0]) })
        }
        return Value(shape: x.shape, data: x.data.indices.map { body(x.data[$0], y.data[place($0, x.shape, y.shape)]) })
    }

    /// Where element `index` of a tensor of `shape` lies in one whose extents are those or 1.
    private func place(_ index: Int, _ shape: [Int], _ smaller: [Int]) -> Int {
        var (rest, place, stride) = (index, 0, 1)
        for axis in shape.indices.reversed() {
            place += smaller[axis] == 1 ? 0 : rest % shape[axis] * stride
            stride *= smaller[axis]
            rest /= shape[axis]
        }
        return place
    }

    private func mean(_ x: Value, _ axes: [Int]) -> Value {
        let shape = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }, count = shape.reduce(1, *)
        var sums = [Double](repeating: 0, count: count)
        for i in x.data.indices { sums[place(i, x.shape, shape)] += x.data[i] }
        return Value(shape: shape, data: sums.map { $0 * Double(count) / Double(x.data.count) })
    }

    private func tiled(_ x: Value, _ repeats: [Int]) -> Value {
        let shape = zip(x.shape, repeats).map(*)
        let data = (0..<shape.reduce(1, *)).map { place -> Double in
            var (rest, source, stride) = (place, 0, 1)
            for axis in shape.indices.reversed() {
                source += rest % shape[axis] % x.shape[axis] * stride
                rest /= shape[axis]
                stride *= x.shape[axis]
            }
            return x.data[source]
        }
        return Value(shape: shape, data: data)
    }

    private func gemm(_ a: Value, _ b: Value, _ c: Value?) -> Value {
        let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
        var data: [Double] = []
        for row in 0..<m {
            for column in 0..<n {
                var sum = c?.data[column] ?? 0
                for i in 0..<k { sum += a.data[row * k + i] * b.data[i * n + column] }
                data.append(sum)
            }
        }
        return Value(shape: [m, n], data: data)
    }

    /// Channel of an element.
    private func channel(_ x: Value, _ index: Int) -> Int {
        index / x.shape.dropFirst(2).reduce(1, *) % x.shape[1]
    }

    private func normalized(_ inputs: [Value], _ epsilon: Double) -> Value {
        let x = inputs[0]
        return Value(
            shape: x.shape,
            data: x.data.indices.map { i in
                let c = channel(x, i)
                return (x.data[i] - inputs[3].data[c]) / (inputs[4].data[c] + epsilon).squareRoot()
                    * inputs[1].data[c] + inputs[2].data[c]
            })
    }

    /// Along axis 1.
    private func softmax(_ x: Value) -> Value {
        let inner = x.shape.dropFirst(2).reduce(1, *), channels = x.shape[1]
        return Value(
            shape: x.shape,
            data: x.data.indices.map { i in
                let start = i / (channels * inner) * channels * inner + i % inner
                let column = (0..<channels).map { x.data[start + $0 * inner] }
                let top = column.max() ?? 0
                return exp(x.data[i] - top) / column.reduce(0) { $0 + exp($1 - top) }
            })
    }

    private func transposed(_ x: Value, _ order: [Int]) -> Value {
        let shape = order.map { x.shape[$0] }
        var strides = [1, 1, 1, 1]
        for axis in [2, 1, 0] { strides[axis] = strides[axis + 1] * x.shape[axis + 1] }
        var data: [Double] = []
        for a in 0..<shape[0] {
            for b in 0..<shape[1] {
                for c in 0..<shape[2] {
                    for d in 0..<shape[3] {
                        let at = zip([a, b, c, d], order).reduce(0) { $0 + $1.0 * strides[$1.1] }
                        data.append(x.data[at])
                    }
                }
            }
        }
        return Value(shape: shape, data: data)
    }

    private func joined(_ inputs: [Value]) -> Value {
        var shape = inputs[0].shape
        shape[1] = inputs.reduce(0) { $0 + $1.shape[1] }
        var data: [Double] = []
        for image in 0..<shape[0] {
            for x in inputs {
                let size = x.shape.dropFirst().reduce(1, *)
                data += x.data[image * size..<(image + 1) * size]
            }
        }
        return Value(shape: shape, data: data)
    }

    private func padded(_ x: Value, _ pads: [Int]) -> Value {
        let shape = (0..<4).map { x.shape[$0] + pads[$0] + pads[$0 + 4] }
        var data: [Double] = []
        for n in 0..<shape[0] {
            for c in 0..<shape[1] {
                for h in 0..<shape[2] {
                    for w in 0..<shape[3] { data.append(pixel(x, n, c, h - pads[2], w - pads[3]) ?? 0) }
                }
            }
        }
        return Value(shape: shape, data: data)
    }

    private func pixel(_ x: Value, _ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Double? {
        h >= 0 && h < x.shape[2] && w >= 0 && w < x.shape[3] ? x[n, c, h, w] : nil
    }

    private func extents(_ x: Value, _ span: [Int], _ strides: [Int], _ pads: [Int]) -> [Int] {
        (0..<2).map { (x.shape[2 + $0] + pads[$0] + pads[2 + $0] - span[$0]) / strides[$0] + 1 }
    }

    private func convolution(
        _ x: Value, _ weights: Value, _ bias: Value?, _ strides: [Int], _ pads: [Int], _ dilations: [Int],
        groups: Int
    ) -> Value {
        let kernel = Array(weights.shape[2...])
        let out = extents(x, (0..<2).map { dilations[$0] * (kernel[$0] - 1) + 1 }, strides, pads)
        var data: [Double] = []
        for n in 0..<x.shape[0] {
            for filter in 0..<weights.shape[0] {
                for at in 0..<out[0] * out[1] {
                    var sum = bias?.data[filter] ?? 0
                    for c in 0..<weights.shape[1] {
                        let channel = filter / (weights.shape[0] / groups) * weights.shape[1] + c
                        for tap in 0..<kernel[0] * kernel[1] {
                            let h = at / out[1] * strides[0] - pads[0] + tap / kernel[1] * dilations[0]
                            let w = at % out[1] * strides[1] - pads[1] + tap % kernel[1] * dilations[1]
                            sum +=
                                (pixel(x, n, channel, h, w) ?? 0) * weights[filter, c, tap / kernel[1], tap % kernel[1]]
                        }
                    }
                    data.append(sum)
                }
            }
        }
        return Value(shape: [x.shape[0], weights.shape[0]] + out, data: data)
    }

    /// Each pixel adds its kernel; weights are [C, F, kH, kW].
    private func transposedConvolution(
        _ x: Value, _ weights: Value, _ bias: Value?, _ strides: [Int], _ pads: [Int], _ dilations: [Int],
        _ further: [Int]
    ) -> Value {
        let kernel = Array(weights.shape[2...]), filters = weights.shape[1]
        let out = (0..<2).map { axis -> Int in
            let reach = (x.shape[2 + axis] - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1
            return reach - pads[axis] - pads[axis + 2] + further[axis]
        }
        let area = out[0] * out[1]
        let count = x.shape[0] * filters * area
        var data: [Double] = (0..<count).map { bias?.data[$0 / area % filters] ?? 0 }
        for i in x.data.indices {
            let column = i % x.shape[3], row = i / x.shape[3] % x.shape[2]
            let plane = i / (x.shape[2] * x.shape[3])
            let channel = plane % x.shape[1], n = plane / x.shape[1]
            for tap in 0..<kernel[0] * kernel[1] {
                let h = row * strides[0] - pads[0] + tap / kernel[1] * dilations[0]
                let w = column * strides[1] - pads[1] + tap % kernel[1] * dilations[1]
                guard (0..<out[0]).contains(h), (0..<out[1]).contains(w) else { continue }
                for f in 0..<filters {
                    let place = ((n * filters + f) * out[0] + h) * out[1] + w
                    data[place] += x.data[i] * weights[channel, f, tap / kernel[1], tap % kernel[1]]
                }
            }
        }
        return Value(shape: [x.shape[0], filters] + out, data: data)
    }

    private func pooling(
        _ x: Value, _ isMax: Bool, _ kernel: [Int], _ strides: [Int], _ pads: [Int], _ dilations: [Int] = [1, 1]
    ) -> Value {
        #expect(zip(pads, kernel + kernel).allSatisfy { $0 >= 0 && $0 < $1 }, "runtimes refuse such padding")
        let out = extents(x, zip(kernel, dilations).map { $1 * ($0 - 1) + 1 }, strides, pads)
        var data: [Double] = []
        for n in 0..<x.shape[0] {
            for c in 0..<x.shape[1] {
                for at in 0..<out[0] * out[1] {
                    let window = (0..<kernel[0] * kernel[1]).compactMap { tap in
                        pixel(
                            x, n, c, at / out[1] * strides[0] - pads[0] + tap / kernel[1] * dilations[0],
                            at % out[1] * strides[1] - pads[1] + tap % kernel[1] * dilations[1])
                    }
                    data.append(
                        isMax ? window.max() ?? -.infinity : window.reduce(0, +) / Double(window.count))
                }
            }
        }
        return Value(shape: [x.shape[0], x.shape[1]] + out, data: data)
    }
}
