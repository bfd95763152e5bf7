import Kernels
import Tensors

/// How a convolution or dense layer multiplies bytes at inference: see ``ByteWeights``.
package struct LayerQuantization: Hashable, Sendable {
    /// The scale of its input.
    package var input: ByteScale
    /// The scales of its weights, one per output channel, each in ``ByteScale/legal``.
    package var weightScales: [Float]

    package init(input: ByteScale, weightScales: [Float]) {
        self.input = input
        self.weightScales = weightScales
    }
}

extension ResolvedGraph {
    /// Whether node `index` can multiply bytes: a convolution or dense layer whose sums of products fit 32 bits.
    package func canQuantize(_ index: Int) -> Bool {
        let node = nodes[index]
        guard node.layer.traits.multipliesBytes else { return false }
        if case .convolution(let g)? = node.geometry { return ByteConvolution.isEligible(g) }
        return node.inputShapes[0].count <= ByteWeights.deepest
    }

    /// The quantized layers, by node.
    package var quantization: [Int: LayerQuantization] {
        Dictionary(
            uniqueKeysWithValues: nodes.enumerated().compactMap { index, node in node.quantization.map { (index, $0) } }
        )
    }
}
