import Kernels
import Tensors

/// Decides which activations between quantized layers are stored as bytes: those whose readers are all quantized.
/// Elsewhere, a quantized layer reads and writes floats.
extension GraphCompiler {
    /// The format in which a quantized layer writes bytes.
    struct ByteFormat {
        let layout: ByteLayout
        let scale: ByteScale
    }

    func isQuantized(_ node: Int) -> Bool {
        node >= 0 && !training && !takesStatistics && graph.nodes[node].quantization != nil
    }

    /// The format of a quantized layer's output, and the node of the fused max pooling.
    struct ByteOutput {
        let format: ByteFormat
        let pooling: Int?
    }

    /// Decides which nodes write bytes, from the last to the first, since what a node writes depends on its readers.
    mutating func planBytes() {
        for node in graph.nodes.indices.reversed() where isQuantized(node) { byteOutputs[node] = byteOutput(node) }
    }

    private func byteOutput(_ node: Int) -> ByteOutput? {
        let norm = foldedNorm(node) ?? node
        let tail = fusedRelu(norm) ?? norm
        if let pooling = onlyReader(tail), traits(pooling).isMaximumPooling, tail != keptNode,
            case .pooling(let geometry)? = graph.nodes[pooling].geometry, ByteConvolution.canPool(geometry),
            case .convolution? = graph.nodes[node].geometry, let format = byteFormat(of: pooling)
        {
            return ByteOutput(format: format, pooling: pooling)
        }
        return byteFormat(of: tail).map { ByteOutput(format: $0, pooling: nil) }
    }

    /// Returns the byte format of the output of `node`, if all its readers are quantized by the same scale.
    private func byteFormat(of node: Int) -> ByteFormat? {
        guard let readers = readersThroughViews(of: node), let first = readers.first,
            let scale = graph.nodes[first].quantization?.input
        else { return nil }
        let shape = graph.nodes[node].outputShape
        var layout = ByteLayout(height: shape.height, width: shape.width, channels: shape.channels)
        var isFlattened = false
        for reader in readers {
            guard isQuantized(reader), graph.nodes[reader].quantization?.input == scale else { return nil }
            if case .convolution(let geometry)? = graph.nodes[reader].geometry {
                layout.widen(for: ByteLayout(for: geometry))
            } else {
                isFlattened = true
            }
        }
        return isFlattened && layout.hasBorder ? nil : ByteFormat(layout: layout, scale: scale)
    }

    /// Returns the layers that read the output of `node`, directly or through views; `nil` if it is read from outside.
    private func readersThroughViews(of node: Int) -> [Int]? {
        guard node != last else { return nil }
        var result: [Int] = []
        for reader in readers[node + 1] {
            guard isAlias(reader.node) else {
                result.append(reader.node)
                continue
            }
            guard let further = readersThroughViews(of: reader.node) else { return nil }
            result += further
        }
        return result
    }

    /// Whether pooling `node` is fused with the quantized convolution before it.
    func poolsBytes(_ node: Int) -> Bool {
        guard !training else { return false }
        var source = graph.nodes[node].inputs[0]
        while source >= 0, isAlias(source), !traits(source).isMaximumPooling { source = graph.nodes[source].inputs[0] }
        return byteOutputs[source]?.pooling == node
    }

    /// Returns what the quantized node `index` needs besides its storages.
    func byteEmission(_ index: Int) -> LayerEmission.Bytes? {
        guard isQuantized(index), let quantization = graph.nodes[index].quantization else { return nil }
        let source = writer(of: graph.nodes[index].inputs[0])
        let output = byteOutputs[index]
        var pooling: PoolingGeometry?
        if let node = output?.pooling, case .pooling(let geometry)? = graph.nodes[node].geometry { pooling = geometry }
        return LayerEmission.Bytes(
            quantization: quantization, input: byteOutputs[source]?.format.layout,
            output: output?.format, pooling: pooling)
    }
}
