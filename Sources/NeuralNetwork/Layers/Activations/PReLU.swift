import Formats
import Tensors

extension Layer {
    /// `x` where x > 0, else `α[c]·x`, with a learned slope α for each channel, initially 0.25 and never decayed. Has C
    /// parameters. K. He et al. 2015, arXiv:1502.01852.
    public static var prelu: Layer { Layer(PReLU()) }
}

/// ``Layer/prelu``; derivative with respect to x as in ``LeakyReLU``, with respect to α[c] `Σ min(x, 0)·dy`.
package struct PReLU: LayerKind {
    package static let type = "prelu"
    package static var options: Section<PReLU> { Section(initial: PReLU(), fields: []) }

    package func infer(_ node: inout NodeBuilder) throws(InputError) {
        node.outputShape = node.inputShapes[0]
        try node.addParameter("alpha", [node.outputShape.channels], .slope)
    }

    package func operation(_ emission: LayerEmission) -> (any Operation)? { PReLUOperation(emission) }

    package func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        guard node.outputShape.isImage else { return [ONNXNode("PRelu", [.input(0)] + node.onnxParameters)] }
        let shape = ONNXNode.Value.integers([node.outputShape.channels, 1, 1], name: "alpha_shape")
        return [
            ONNXNode("Reshape", node.onnxParameters + [shape], suffix: "alpha_of_channels"),
            ONNXNode("PRelu", [.input(0), .node(0)]),
        ]
    }
}

private final class PReLUOperation: Operation {
    let name: String
    private let alpha: ParameterTensor
    private let input, output: Storage
    private let outputGradient, inputGradient: Storage?
    private let store: ParameterStore
    private let learns: Bool
    private var kept: ShardSums?

    init(_ emission: LayerEmission) {
        name = emission.node.name
        alpha = emission.node.parameters[0]
        input = emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        learns = emission.learns
    }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [input, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        kept = learns ? ShardSums(count: alpha.count, shards: shards) : nil
    }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        let first = chunk.images.lowerBound, channels = alpha.count
        let rows = chunk.images.count * input.floatsPerImage / channels
        let x = input.pointer(first, chunk), slopes = store.parameter(alpha)
        if pass == .forward {
            let y = output.pointer(first, chunk)
            for row in 0..<rows {
                let at = row &* channels
                for c in 0..<channels { y[at &+ c] = x[at &+ c] < 0 ? slopes[c] * x[at &+ c] : x[at &+ c] }
            }
            return
        }
        guard let outputGradient else { return }
        let dy = outputGradient.pointer(first, chunk)
        if let kept {
            if chunk.isFirst { kept.clear(chunk.shard) }
            let sums = kept.pointer(chunk.shard)
            for row in 0..<rows {
                let at = row &* channels
                for c in 0..<channels { sums[c] += x[at &+ c] < 0 ? Double(x[at &+ c]) * Double(dy[at &+ c]) : 0 }
            }
        }
        guard let dx = inputGradient?.pointer(first, chunk) else { return }
        for row in 0..<rows {
            let at = row &* channels
            // At 0 the derivative is the slope, consistent with ReLU's 0.
            for c in 0..<channels { dx[at &+ c] = x[at &+ c] <= 0 ? slopes[c] * dy[at &+ c] : dy[at &+ c] }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? [kept].compactMap { $0 } : [] }

    func reduce(_ pass: Pass, _ run: Run) {
        guard pass == .backward, let kept else { return }
        let gradient = store.gradient(alpha)
        for c in 0..<kept.count { gradient[c] = Float(kept.total(c, shards: run.shards)) }
    }
}
