import Kernels
import Tensors

/// What a plan runs, in order, before anything has a place in memory.
struct Program {
    struct Step {
        let operation: any Operation
        let pass: Pass
    }

    var steps: [Step] = []
    let input: Storage
    let logits: Storage
    let loss: LossOperation?
    /// Batch-norms whose moments a convolution takes in its own forward step.
    var fusedMoments: [ObjectIdentifier: BatchNormOperation] = [:]
}

/// Turns a resolved graph into operations: chooses what runs together, where gradients flow and where they meet.
struct GraphCompiler {
    let graph: ResolvedGraph
    private let store: ParameterStore
    private let partials: GradientPartials?
    /// Readers of each node, as (node, which of its inputs); index 0 is the network's input.
    var readers: [[(node: Int, slot: Int)]]
    /// Whether a node's output depends on parameters.
    var isTrained: [Bool]
    private var activations: [Storage] = []
    /// The whole gradient of each node's output.
    private var gradients: [Storage?] = []
    /// What each reader sends back: `[node][slot]`.
    private var edges: [[Storage?]] = []
    private let input: Storage
    private let output: Storage
    /// By batch-norm: its output computed again for the one convolution that reads it.
    var recomputedOutputs: [Int: Storage] = [:]
    /// By batch-norm: the gradient of its output computed again by the one pooling that reads it.
    var recomputedGradients: [Int: Storage] = [:]
    private var norms: [Int: BatchNormOperation] = [:]
    /// By batch-norm: where, among the backward steps, its pooling's second gradient goes.
    private var recomputationPlaces: [Int: Int] = [:]

    var training: Bool { partials != nil }
    /// Whether batch-norms normalise by the batch, with nothing else of training: see ``BatchNormStatistics``.
    let takesStatistics: Bool

    /// For a program of one image at a time: the program of batches whose convolutions' weights it shares, by layer. That
    /// program is refreshed first.
    private let batched: [String: ConvolutionOperation]?

    /// - Parameters:
    ///   - partials: given for a training program.
    ///   - batched: given for a program that shares out single images among workers, at inference.
    ///   - takesStatistics: whether batch-norms take the moments of their batch, without training.
    init(
        graph: ResolvedGraph, store: ParameterStore, partials: GradientPartials?, batched: Program? = nil,
        takesStatistics: Bool = false
    ) {
        precondition(partials == nil || batched == nil, "training is in batches")
        self.takesStatistics = takesStatistics
        self.batched = batched.map { program in
            let operations = program.steps.compactMap { $0.operation as? ConvolutionOperation }
            return Dictionary(operations.map { ($0.name, $0) }) { first, _ in first }
        }
        self.graph = graph
        self.store = store
        self.partials = partials
        readers = Array(repeating: [], count: graph.nodes.count + 1)
        var trained: [Bool] = []
        for (index, node) in graph.nodes.enumerated() {
            for (slot, source) in node.inputs.enumerated() { readers[source + 1].append((index, slot)) }
            trained.append(!node.parameters.isEmpty || node.inputs.contains { $0 >= 0 && trained[$0] })
        }
        isTrained = trained
        input = Storage(floatsPerImage: graph.inputShape.count, isExternal: true)
        output = Storage(
            floatsPerImage: graph.nodes[graph.nodes.count - 1].outputShape.count, isExternal: partials == nil)
    }

    private func activation(_ node: Int) -> Storage { node < 0 ? input : activations[node] }
    var last: Int { graph.nodes.count - 1 }

    /// What `node` multiplies with, and whether a ReLU follows at once.
    private func weights(_ index: Int) -> (LayerWeights, relu: Bool) {
        var norm: LayerWeights.Norm?
        let folded = foldedNorm(index)
        if let folded, case .batchNormalization(_, let epsilon) = graph.nodes[folded].layer {
            let node = graph.nodes[folded]
            norm = LayerWeights.Norm(
                gamma: node.parameters[0], beta: node.parameters[1], mean: node.state[0], variance: node.state[1],
                epsilon: epsilon)
        }
        return (
            LayerWeights(node: graph.nodes[index], norm: norm, store: store), fusedRelu(folded ?? index) != nil
        )
    }

    /// The node whose operation writes what `node` passes on.
    private var writerOfLogits: Int {
        var node = last
        while isAlias(node), graph.nodes[node].inputs[0] >= 0 { node = graph.nodes[node].inputs[0] }
        return node
    }

    mutating func compile() -> Program {
        let writer = writerOfLogits
        for (index, node) in graph.nodes.enumerated() {
            if isAlias(index) {
                activations.append(activation(node.inputs[0]))
            } else {
                let written = fusedPooling(index).map { graph.nodes[$0] } ?? node
                activations.append(index == writer ? output : Storage(floatsPerImage: written.outputShape.count))
            }
        }
        let logits = activation(last)
        if training {
            routeGradients()
            planRecomputation()
        }
        let loss = gradients.last.flatMap { $0 }.map {
            LossOperation(classes: graph.classCount, logits: logits, gradient: $0)
        }
        var program = Program(input: input, logits: logits, loss: loss)
        var backward: [Program.Step] = []
        for index in graph.nodes.indices {
            // `backward` is read from its end: a node's gradient is summed before its operation uses it.
            if !isAlias(index) { emit(index, &program, &backward) }
            if let sum = gradientSum(index) { backward.append(.init(operation: sum, pass: .backward)) }
        }
        if let loss { program.steps.append(.init(operation: loss, pass: .forward)) }
        program.steps += backward.reversed()
        return program
    }

    /// Decides, from the last node to the first, where each node's gradient lies. A reader that only passes on shares
    /// its own gradient; several readers' gradients are added up.
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
                let passesOn = isAlias(reader.node) || graph.nodes[reader.node].layer == .add
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

    /// Appends the forward steps of `node` to the program and its backward steps, last first, to `backward`.
    private mutating func emit(_ index: Int, _ program: inout Program, _ backward: inout [Program.Step]) {
        let node = graph.nodes[index]
        let x = activation(node.inputs[0]), y = activations[index]
        let dy = training ? gradients[index] : nil
        let dx = training ? edges[index][0] : nil
        var operation: any Operation
        switch node.layer {
        case .conv2d:
            guard case .convolution(let geometry)? = node.geometry, case .convolution(let lowering)? = node.loweringPlan
            else { return }
            if let whole = batched?[node.name] {
                operation = StripedConvolution(
                    name: node.name, geometry: geometry, lowering: lowering.forward, whole: whole.forwardProduct,
                    input: x, output: y, weights: whole.weights, relu: whole.relu)
                break
            }
            let norm = fusedNorm(after: index)
            let (kernel, relu) = weights(index)
            let source = training ? normRead(by: index) : nil
            operation = ConvolutionOperation(
                node: node, geometry: geometry, lowering: lowering, input: x,
                recomputedInput: source.flatMap { recomputedOutputs[$0] }, output: y, outputGradient: dy,
                inputGradient: dx,
                store: store, weights: kernel, relu: relu, partials: partials, moments: norm)
            if let norm { program.fusedMoments[ObjectIdentifier(operation)] = norm }
            program.steps.append(.init(operation: operation, pass: .forward))
            guard dy != nil else { return }
            backward.append(.init(operation: operation, pass: .backward))
            if let source, recomputedOutputs[source] != nil, let again = norms[source] {
                backward.append(.init(operation: again, pass: .recompute))
            }
            return
        case .dense:
            let (kernel, relu) = weights(index)
            let core = DenseCore(
                name: node.name, features: node.inputShapes[0].count, units: node.outputShape.count, weights: kernel,
                relu: relu, input: x, output: y, outputGradient: dy, inputGradient: dx, store: store)
            if case .dense(.weights(let features))? = node.loweringPlan {
                operation = BlockedDenseOperation(core: core, blockFeatures: features)
            } else {
                operation = DenseOperation(core: core, partials: partials)
            }
        case .batchNormalization:
            let isFused = norms[index] != nil
            let norm = norms[index] ?? makeNorm(index)
            if training || takesStatistics, !isFused {
                program.steps.append(.init(operation: norm, pass: .moments))
            }
            program.steps.append(.init(operation: norm, pass: .forward))
            if dy != nil {
                if dx != nil {
                    backward.append(.init(operation: norm, pass: .backward))
                    if recomputedGradients[index] != nil { recomputationPlaces[index] = backward.count }
                }
                backward.append(.init(operation: norm, pass: .gradientSums))
            }
            return
        case .relu: operation = pointwise(node, .relu, x, y, dy, dx)
        case .leakyRelu(let slope): operation = pointwise(node, .leakyRelu(slope: slope), x, y, dy, dx)
        case .gelu: operation = pointwise(node, .gelu, x, y, dy, dx)
        case .tanh: operation = pointwise(node, .tanh, x, y, dy, dx)
        case .sigmoid: operation = pointwise(node, .sigmoid, x, y, dy, dx)
        case .softmax:
            operation = SoftmaxOperation(
                name: node.name, columns: node.outputShape.channels, input: x, output: y, outputGradient: dy,
                inputGradient: dx)
        case .maxPooling2d, .averagePooling2d, .globalAveragePooling2d:
            guard case .pooling(let geometry)? = node.geometry else { return }
            var kind = PoolingOperation.Kind.average
            if case .maxPooling2d = node.layer { kind = .maximum }
            if batched != nil {
                operation = StripedPooling(name: node.name, kind: kind, geometry: geometry, input: x, output: y)
                break
            }
            let norm = training ? normRead(by: index) : nil
            operation = PoolingOperation(
                name: node.name, kind: kind, geometry: geometry, input: x, output: y, outputGradient: dy,
                inputGradient: dx, recomputedInputGradient: norm.flatMap { recomputedGradients[$0] })
            // The norm's own steps, which came before, end with the one that reads this.
            if let norm, let place = recomputationPlaces[norm] {
                backward.insert(.init(operation: operation, pass: .recompute), at: place)
            }
        case .dropout(let rate):
            operation = DropoutOperation(
                name: node.name, rate: rate, stream: UInt32(index), input: x, output: y, outputGradient: dy,
                inputGradient: dx)
        case .flatten: return
        case .add:
            let sum = SumOperation(
                name: node.name, pass: .forward, inputs: node.inputs.map(activation), output: y)
            program.steps.append(.init(operation: sum, pass: .forward))
            return
        case .concatenate:
            operation = ConcatenateOperation(
                name: node.name, rowsPerImage: node.outputShape.rows, channels: node.inputShapes.map(\.channels),
                inputs: node.inputs.map(activation), output: y, outputGradient: dy,
                inputGradients: training ? edges[index] : node.inputs.map { _ in nil })
        }
        program.steps.append(.init(operation: operation, pass: .forward))
        if dy != nil { backward.append(.init(operation: operation, pass: .backward)) }
    }

    private func pointwise(
        _ node: ResolvedGraph.Node, _ activation: Activation, _ x: Storage, _ y: Storage, _ dy: Storage?, _ dx: Storage?
    ) -> ActivationOperation {
        ActivationOperation(
            name: node.name, activation: activation, input: x, output: y, outputGradient: dy, inputGradient: dx)
    }

    /// In training and for statistics, the batch-norm that reads convolution `index` and nothing else's output: it takes its moments there.
    private mutating func fusedNorm(after index: Int) -> BatchNormOperation? {
        guard training || takesStatistics, let reader = onlyReader(index),
            case .batchNormalization = graph.nodes[reader].layer
        else { return nil }
        return makeNorm(reader)
    }

    private mutating func makeNorm(_ index: Int) -> BatchNormOperation {
        let node = graph.nodes[index]
        var momentum: Float = 0, epsilon: Float = 0
        if case .batchNormalization(let m, let e) = node.layer { (momentum, epsilon) = (m, e) }
        let relu = fusedRelu(index)
        // With a ReLU along, what the ReLU's reader sends back arrives here (the ReLU is an alias).
        let norm = BatchNormOperation(
            node: node, momentum: momentum, epsilon: epsilon, relu: relu != nil,
            training: training || takesStatistics,
            input: activation(node.inputs[0]), output: activations[index],
            recomputedOutput: recomputedOutputs[index], outputGradient: training ? gradients[index] : nil,
            recomputedOutputGradient: recomputedGradients[index], inputGradient: training ? edges[index][0] : nil,
            pooling: fusedPooling(index).flatMap { pooling in
                if case .pooling(let geometry)? = graph.nodes[pooling].geometry { geometry } else { nil }
            }, store: store)
        norms[index] = norm
        return norm
    }
}
