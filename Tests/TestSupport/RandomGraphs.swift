import NeuralNetwork
import Tensors

/// Valid networks made at random: every layer type, chains and branches, shapes that are awkward and shapes that every
/// lowering takes. The same index gives the same graph in every run.
package struct RandomGraph {
    private var random: RandomStream
    private let isSmall: Bool
    private var nodes: [LayerNode] = []
    /// Outputs so far, with their shapes; the network's input first.
    private var values: [(name: String, shape: [Int])]
    private var read: Set<String> = []

    /// - Parameter isSmall: few enough parameters for central differences through all of them.
    package static func sample(_ index: Int, isSmall: Bool = false) -> SampleGraph {
        var maker = RandomGraph(index, isSmall: isSmall)
        return SampleGraph("random\(isSmall ? " small" : "") graph \(index)", maker.graph())
    }

    private init(_ index: Int, isSmall: Bool) {
        random = RandomStream(
            RandomAddress(seed: isSmall ? 41 : 42, purpose: .test, major: UInt32(index)))
        self.isSmall = isSmall
        values = []
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[random.integer(below: elements.count)]
    }
    private mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + random.integer(below: range.count)
    }

    private mutating func graph() -> Graph {
        let channels = isSmall ? integer(1...2) : pick([1, 2, 3, 16])
        let side = isSmall ? 3...6 : 6...14
        let input = [integer(side), integer(side), channels]
        values = [(Graph.inputName, input)]
        for _ in 0..<(isSmall ? integer(2...5) : integer(3...8)) { addRandomLayer() }
        finish(classes: integer(2...4))
        return Graph(inputShape: Shape(input), nodes: nodes)
    }

    private mutating func add(_ layer: Layer, _ sources: [String], _ shape: [Int]) {
        let name = "\(layer.type)-\(nodes.count)"
        nodes.append(LayerNode(name: name, inputs: sources, layer: layer))
        read.formUnion(sources)
        values.append((name, shape))
    }

    private mutating func addRandomLayer() {
        // Mostly on top of the last one: graphs that are deep rather than wide.
        let source = random.integer(below: 4) > 0 ? values[values.count - 1] : pick(values)
        let isImage = source.shape.count == 3
        switch random.integer(below: 10) {
        case 0...2 where isImage: addConvolution(source)
        case 3 where isImage: addPooling(source)
        case 4:
            let same = values.filter { $0.shape == source.shape }
            add(pick([.add, .multiply] as [Layer]), [source.name, pick(same).name], source.shape)
        case 5:
            let other = pick(values.filter { $0.shape.dropLast() == source.shape.dropLast() })
            let channels = source.shape[source.shape.count - 1] + other.shape[other.shape.count - 1]
            guard channels <= 40 || !isImage else { return }
            add(.concatenate, [source.name, other.name], source.shape.dropLast() + [channels])
        case 6:
            add(
                .batchNormalization(momentum: pick([0.1, 0.9]), epsilon: pick([1e-3, 1e-2])), [source.name],
                source.shape)
            if random.integer(below: 2) == 0, let last = values.last { add(.relu, [last.name], last.shape) }
        case 7 where isImage && source.shape[0] * source.shape[1] <= (isSmall ? 12 : 64):
            let size = Size2D(integer(1...2), 2)
            add(
                .upSampling2d(size: size), [source.name],
                [source.shape[0] * size.height, source.shape[1] * size.width, source.shape[2]])
        case 8 where random.integer(below: 2) == 0:
            let channels = source.shape[source.shape.count - 1]
            let groups = channels.isMultiple(of: 2) ? pick([1, 2, channels]) : 1
            add(
                isImage && random.integer(below: 2) == 0
                    ? .groupNormalization(groups: groups, epsilon: 1e-2) : .layerNormalization(epsilon: 1e-2),
                [source.name], source.shape)
        case 7 where !isImage:
            let units = integer(2...(isSmall ? 4 : 40))
            add(.dense(units: units, useBias: random.integer(below: 2) == 0), [source.name], [units])
        default:
            let layer = pick(
                [
                    .relu, .leakyRelu(negativeSlope: 0.2), .prelu, .gelu, .tanhGelu, .swish, .hardSwish, .tanh,
                    .sigmoid, .softmax,
                    .dropout(rate: 0.3),
                ] as [Layer])
            add(layer, [source.name], source.shape)
        }
    }

    private mutating func addConvolution(_ source: (name: String, shape: [Int])) {
        // Half of them such that some lowering of each kind takes them, given channels enough.
        let isPlain = random.integer(below: 2) == 0
        let filters = isSmall ? integer(1...3) : pick([isPlain ? 16 : 3, 16, 16, 17, 32])
        let kernel =
            isPlain
            ? pick([Size2D(3), Size2D(3), Size2D(1, 3), Size2D(1, 5)]) : Size2D(integer(1...3), pick([1, 3, 3, 3]))
        let strides = isPlain ? Size2D(1) : Size2D(integer(1...2), integer(1...2))
        let dilation = isPlain ? Size2D(1) : Size2D(integer(1...2), 1)
        let tall = dilation.height * (kernel.height - 1) + 1, wide = dilation.width * (kernel.width - 1) + 1
        let fits = source.shape[0] >= tall && source.shape[1] >= wide
        let padding: Padding = fits ? pick([.same, .valid]) : .same
        func extent(_ size: Int, _ span: Int, _ stride: Int) -> Int {
            padding == .same ? (size + stride - 1) / stride : (size - span) / stride + 1
        }
        if random.integer(below: 6) == 0, source.shape[0] * strides.height <= 16, source.shape[1] * strides.width <= 16
        {
            let size = [source.shape[0] * strides.height, source.shape[1] * strides.width]
            add(
                .conv2dTranspose(
                    filters: filters, kernelSize: kernel, strides: strides, padding: .same, dilation: dilation,
                    useBias: random.integer(below: 2) == 0), [source.name], size + [filters])
            return
        }
        if random.integer(below: 6) == 0, let groups = [2, 3].first(where: { source.shape[2].isMultiple(of: $0) }) {
            let size = [extent(source.shape[0], tall, strides.height), extent(source.shape[1], wide, strides.width)]
            add(
                .groupedConv2d(
                    filters: 2 * groups, kernelSize: kernel, groups: groups, strides: strides, padding: padding,
                    dilation: dilation, useBias: random.integer(below: 2) == 0), [source.name], size + [2 * groups])
            return
        }
        let isDepthwise = random.integer(below: 3) == 0
        let shape = [
            extent(source.shape[0], tall, strides.height), extent(source.shape[1], wide, strides.width),
            isDepthwise ? source.shape[2] : filters,
        ]
        guard !isDepthwise else {
            add(
                .depthwiseConv2d(
                    kernelSize: kernel, strides: strides, padding: padding, dilation: dilation,
                    useBias: random.integer(below: 2) == 0), [source.name], shape)
            return
        }
        add(
            .conv2d(
                filters: filters, kernelSize: kernel, strides: strides, padding: padding, dilation: dilation,
                useBias: random.integer(below: 2) == 0), [source.name], shape)
    }

    private mutating func addPooling(_ source: (name: String, shape: [Int])) {
        guard source.shape[0] >= 2, source.shape[1] >= 2, random.integer(below: 3) > 0 else {
            add(pick([.globalAveragePooling2d, .globalMaxPooling2d] as [Layer]), [source.name], [source.shape[2]])
            return
        }
        if source.shape[0] >= 3, source.shape[1] >= 3, random.integer(below: 4) == 0 {
            add(
                .maxPooling2d(poolSize: Size2D(2), strides: Size2D(1), dilation: Size2D(2)), [source.name],
                [source.shape[0] - 2, source.shape[1] - 2, source.shape[2]])
            return
        }
        let shape = [source.shape[0] / 2, source.shape[1] / 2, source.shape[2]]
        let isMaximum = random.integer(below: 2) == 0
        add(
            isMaximum ? .maxPooling2d(poolSize: Size2D(2)) : .averagePooling2d(poolSize: Size2D(2)), [source.name],
            shape)
    }

    /// Brings everything that nobody read to one vector, and that to the classes.
    private mutating func finish(classes: Int) {
        var vectors: [(name: String, shape: [Int])] = []
        let open = values.dropFirst().filter { !read.contains($0.name) }
        for value in open.isEmpty ? [values[0]] : Array(open) {
            if value.shape.count == 3 {
                let isLarge = isSmall && value.shape.reduce(1, *) > 24
                let global = pick([.globalAveragePooling2d, .globalMaxPooling2d] as [Layer])
                add(
                    isLarge ? global : .flatten, [value.name],
                    [isLarge ? value.shape[2] : value.shape.reduce(1, *)])
                vectors.append(values[values.count - 1])
            } else {
                vectors.append(value)
            }
        }
        if vectors.count > 1 {
            add(.concatenate, vectors.map(\.name), [vectors.reduce(0) { $0 + $1.shape[0] }])
            vectors = [values[values.count - 1]]
        }
        add(.dense(units: classes), [vectors[0].name], [classes])
    }
}

extension ReferenceNetwork {
    /// How far the batch is from a place where the loss has no derivative: the smallest magnitude that meets a ReLU, the
    /// smallest lead of a maximum over the next. Exact zeros and ties, which both sides settle by rule, do not count.
    package func kinkDistance(images: [Double], count: Int, step: Step) -> Double {
        let trace = forward(images, count: count, step: step)
        var distance = Double.infinity
        for node in graph.nodes {
            let x = node.inputs[0] < 0 ? images : trace.outputs[node.inputs[0]]
            switch node.layer.kind {
            case is ReLU, is LeakyReLU:
                for value in x where value != 0 { distance = min(distance, abs(value)) }
            case is HardSwish: for value in x { distance = min(distance, abs(abs(value) - 3)) }
            case is MaxPooling2D, is GlobalMaxPooling2D:
                let shape = node.inputs[0] < 0 ? graph.inputShape.dimensions : trace.shapes[node.inputs[0]]
                let window = pooling(node, shape, count)
                distance = min(distance, window.smallestLead(x: x))
            default: break
            }
        }
        return distance
    }
}

extension ReferencePooling {
    /// The smallest difference, not zero, between the largest and the second largest value of a window.
    func smallestLead(x: [Double]) -> Double {
        var lead = Double.infinity
        for index in 0..<outputCount {
            let values = window(index).map { x[$0] }.sorted(by: >)
            if values.count > 1, values[0] > values[1] { lead = min(lead, values[0] - values[1]) }
        }
        return lead
    }
}
