import Kernels
import NeuralNetwork
import Tensors
import Training

/// The naive twin of `Optimizer`: one element after the other, in Double, formulas as published.
struct OptimizerReference {
    let options: OptimizerOptions
    let l2: Double
    let clipping: GradientClipping?
    let averagingDecay: Double?
    let decays: [Bool]
    var w: [Double]
    var m: [Double]
    var v: [Double]
    var average: [Double]
    var t = 0

    init(
        options: OptimizerOptions, l2: Double = 0, clipping: GradientClipping? = nil, averagingDecay: Double? = nil,
        decays: [Bool], start: [Double]
    ) {
        self.options = options
        self.l2 = l2
        self.clipping = clipping
        self.averagingDecay = averagingDecay
        self.decays = decays
        w = start
        m = start.map { _ in 0 }
        v = m
        average = start
    }

    mutating func step(_ gradient: [Double], learningRate: Double) {
        t += 1
        let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for i in w.indices {
            var g = gradient[i]
            switch clipping {
            case .norm(let bound): if norm > bound { g *= bound / norm }
            case .value(let bound): g = max(-bound, min(bound, g))
            case nil: break
            }
            if decays[i] { g += l2 * w[i] }
            update(i, g, learningRate)
            if let averagingDecay {
                let d = min(averagingDecay, Double(1 + t) / Double(10 + t))
                average[i] = d * average[i] + (1 - d) * w[i]
            }
        }
    }

    private mutating func update(_ i: Int, _ g: Double, _ rate: Double) {
        switch options {
        case .sgd(_, let mu, let nesterov):
            m[i] = mu * m[i] + g
            w[i] -= rate * (nesterov ? g + mu * m[i] : m[i])
        case .rmsprop(_, let rho, let epsilon, let mu):
            v[i] = rho * v[i] + (1 - rho) * g * g
            m[i] = mu * m[i] + g / (v[i].squareRoot() + epsilon)
            w[i] -= rate * m[i]
        case .adam(_, let beta1, let beta2, let epsilon):
            adam(i, g, rate, beta1, beta2, epsilon)
        case .adamW(_, let beta1, let beta2, let epsilon, let decay):
            if decays[i] { w[i] *= 1 - rate * decay }
            adam(i, g, rate, beta1, beta2, epsilon)
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

/// Tensors of the given sizes, one after the other, alternately decaying and not.
func alternatingTensors(_ counts: [Int]) -> [ParameterTensor] {
    var offset = 0
    return counts.enumerated().map { index, count in
        defer { offset += count }
        return ParameterTensor(
            name: "layer\(index)", shape: [count], offset: offset, role: index.isMultiple(of: 2) ? .weight : .bias)
    }
}

/// Which elements decay.
func decays(_ tensors: [ParameterTensor]) -> [Bool] {
    tensors.flatMap { Array(repeating: $0.role.decays, count: $0.count) }
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
    .adamW(learningRate: 0.01, weightDecay: 0.1),
]
