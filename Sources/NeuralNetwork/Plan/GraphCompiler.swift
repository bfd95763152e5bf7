import Kernels
import Tensors

/// The steps that a plan runs, in order, before memory is assigned to anything.
struct Program {
    struct Step {
        let operation: any Operation
        let pass: Pass
    }

    var steps: [Step] = []
    let input: Storage
    let logits: Storage
    let loss: LossOperation?
    /// The output of ``GraphCompiler/keptNode``, preserved until the end of the run; `bytes` is its format if it is
    /// quantized.
    var kept: (storage: Storage, bytes: GraphCompiler.ByteFormat?)?
    /// Batch-norms whose moments a convolution accumulates in its own forward step, keyed by the convolution.
    var fusedMoments: [ObjectIdentifier: BatchNormOperation] = [:]
    /// The weights that its operations multiply with, by node.
    var weights: [Int: LayerWeights] = [:]
}

/// Compiles a resolved graph into operations: decides what is fused, where gradients flow and where they are summed.
struct GraphCompiler {
    let graph: ResolvedGraph
    private let store: ParameterStore
    private let partials: GradientPartials?
    /// The readers of each node, as (reader, input slot). Index 0 is the network's input, index n + 1 is node n.
    var readers: [[(node: Int, slot: Int)]]
    /// Whether each node's output depends on trained parameters.
    var isTrained: [Bool]
    private var activations: [Storage] = []
    /// The total gradient of each node's output.
    private var gradients: [Storage?] = []
    /// The gradient that each reader sends back for each of its inputs: `[node][slot]`.
    private var edges: [[Storage?]] = []
    private let input: Storage
    private let output: Storage
    /// Batch-norm outputs that are recomputed for the one convolution that reads them, keyed by batch-norm.
    var recomputedOutputs: [Int: Storage] = [:]
    /// Output gradients of batch-norms that the one pooling reading them recomputes, keyed by batch-norm.
    var recomputedGradients: [Int: Storage] = [:]
    /// The outputs of quantized layers that write bytes, keyed by node.
    var byteOutputs: [Int: ByteOutput] = [:]
    private var norms: [Int: BatchNormOperation] = [:]
    /// The positions among the backward steps at which a pooling's recomputed gradient is inserted, keyed by
    /// batch-norm.
    private var recomputationPlaces: [Int: Int] = [:]

    var training: Bool { partials != nil }
    /// Whether batch-norms normalise by the batch without any other training: see ``BatchNormStatistics``.
    let takesStatistics: Bool

    /// A node whose output is preserved after the last step, or `nil` for none.
    let keptNode: Int?

    /// For a single-image program, the batch program whose weights it shares, and its operations, keyed by layer name.
    /// The batch program must be refreshed first.
    private let batched: (program: Program, operations: [String: any Operation])?
    /// The weights of the nodes emitted so far.
    private var usedWeights: [Int: LayerWeights] = [:]

    /// - Parameters:
    ///   - partials: The per-shard gradients of a training program; `nil` at inference.
    ///   - batched: The batch program, given for an inference program that splits single images across workers.
    ///   - takesStatistics: Whether batch-norms compute the moments of their batch, without training.
    ///   - keptNode: A node, read by another node's operation, whose output is preserved as well; at inference only.
    init(
        graph: ResolvedGraph, store: ParameterStore, partials: GradientPartials?, batched: Program? = nil,
        takesStatistics: Bool = false, keptNode: Int? = nil
    ) {
        precondition(partials == nil || batched == nil, "training is in batches")
        self.takesStatistics = takesStatistics
        self.keptNode = keptNode
        self.batched = batched.map { program in
            (program, Dictionary(program.steps.map { ($0.operation.name, $0.operation) }) { first, _ in first })
        }
        self.graph = graph
        self.store = store
        self.partials = partials
        readers = Array(repeating: [], count: graph.nodes.count + 1)
        var trained: [Bool] = []
        for (index, node) in graph.nodes.enumerated() {
            for (slot, source) in node.inputs.enumerated() { readers[source + 1].append((index, slot)) }
            trained.append(
                !node.parameters.isEmpty && !node.isFrozen || node.inputs.contains { $0 >= 0 && trained[$0] })
        }
        isTrained = trained
        input = Storage(floatsPerImage: graph.inputShape.count, isExternal: true)
        output = Storage(
            floatsPerImage: graph.nodes[graph.nodes.count - 1].outputShape.count, isExternal: partials == nil)
        planBytes()
    }

    private func activation(_ node: Int) -> Storage { node < 0 ? input : activations[node] }
    var last: Int { graph.nodes.count - 1 }

    /// Returns the weights that node `index` multiplies with, and whether a ReLU is fused.
    func weights(_ index: Int) -> (LayerWeights, relu: Bool) {
        var norm: LayerWeights.Norm?
        let folded = foldedNorm(index)
        if let folded, let epsilon = traits(folded).normalization?.epsilon {
            let node = graph.nodes[folded]
            norm = LayerWeights.Norm(
                gamma: node.parameters[0], beta: node.parameters[1], mean: node.state[0], variance: node.state[1],
                epsilon: epsilon)
        }
        let shared = batched?.program.weights[index].map { LayerWeights(sharing: $0) }
        return (
            shared ?? LayerWeights(node: graph.nodes[index], norm: norm, store: store),
            fusedRelu(folded ?? index) != nil
        )
    }

    /// Returns the node whose operation writes the output of `node`, following aliases.
    func writer(of node: Int) -> Int {
        var node = node
        while node >= 0, isAlias(node), graph.nodes[node].inputs[0] >= 0 { node = graph.nodes[node].inputs[0] }
        return node
    }

    mutating func compile() -> Program {
        let writer = writer(of: last), keeper = keptNode.map { self.writer(of: $0) }
        for (index, node) in graph.nodes.enumerated() {
            if isAlias(index) {
                activations.append(activation(node.inputs[0]))
            } else {
                let written = fusedPooling(index).map { graph.nodes[$0] } ?? node
                let floats = byteOutputs[index]?.format.layout.floats ?? written.outputShape.count
                activations.append(
                    index == writer ? output : Storage(floatsPerImage: floats, isExternal: index == keeper))
            }
        }
        let logits = activation(last)
        if training {
            routeGradients()
            planRecomputation()
        }
        let loss = gradients.last.flatMap { $0 }.map {
            LossOperation(classes: graph.classCount, columns: graph.outputColumns, logits: logits, gradient: $0)
        }
        var program = Program(
            input: input, logits: logits, loss: loss,
            kept: keptNode.map { (activation($0), byteOutputs[self.writer(of: $0)]?.format) })
        var backward: [Program.Step] = []
        for index in graph.nodes.indices {
            // `backward` is reversed below, so a node's gradient is summed before its operation uses it.
            if !isAlias(index) { emit(index, &program, &backward) }
            if let sum = gradientSum(index) { backward.append(.init(operation: sum, pass: .backward)) }
        }
        program.weights = usedWeights
        if let loss { program.steps.append(.init(operation: loss, pass: .forward)) }
        program.steps += backward.reversed()
        return program
    }

    /// Assigns a storage to each node's gradient, from the last node to the first. A reader that passes its gradient
    /// through shares its own storage; the gradients of several readers are summed.
    private mutating func routeGradients() {
        gradients = Array(repeating: nil, count: graph.nodes.count)
        edges = graph.nodes.map { Array(repeating: nil, count: $0.inputs.count) }
        for index in graph.nodes.indices.reversed() where isTrained[index] {
            let floats = graph.nodes[index].outputShape.count
            if index == last {
                gradients[index] = Storage(floatsPerImage: floats)
                continue
            }
            for reader in readers[index + 1] {
                let passesOn = isAlias(reader.node) || traits(reader.node).sharesGradient
                edges[reader.node][reader.slot] =
                    passesOn ? gradients[reader.node] : Storage(floatsPerImage: floats)
            }
            let incoming = readers[index + 1].map { edges[$0.node][$0.slot] }
            gradients[index] = incoming.count == 1 ? incoming[0] : Storage(floatsPerImage: floats)
        }
    }

    private func gradientSum(_ node: Int) -> SumOperation? {
        guard training, isTrained[node], readers[node + 1].count > 1, let total = gradients[node] else { return nil }
        let incoming = readers[node + 1].compactMap { edges[$0.node][$0.slot] }
        return SumOperation(name: graph.nodes[node].name, pass: .backward, inputs: incoming, output: total)
    }

    /// Appends the forward steps of node `index` to `program`, and its backward steps in reverse order to `backward`.
    private mutating func emit(_ index: Int, _ program: inout Program, _ backward: inout [Program.Step]) {
        if traits(index).normalization != nil { return emitNorm(index, &program, &backward) }
        let norm = traits(index).takesMoments ? fusedNorm(after: index) : nil
        guard let operation = graph.nodes[index].layer.kind.operation(emission(index, moments: norm)) else {
            preconditionFailure("\(graph.nodes[index].name) is no view and has no operation")
        }
        program.steps.append(.init(operation: operation, pass: .forward))
        if let norm { program.fusedMoments[ObjectIdentifier(operation)] = norm }
        guard training, gradients[index] != nil, !traits(index).sharesGradient else { return }
        backward.append(.init(operation: operation, pass: .backward))
        guard let source = normRead(by: index) else { return }
        if traits(index).rereadsInput, recomputedOutputs[source] != nil, let read = norms[source] {
            backward.append(.init(operation: read, pass: .recompute))
        }
        // In execution order this comes right before the batch-norm's backward step, which reads it.
        if traits(index).hasCheapInputGradient, let place = recomputationPlaces[source] {
            backward.insert(.init(operation: operation, pass: .recompute), at: place)
        }
    }

    private mutating func emitNorm(_ index: Int, _ program: inout Program, _ backward: inout [Program.Step]) {
        let isFused = norms[index] != nil
        let norm = norms[index] ?? makeNorm(index)
        if takesMoments(index), !isFused { program.steps.append(.init(operation: norm, pass: .moments)) }
        program.steps.append(.init(operation: norm, pass: .forward))
        guard training, gradients[index] != nil else { return }
        if edges[index][0] != nil {
            backward.append(.init(operation: norm, pass: .backward))
            if recomputedGradients[index] != nil { recomputationPlaces[index] = backward.count }
        }
        if !graph.nodes[index].isFrozen { backward.append(.init(operation: norm, pass: .gradientSums)) }
    }

    /// Returns the batch-norm that is the only reader of node `index`, whose moments are then computed there; in
    /// training and for statistics only.
    private mutating func fusedNorm(after index: Int) -> BatchNormOperation? {
        guard let reader = onlyReader(index), takesMoments(reader) else { return nil }
        return makeNorm(reader)
    }

    /// Whether `node` normalises by its batch's statistics.
    private func takesMoments(_ node: Int) -> Bool {
        (training || takesStatistics) && traits(node).normalization != nil && !graph.nodes[node].isFrozen
    }

    private mutating func makeNorm(_ index: Int) -> BatchNormOperation {
        guard let norm = graph.nodes[index].layer.kind.operation(emission(index)) as? BatchNormOperation else {
            preconditionFailure("\(graph.nodes[index].name) normalises, but not by a BatchNormOperation")
        }
        norms[index] = norm
        return norm
    }

    /// Returns what the layer of node `index` needs to create its operation.
    private mutating func emission(_ index: Int, moments: BatchNormOperation? = nil) -> LayerEmission {
        let node = graph.nodes[index], traits = traits(index)
        // With a fused ReLU, which is an alias, the gradient of the ReLU's reader arrives here.
        var emission = LayerEmission(
            node: node, index: index, inputs: node.inputs.map(activation), output: activations[index],
            outputGradient: training ? gradients[index] : nil,
            inputGradients: training ? edges[index] : node.inputs.map { _ in nil }, store: store,
            partials: node.isFrozen ? nil : partials, usesBatchMoments: takesMoments(index), moments: moments)
        if traits.hasKernel {
            (emission.weights, emission.rectifies) = weights(index)
            usedWeights[index] = emission.weights
        }
        if traits.normalization != nil {
            emission.rectifies = fusedRelu(index) != nil
            emission.recomputed.output = recomputedOutputs[index]
            emission.recomputed.outputGradient = recomputedGradients[index]
            if let pooling = fusedPooling(index), case .pooling(let geometry)? = graph.nodes[pooling].geometry {
                emission.pooling = geometry
            }
        }
        if training, let norm = normRead(by: index) {
            if traits.rereadsInput { emission.recomputed.input = recomputedOutputs[norm] }
            if traits.hasCheapInputGradient { emission.recomputed.inputGradient = recomputedGradients[norm] }
        }
        emission.bytes = byteEmission(index)
        if let batched { emission.striping = .init(whole: batched.operations[node.name]) }
        return emission
    }
}
