import Kernels
import Tensors

/// What runs together with what, and what is computed again instead of stored.
extension GraphCompiler {
    func onlyReader(_ node: Int) -> Int? {
        node >= 0 && readers[node + 1].count == 1 ? readers[node + 1][0].node : nil
    }

    /// At inference, the batch-norm that is folded into the weights of convolution or dense layer `node`.
    func foldedNorm(_ node: Int) -> Int? {
        guard !training, !takesStatistics, graph.nodes[node].hasKernel, let reader = onlyReader(node) else {
            return nil
        }
        if case .batchNormalization = graph.nodes[reader].layer { return reader }
        return nil
    }

    /// The ReLU that rides along with `node`, if its only reader is one: with a batch-norm always, with a convolution or
    /// dense layer (and the batch-norm folded into it) at inference.
    func fusedRelu(_ node: Int) -> Int? {
        guard node >= 0 else { return nil }
        var isCarrier = !training && graph.nodes[node].hasKernel
        if case .batchNormalization = graph.nodes[node].layer { isCarrier = true }
        guard isCarrier, let reader = onlyReader(node), graph.nodes[reader].layer == .relu else { return nil }
        return reader
    }

    /// In training, the max pooling that rides along with batch-norm `node` and its ReLU: see ``PooledBatchNormKernels``.
    func fusedPooling(_ node: Int) -> Int? {
        guard training, node >= 0, case .batchNormalization = graph.nodes[node].layer,
            let reader = onlyReader(fusedRelu(node) ?? node), case .maxPooling2d = graph.nodes[reader].layer,
            case .pooling(let geometry)? = graph.nodes[reader].geometry, PooledBatchNormKernels.serve(geometry)
        else { return nil }
        return reader
    }

    /// The batch-norm that pooling `node` rides along with.
    private func normCarrying(_ node: Int) -> Int? {
        let source = graph.nodes[node].inputs[0]
        let norm = source >= 0 && graph.nodes[source].layer == .relu ? graph.nodes[source].inputs[0] : source
        return fusedPooling(norm) == node ? norm : nil
    }

    /// Whether `node` only passes its input on: a flatten, a batch-norm, ReLU or pooling already done, dropout at inference, a last
    /// softmax.
    func isAlias(_ node: Int) -> Bool {
        let source = graph.nodes[node].inputs[0]
        return switch graph.nodes[node].layer {
        case .flatten: true
        case .batchNormalization: source >= 0 && foldedNorm(source) == node
        case .relu: fusedRelu(source) == node
        case .maxPooling2d: normCarrying(node) != nil
        case .dropout(let rate): !training || rate == 0
        case .softmax: node == last
        default: false
        }
    }

    /// A batch-norm costs less to compute again than its output to store and read, and so does the gradient that a pooling
    /// sends it: where a single layer reads them. The forward pass then keeps the output in cache only.
    mutating func planRecomputation() {
        for (index, node) in graph.nodes.enumerated() where isTrained[index] && !isAlias(index) {
            guard let norm = normRead(by: index) else { continue }
            let floats = graph.nodes[norm].outputShape.count
            switch node.layer {
            case .conv2d: recomputedOutputs[norm] = Storage(floatsPerImage: floats)
            case .maxPooling2d, .averagePooling2d: recomputedGradients[norm] = Storage(floatsPerImage: floats)
            default: continue
            }
        }
    }

    /// The batch-norm (with its ReLU) that `node` reads, if nothing else reads it and no other batch-norm comes between.
    func normRead(by node: Int) -> Int? {
        var source = graph.nodes[node].inputs[0]
        while source >= 0, onlyReader(source) != nil {
            if case .batchNormalization = graph.nodes[source].layer {
                let between = graph.nodes[source + 1..<node]
                let isDirect = between.allSatisfy { if case .batchNormalization = $0.layer { false } else { true } }
                return isDirect && isTrained[source] ? source : nil
            }
            guard isAlias(source), graph.nodes[source].layer == .relu else { return nil }
            source = graph.nodes[source].inputs[0]
        }
        return nil
    }
}

extension ResolvedGraph.Node {
    /// Whether it multiplies with a kernel of its own.
    var hasKernel: Bool {
        switch layer {
        case .conv2d, .dense: true
        default: false
        }
    }
}
