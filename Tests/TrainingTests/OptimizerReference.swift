import NeuralNetwork
import Tensors
import TestSupport
import Training

/// The naive twin of `Optimizer`: one element after the other, in Double, formulas as published.
struct OptimizerReference {
    let options: OptimizerOptions
    let l2: Double
    let clipping: GradientClipping?
    let averagingDecay: Double?
    let decays: [Bool]
    /// For the rules that look at whole tensors.
    let tensors: [ParameterTensor]
    let lookahead: LookaheadOptions?
    var slow: [Double]
    var w: [Double]
    var m: [Double]
    var v: [Double]
    var average: [Double]
    var t = 0

    init(
        options: OptimizerOptions, l2: Double = 0, clipping: GradientClipping? = nil, averagingDecay: Double? = nil,
        tensors: [ParameterTensor], lookahead: LookaheadOptions? = nil, start: [Double]
    ) {
        self.options = options
        self.l2 = l2
        self.clipping = clipping
        self.averagingDecay = averagingDecay
        self.tensors = tensors
        self.lookahead = lookahead
        decays = tensors.flatMap { Array(repeating: $0.role.decays, count: $0.count) }
        slow = start
        w = start
        m = start.map { _ in 0 }
        v = m
        if let rule = options.as(Adagrad.self) { v = start.map { _ in rule.initialAccumulator } }
        average = start
    }

    mutating func step(_ gradient: [Double], learningRate: Double) {
        t += 1
        let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var filtered = gradient
        for i in w.indices {
            var g = gradient[i]
            switch clipping {
            case .norm(let bound): if norm > bound { g *= bound / norm }
            case .value(let bound): g = max(-bound, min(bound, g))
            case nil: break
            }
            if decays[i] { g += l2 * w[i] }
            filtered[i] = g
        }
        switch options.rule {
        case let rule as LAMB: for tensor in tensors { lamb(tensor, filtered, learningRate, rule) }
        case let muon as OptimizerOptions.MuonOptions:
            for tensor in tensors { self.muon(tensor, filtered, learningRate, muon) }
        default: for i in w.indices { update(i, filtered[i], learningRate) }
        }
        for i in w.indices {
            if let lookahead, t % lookahead.steps == 0 {
                slow[i] += lookahead.alpha * (w[i] - slow[i])
                w[i] = slow[i]
            }
            if let averagingDecay {
                let d = min(averagingDecay, Double(1 + t) / Double(10 + t))
                average[i] = d * average[i] + (1 - d) * w[i]
            }
        }
    }

    private mutating func update(_ i: Int, _ g: Double, _ rate: Double) {
        switch options.rule {
        case let rule as SGD:
            m[i] = rule.momentum * m[i] + g
            w[i] -= rate * (rule.nesterov ? g + rule.momentum * m[i] : m[i])
        case let rule as Adagrad:
            v[i] += g * g
            w[i] -= rate / (1 + Double(t - 1) * rule.learningRateDecay) * g / (v[i].squareRoot() + rule.epsilon)
        case let rule as RMSprop:
            v[i] = rule.rho * v[i] + (1 - rule.rho) * g * g
            m[i] = rule.momentum * m[i] + g / (v[i].squareRoot() + rule.epsilon)
            w[i] -= rate * m[i]
        case let rule as Adam: adam(i, g, rate, rule.beta1, rule.beta2, rule.epsilon)
        case let rule as AdamW:
            if decays[i] { w[i] *= 1 - rate * rule.weightDecay }
            adam(i, g, rate, rule.adam.beta1, rule.adam.beta2, rule.adam.epsilon)
        default: preconditionFailure("the reference has no \(options.rule)")
        }
    }

    /// Adam's step would be `w −= rate · direction`.
    private mutating func adamDirection(
        _ i: Int, _ g: Double, _ beta1: Double, _ beta2: Double, _ epsilon: Double
    ) -> Double {
        let before = w[i]
        adam(i, g, 1, beta1, beta2, epsilon)
        let direction = before - w[i]
        w[i] = before
        return direction
    }

    private mutating func lamb(
        _ tensor: ParameterTensor, _ g: [Double], _ rate: Double, _ rule: LAMB
    ) {
        let adam = rule.adam
        var u = tensor.range.map { adamDirection($0, g[$0], adam.beta1, adam.beta2, adam.epsilon) }
        var ratio = 1.0
        if tensor.role.decays {
            for (k, i) in tensor.range.enumerated() { u[k] += rule.weightDecay * w[i] }
            let weights = tensor.range.reduce(0) { $0 + w[$1] * w[$1] }.squareRoot()
            let directions = u.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if weights > 0, directions > 0 { ratio = weights / directions }
        }
        for (k, i) in tensor.range.enumerated() { w[i] -= rate * ratio * u[k] }
    }

    private mutating func muon(
        _ tensor: ParameterTensor, _ g: [Double], _ rate: Double, _ options: OptimizerOptions.MuonOptions
    ) {
        guard tensor.role == .weight, tensor.shape.count > 1 else {
            let adamRate = rate * options.adam.learningRate / options.learningRate
            for i in tensor.range {
                if tensor.role.decays { w[i] *= 1 - adamRate * options.weightDecay }
                adam(i, g[i], adamRate, options.adam.beta1, options.adam.beta2, options.adam.epsilon)
            }
            return
        }
        let columns = tensor.shape[tensor.shape.count - 1], rows = tensor.count / columns, mu = options.momentum
        var x: [Double] = []
        for i in tensor.range {
            m[i] = mu * m[i] + (1 - mu) * g[i]
            x.append(options.nesterov ? mu * m[i] + (1 - mu) * g[i] : m[i])
        }
        x = orthogonalizedReference(x, rows: rows, columns: columns)
        let factor = max(1, Double(columns) / Double(rows)).squareRoot()
        for (k, i) in tensor.range.enumerated() {
            w[i] = w[i] * (1 - rate * options.weightDecay) - rate * factor * x[k]
        }
    }

    private mutating func adam(
        _ i: Int, _ g: Double, _ rate: Double, _ beta1: Double, _ beta2: Double, _ epsilon: Double
    ) {
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        var power1 = 1.0, power2 = 1.0
        for _ in 0..<t {
            power1 *= beta1
            power2 *= beta2
        }
        w[i] -= rate * (m[i] / (1 - power1)) / ((v[i] / (1 - power2)).squareRoot() + epsilon)
    }
}

/// Newton–Schulz as published, always from the left, by plain products.
func orthogonalizedReference(_ matrix: [Double], rows: Int, columns: Int) -> [Double] {
    let norm = max(matrix.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-7)
    var x = matrix.map { $0 / norm }
    for _ in 0..<5 {
        let a = Reference.product(
            x, Reference.transpose(x, rows: rows, columns: columns), m: rows, n: rows, k: columns)
        let square = Reference.product(a, a, m: rows, n: rows, k: rows)
        let b = zip(a, square).map { -4.7750 * $0 + 2.0315 * $1 }
        let product = Reference.product(b, x, m: rows, n: columns, k: rows)
        x = zip(x, product).map { 3.4445 * $0 + $1 }
    }
    return x
}

/// Tensors of the given sizes, one after the other, alternately decaying and not.
func alternatingTensors(_ counts: [Int]) -> [ParameterTensor] {
    var offset = 0
    return counts.enumerated().map { index, count in
        defer { offset += count }
        return ParameterTensor(
            name: "layer\(index)", shape: [count], offset: offset, role: index.isMultiple(of: 2) ? .weight : .bias)
    }
}

/// Normal numbers, the same for the same address.
func normals(_ count: Int, _ major: UInt32, scale: Double = 1) -> [Float] {
    var stream = RandomStream(RandomAddress(seed: 11, purpose: .test, major: major))
    return (0..<count).map { _ in Float(stream.normalPair().0 * scale) }
}

/// Every rule, with rates under which a few steps move the weights visibly.
let optimizerRules: [OptimizerOptions] = [
    .sgd(learningRate: 0.1), .sgd(learningRate: 0.05, momentum: 0.9),
    .sgd(learningRate: 0.05, momentum: 0.9, nesterov: true), .rmsprop(learningRate: 0.01),
    .rmsprop(learningRate: 0.01, momentum: 0.8), .adam(learningRate: 0.01),
    .adamW(learningRate: 0.01, weightDecay: 0.1), .adagrad(learningRate: 0.1, learningRateDecay: 0.1),
    .lamb(learningRate: 0.05, weightDecay: 0.1), .muon(.init(weightDecay: 0.1)),
]
