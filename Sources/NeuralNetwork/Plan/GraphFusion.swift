import Kernels
import Tensors

/// Decides what is fused, and what is recomputed instead of stored.
extension GraphCompiler {
    func traits(_ node: Int) -> LayerTraits { graph.nodes[node].layer.traits }

    /// Whether other layers can be computed along with `node`'s kernel: a layer on a tape has only its own values.
    private func carriesOthers(_ node: Int) -> Bool {
        traits(node).hasKernel && !(graph.nodes[node].layer.kind is any TapeLayer)
    }

    func onlyReader(_ node: Int) -> Int? {
        node >= 0 && readers[node + 1].count == 1 ? readers[node + 1][0].node : nil
    }

    /// Whether `node` computes as at inference: always at inference; in training only if it is frozen and nothing below
    /// it is trained.
    private func infers(_ node: Int) -> Bool {
        !training && !takesStatistics || graph.nodes[node].isFrozen && !isTrained[node]
    }

    /// Returns the batch-norm that is folded into the weights of the convolution or dense layer `node`, if both compute
    /// as at inference.
    func foldedNorm(_ node: Int) -> Int? {
        guard node >= 0, carriesOthers(node), let reader = onlyReader(node), traits(reader).normalization != nil,
            infers(node), infers(reader)
        else { return nil }
        return reader
    }

    /// Returns the ReLU that is fused with `node`, if its only reader is one: always with a batch-norm; with a
    /// convolution or dense layer (and the batch-norm folded into it) only where it computes as at inference.
    func fusedRelu(_ node: Int) -> Int? {
        guard node >= 0 else { return nil }
        let isCarrier = traits(node).normalization != nil || carriesOthers(node) && (!training || infers(node))
        guard isCarrier, let reader = onlyReader(node), traits(reader).isRectifier else { return nil }
        return reader
    }

    /// Returns the max pooling that is fused with batch-norm `node` and its ReLU in training: see
    /// ``PooledBatchNormKernels``.
    func fusedPooling(_ node: Int) -> Int? {
        guard training, node >= 0, traits(node).normalization != nil,
            let reader = onlyReader(fusedRelu(node) ?? node), traits(reader).isMaximumPooling,
            foldedNorm(graph.nodes[node].inputs[0]) != node,
            case .pooling(let geometry)? = graph.nodes[reader].geometry, PooledBatchNormKernels.serve(geometry)
        else { return nil }
        return reader
    }

    /// Returns the batch-norm that pooling `node` is fused with.
    private func normCarrying(_ node: Int) -> Int? {
        let source = graph.nodes[node].inputs[0]
        let norm = source >= 0 && traits(source).isRectifier ? graph.nodes[source].inputs[0] : source
        return fusedPooling(norm) == node ? norm : nil
    }

    /// Whether `node` only passes its input through: a flatten; a batch-norm, ReLU or pooling fused with an earlier
    /// layer; dropout at inference; the network's final softmax.
    func isAlias(_ node: Int) -> Bool {
        let source = graph.nodes[node].inputs[0], traits = traits(node)
        if traits.isView || traits.isViewAtInference && !training || traits.isSoftmax && node == last && !graph.isPart {
            return true
        }
        if traits.normalization != nil { return source >= 0 && foldedNorm(source) == node }
        if traits.isRectifier { return fusedRelu(source) == node }
        return traits.isMaximumPooling && (normCarrying(node) != nil || poolsBytes(node))
    }

    /// Selects what is recomputed in the backward pass. Where a single layer reads them, a batch-norm's output and the
    /// gradient that a pooling sends it cost less to recompute than to store and read. The forward pass then keeps the
    /// output in cache only.
    mutating func planRecomputation() {
        for (index, node) in graph.nodes.enumerated() where isTrained[index] && !isAlias(index) {
            guard let norm = normRead(by: index) else { continue }
            let floats = graph.nodes[norm].outputShape.count
            if node.layer.traits.rereadsInput, !node.isFrozen {
                recomputedOutputs[norm] = Storage(floatsPerImage: floats)
            } else if node.layer.traits.hasCheapInputGradient, !graph.nodes[norm].isFrozen {
                recomputedGradients[norm] = Storage(floatsPerImage: floats)
            }
        }
    }

    /// Returns the batch-norm (with its ReLU) that `node` reads, if nothing else reads it and no other batch-norm comes
    /// between.
    func normRead(by node: Int) -> Int? {
        var source = graph.nodes[node].inputs[0]
        while source >= 0, onlyReader(source) != nil {
            if traits(source).normalization != nil {
                let isDirect = (source + 1..<node).allSatisfy { traits($0).normalization == nil }
                return isDirect && isTrained[source] ? source : nil
            }
            guard isAlias(source), traits(source).isRectifier else { return nil }
            source = graph.nodes[source].inputs[0]
        }
        return nil
    }
}
