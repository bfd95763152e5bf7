import NeuralNetwork
import ONNX

/// Everything of ONNX but windows, losses and optimizers, as layers of this project.
enum Layers {
    private static func floats(_ x: Value) throws {
        guard x.type == .float else { throw Refusal("numbers of type \(x.type); the engine computes in float32") }
        guard x.count > 0 else { throw Refusal("an empty tensor") }
    }

    /// A layer that treats every element alike.
    static func elementwise(_ layer: Layer, _ inputs: [Value]) throws -> Value {
        let x = inputs[0]
        try floats(x)
        let count = x.shape.first ?? 1
        return Value(x.shape, try Engine(input: [x.count / count], layer).infer(x.data, count: count))
    }

    /// Softmax over one axis; before operator set 13 over all from `axis` on.
    static func softmax(_ node: Onnx_NodeProto, _ inputs: [Value], operatorSet: Int) throws -> Value {
        let x = inputs[0]
        try floats(x)
        if operatorSet < 13 {
            let axis = normalized(node.int("axis", 1), x)
            let columns = x.shape[axis...].reduce(1, *)
            return Value(
                x.shape, try Engine(input: [columns], .softmax, .flatten).infer(x.data, count: x.count / columns))
        }
        let axis = normalized(node.int("axis", -1), x)
        let rows = x.rows(along: axis)
        let y = try Engine(input: [x.shape[axis]], .softmax, .flatten).infer(rows, count: x.count / x.shape[axis])
        return Value.from(rows: y, along: axis, shape: x.shape)
    }

    static func normalized(_ axis: Int, _ x: Value) -> Int { axis < 0 ? axis + x.shape.count : axis }

    static func batchNormalization(_ node: Onnx_NodeProto, _ inputs: [Value], operatorSet: Int) throws -> [Value] {
        let x = inputs[0]
        try floats(x)
        guard x.shape.count >= 2 else { throw Refusal("one axis only") }
        let isTraining = node.int("training_mode", 0) == 1
        guard isTraining || node.outputCount == 1 else { throw Refusal("statistics as outputs of inference") }
        try node.require("spatial", 1, "statistics are one for a channel")
        let channels = x.shape[1], rows = x.shape[2...].reduce(1, *)
        let epsilon = node.float("epsilon", 1e-5)
        // ONNX's momentum is the weight of the old statistics.
        let old = node.float("momentum", 0.9)
        var engine = try Engine(
            input: x.shape.count == 2 ? [channels] : [rows, 1, channels],
            .batchNormalization(momentum: 1 - old, epsilon: epsilon))
        for (name, value) in zip(["gamma", "beta", "moving_mean", "moving_variance"], inputs[1...]) {
            engine.tensors["batchNormalization_1/\(name)"] = value.data
        }
        let data = x.rows(along: 1)
        guard isTraining else {
            return [Value.from(rows: try engine.infer(data, count: x.shape[0]), along: 1, shape: x.shape)]
        }
        let (y, state) = try engine.train(data, count: x.shape[0])
        let mean = state["batchNormalization_1/moving_mean"] ?? []
        let variance = state["batchNormalization_1/moving_variance"] ?? []
        // This project keeps the unbiased variance, as PyTorch does; ONNX the biased one. Brought over by N/(N − 1).
        let n = Float(x.shape[0] * rows)
        let biased = zip(variance, inputs[4].data).map { $1 * old + ($0 - $1 * old) * (n - 1) / n }
        let values = [
            Value.from(rows: y, along: 1, shape: x.shape), Value([channels], mean), Value([channels], biased),
        ]
        return Array(values.prefix(node.outputCount))
    }

    /// `A·B + C` with the vector C of a dense layer.
    /// A slope for all, or one for each channel (axis 1).
    static func prelu(_ inputs: [Value]) throws -> Value {
        let x = inputs[0], slope = inputs[1]
        try floats(x)
        if slope.shape.count == 1, slope.count > 1, x.shape.count != 1, slope.shape[0] == x.shape.last {
            // Along the last axis, where the engine has its channels.
            var engine = try Engine(input: [slope.count], .prelu)
            engine.tensors["prelu_1/alpha"] = slope.data
            return Value(x.shape, try engine.infer(x.data, count: x.count / slope.count))
        }
        let channels = x.shape.count > 1 ? x.shape[1] : x.count
        // [C, 1, …], or of one number, or of as many axes as x with 1 elsewhere.
        let isByChannel =
            slope.count == channels && (slope.shape.first == channels || x.shape.count == slope.shape.count)
        guard slope.count == 1 || isByChannel && slope.shape.dropFirst().allSatisfy({ $0 == 1 }) else {
            throw Refusal("slopes of shape \(slope.shape) for \(x.shape): one for each channel")
        }
        var engine = try Engine(input: [channels], .prelu)
        engine.tensors["prelu_1/alpha"] =
            slope.count == 1 ? Array(repeating: slope.data[0], count: channels) : slope.data
        guard x.shape.count > 1 else { return Value(x.shape, try engine.infer(x.data, count: 1)) }
        return Value.from(
            rows: try engine.infer(x.rows(along: 1), count: x.count / channels), along: 1, shape: x.shape)
    }

    static func gemm(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let a = inputs[0], b = inputs[1]
        try floats(a)
        try node.require("transA", 0, "activations are never transposed")
        // Factors are part of the weights and of the bias.
        let alpha = node.float("alpha", 1), beta = node.float("beta", 1)
        let transposed = node.int("transB", 0) == 1
        let (k, n) = transposed ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        let c = inputs.count > 2 ? inputs[2] : nil
        if let c, c.shape != [n], c.shape != [1, n], c.count != 1 {
            // More than a bias of the outputs: a sum of two tensors.
            let product = try dense(a, (transposed ? b.rows(along: 0) : b.data).map { alpha * $0 }, k, n)
            guard c.shape == product.shape else { throw Refusal("C of shape \(c.shape)") }
            return try joining(.add, [product, Value(c.shape, c.data.map { beta * $0 })], axis: -1)
        }
        var engine = try Engine(input: [k], .dense(units: n, useBias: c != nil))
        engine.tensors["dense_1/kernel"] = (transposed ? b.rows(along: 0) : b.data).map { alpha * $0 }
        engine.tensors["dense_1/bias"] = c.map { c in (0..<n).map { beta * c.data[c.count == 1 ? 0 : $0] } }
        return Value([a.shape[0], n], try engine.infer(a.data, count: a.shape[0]))
    }

    /// `[M, K]` times weights `[K, N]`.
    private static func dense(_ a: Value, _ weights: [Float], _ k: Int, _ n: Int) throws -> Value {
        var engine = try Engine(input: [k], .dense(units: n, useBias: false))
        engine.tensors["dense_1/kernel"] = weights
        return Value([a.count / k, n], try engine.infer(a.data, count: a.count / k))
    }

    /// NumPy's `matmul`: each matrix of the first factor by the dense layer whose weights are the second's. A vector is
    /// a row or a column; the axes before the last two are the same in both, or one factor is a single matrix.
    static func matMul(_ inputs: [Value]) throws -> Value {
        try floats(inputs[0])
        let isRow = inputs[0].shape.count == 1, isColumn = inputs[1].shape.count == 1
        let a = isRow ? Value([1] + inputs[0].shape, inputs[0].data) : inputs[0]
        let b = isColumn ? Value(inputs[1].shape + [1], inputs[1].data) : inputs[1]
        let (m, k) = (a.shape[a.shape.count - 2], a.shape[a.shape.count - 1]), n = b.shape[b.shape.count - 1]
        let outer = a.shape.count >= b.shape.count ? a.shape.dropLast(2) : b.shape.dropLast(2)
        let count = outer.reduce(1, *), (lefts, rights) = (a.count / (m * k), b.count / (k * n))
        guard [1, count].contains(lefts), [1, count].contains(rights),
            lefts == 1 || rights == 1 || a.shape.dropLast(2) == b.shape.dropLast(2)
        else { throw Refusal("factors of shapes \(a.shape) and \(b.shape)") }
        var data: [Float] = []
        for matrix in 0..<count {
            let left = lefts == 1 ? 0 : matrix, right = rights == 1 ? 0 : matrix
            data += try dense(
                Value([m, k], Array(a.data[left * m * k..<(left + 1) * m * k])),
                Array(b.data[right * k * n..<(right + 1) * k * n]), k, n
            ).data
        }
        return Value(outer + (isRow ? [] : [m]) + (isColumn ? [] : [n]), data)
    }

    /// Sums of tensors of one shape, or tensors joined along an axis. A network has one input: the tensors come as one
    /// vector, from which dense layers of zeros and ones take each part, exactly.
    static func joining(_ layer: Layer, _ inputs: [Value], axis: Int) throws -> Value {
        for x in inputs { try floats(x) }
        // The sum of one tensor.
        guard inputs.count >= 2 else { return inputs[0] }
        if layer != .concatenate, let odd = inputs.first(where: { $0.shape != inputs[0].shape }) {
            throw Refusal("shapes \(inputs[0].shape) and \(odd.shape): \(layer.type) does not broadcast")
        }
        let axis = normalized(axis, inputs[0])
        let widths = inputs.map { $0.shape[axis] }, total = widths.reduce(0, +)
        let rows = inputs[0].count / widths[0]
        let parts = inputs.map { $0.rows(along: axis) }
        var data: [Float] = []
        for row in 0..<rows {
            for (part, width) in zip(parts, widths) { data += part[row * width..<(row + 1) * width] }
        }
        var nodes: [LayerNode] = []
        var tensors: [String: [Float]] = [:]
        var start = 0
        for (index, width) in widths.enumerated() {
            nodes.append(
                LayerNode(name: "part\(index)", inputs: [Graph.inputName], layer: .dense(units: width, useBias: false)))
            tensors["part\(index)/kernel"] = (0..<total * width).map { $0 / width == start + $0 % width ? 1 : 0 }
            start += width
        }
        nodes.append(LayerNode(name: "result", inputs: nodes.map(\.name), layer: layer))
        var engine = try Engine(input: [total], nodes)
        engine.tensors = tensors
        var shape = inputs[0].shape
        shape[axis] = layer != .concatenate ? widths[0] : total
        return Value.from(rows: try engine.infer(data, count: rows), along: axis, shape: shape)
    }

    /// Batches of images or vectors to vectors, the elements in ONNX's order. The axes before `axis` are the batch.
    static func flatten(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> Value {
        let x = inputs[0]
        try floats(x)
        let axis = normalized(node.int("axis", 1), x)
        guard axis == 1, x.shape.count == 4 else {
            // In one channel, the engine's order is ONNX's.
            let batch = x.shape[..<axis].reduce(1, *), columns = axis < x.shape.count ? x.shape[x.shape.count - 1] : 1
            let rows = x.count / batch / columns
            let y = try Engine(input: [rows, columns, 1], .flatten).infer(x.data, count: batch)
            return Value([batch, rows * columns], y)
        }
        let width = x.count / x.shape[0]
        guard x.shape.count == 4 else {
            return Value(x.shape, try Engine(input: [width], .flatten).infer(x.data, count: x.shape[0]))
        }
        // The engine's order is rows, columns, channels; the comparison is in ONNX's.
        let y = try Engine(input: [x.shape[2], x.shape[3], x.shape[1]], .flatten).infer(
            x.rows(along: 1), count: x.shape[0])
        let images = Value.from(rows: y, along: 1, shape: x.shape)
        return Value([x.shape[0], width], images.data)
    }

    static func dropout(_ node: Onnx_NodeProto, _ inputs: [Value], operatorSet: Int) throws -> [Value] {
        let x = inputs[0]
        try floats(x)
        let isTraining =
            operatorSet >= 12
            ? inputs.count > 2 && inputs[2].data[0] != 0 : operatorSet < 7 && node.int("is_test", 0) == 0
        let ratio =
            operatorSet >= 12 ? (inputs.count > 1 ? inputs[1].data.first ?? 0.5 : 0.5) : node.float("ratio", 0.5)
        let count = x.shape.first ?? 1
        if isTraining, ratio > 0 { throw Refusal("training with the mask of another random generator") }
        let engine = try Engine(input: [x.count / count], .dropout(rate: ratio))
        let y = isTraining ? try engine.train(x.data, count: count).y : try engine.infer(x.data, count: count)
        // Nothing is dropped where it comes to here, so that all of the mask is true.
        let mask = Value(x.shape, Array(repeating: 1, count: x.count))
        return Array([Value(x.shape, y), mask].prefix(node.outputCount))
    }
}
