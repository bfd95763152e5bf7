import Kernels
import NeuralNetwork
import ONNX
import Tensors
import Training
import Workers

/// Softmax with cross-entropy, and log-softmax, which is its negative for each class in turn.
enum Losses {
    /// Rows of logits `[rows, K]`, K along axis 1.
    private static func logits(_ x: Value, axis: Int) throws -> (buffer: AlignedBuffer<Float>, rows: Int, classes: Int)
    {
        guard x.type == .float else { throw Refusal("numbers of type \(x.type); the engine computes in float32") }
        let classes = x.shape[axis]
        return (AlignedBuffer(x.rows(along: axis)), x.count / classes, classes)
    }

    private static func loss(_ z: AlignedBuffer<Float>, row: Int, classes: Int, label: Int) -> Double {
        SoftmaxKernels.crossEntropy(
            z.pointer + row * classes, columns: classes, label: label, smoothing: 0, weight: 1, dz: nil)
    }

    static func logSoftmax(_ node: Onnx_NodeProto, _ inputs: [Value], operatorSet: Int) throws -> Value {
        let x = inputs[0]
        let axis = Layers.normalized(node.int("axis", operatorSet < 13 ? 1 : -1), x)
        guard operatorSet >= 13 || axis == x.shape.count - 1 else {
            throw Refusal("softmax over several axes at once, of operator sets before 13")
        }
        return try logProbabilities(x, axis: axis)
    }

    private static func logProbabilities(_ x: Value, axis: Int) throws -> Value {
        let (z, rows, classes) = try logits(x, axis: axis)
        let y = (0..<rows * classes).map { Float(-loss(z, row: $0 / classes, classes: classes, label: $0 % classes)) }
        return Value.from(rows: y, along: axis, shape: x.shape)
    }

    static func softmaxCrossEntropy(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> [Value] {
        let (z, rows, classes) = try logits(inputs[0], axis: 1)
        let labels = inputs[1].data.map { Int($0) }
        let weights = inputs.count > 2 ? inputs[2].data : nil
        let ignored = node.attribute("ignore_index").map { Int($0.i) }
        guard labels.count == rows, labels.allSatisfy({ $0 >= 0 && $0 < classes || $0 == ignored }) else {
            throw Refusal("labels outside the classes")
        }
        // How much an image counts: what training multiplies its loss and gradient with.
        let factors = labels.map { $0 == ignored ? 0 : Double(weights?[$0] ?? 1) }
        let losses = (0..<rows).map { row in
            factors[row] == 0 ? 0 : factors[row] * loss(z, row: row, classes: classes, label: labels[row])
        }
        let sum = losses.reduce(0, +)
        let value: Value =
            switch node.text("reduction", "mean") {
            case "mean": Value([], [Float(sum / factors.reduce(0, +))])
            case "sum": Value([], [Float(sum)])
            default: Value(inputs[1].shape, losses.map { Float($0) })
            }
        return node.outputCount == 1 ? [value] : [value, try logProbabilities(inputs[0], axis: 1)]
    }
}

/// ONNX's training operators through this project's optimizer: one step from given moments.
enum Optimizers {
    static func step(_ node: Onnx_NodeProto, _ inputs: [Value]) throws -> [Value] {
        let isAdam = node.opType == "Adam", isAdagrad = node.opType == "Adagrad"
        let parts = isAdam ? 4 : 3
        let tensors = (inputs.count - 2) / parts
        guard inputs.count == 2 + parts * tensors, let rate = inputs[0].data.first, let t = inputs[1].data.first else {
            throw Refusal("another number of inputs")
        }
        guard node.float("norm_coefficient_post", 0) == 0 else {
            throw Refusal("norm_coefficient_post: weights shrunk after the step; adamW shrinks them by the rate")
        }
        let alpha = Double(node.float("alpha", 0.9)), beta = Double(node.float("beta", isAdam ? 0.999 : 1))
        let options: OptimizerOptions
        var stepsBefore = 0
        if isAdam {
            // T = 0 corrects nothing: so does a step so late that both corrections are 1. ONNX adds ε to the root
            // before the correction, this project after it, as published.
            stepsBefore = t > 0 ? Int(t) - 1 : 1 << 24
            let correction = (1 - power(beta, stepsBefore + 1)).squareRoot()
            options = .adam(
                learningRate: Double(rate), beta1: alpha, beta2: beta,
                epsilon: Double(node.float("epsilon", 0)) / correction)
        } else if isAdagrad {
            // T counts the steps before, by which the rate is already less.
            stepsBefore = Int(t)
            options = .adagrad(
                learningRate: Double(rate), learningRateDecay: Double(node.float("decay_factor", 0)),
                epsilon: Double(node.float("epsilon", 1e-6)))
        } else {
            guard beta == 1 || t == 0 else { throw Refusal("beta = \(beta): gradients enter the velocity as they are") }
            options = .sgd(
                learningRate: Double(rate), momentum: alpha, nesterov: node.text("mode", "standard") == "nesterov")
        }
        let groups = (0..<parts).map { part in Array(inputs[(2 + part * tensors)..<(2 + (part + 1) * tensors)]) }
        let flat = groups.map { AlignedBuffer($0.flatMap(\.data)) }
        let count = flat[0].count
        let optimizer = Optimizer(
            options: options, l2: Double(node.float("norm_coefficient", 0)), clipping: nil, averagingDecay: nil,
            tensors: [ParameterTensor(name: "all", shape: [count], offset: 0, role: .weight)], count: count)
        optimizer.stepsTaken = stepsBefore
        for (moment, value) in zip(optimizer.state, flat.dropFirst(2)) { moment.buffer.copy(from: value) }
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        optimizer.step(parameters: flat[0], gradients: flat[1], learningRate: Double(rate), pool: pool)
        let results = [flat[0]] + optimizer.state.map(\.buffer)
        return results.flatMap { buffer in
            var start = 0
            return groups[0].map { tensor in
                defer { start += tensor.count }
                return Value(tensor.shape, (start..<start + tensor.count).map { buffer[$0] })
            }
        }
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0, square = base, rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}
