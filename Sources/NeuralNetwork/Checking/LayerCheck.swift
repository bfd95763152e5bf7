import Formats
import Tensors
import Workers

/// Compares a layer's gradients with finite differences: those of its inputs and parameters, as the engine trains it,
/// and, where the layer's formulas run in `Double` too, in double precision as well.
///
/// The value is `Σ c·y` over three images' outputs y; c, inputs and parameters are drawn from `seed`. Of a large
/// tensor, 100 to 199 elements are tried, evenly spaced. Costs up to about a thousand passes through the layer per
/// tensor.
///
/// ```swift
/// let check = try checkGradients(Layer(MyLayer()), inputShape: [8, 8, 4])
/// #expect(check.error < 1e-3)
/// ```
///
/// - Parameter inputShape: The shape of the one input, `[H, W, C]` or `[C]`.
/// - Throws: An ``InputError`` if the layer does not accept such an input.
public func checkGradients(_ layer: Layer, inputShape: [Int], seed: UInt64 = 1) throws -> GradientCheck {
    try checkGradients(layer, inputShapes: [inputShape], seed: seed)
}

/// Compares the gradients of a layer with several inputs: see ``checkGradients(_:inputShape:seed:)``.
public func checkGradients(_ layer: Layer, inputShapes: [[Int]], seed: UInt64 = 1) throws -> GradientCheck {
    let shapes = try inputShapes.map { extents throws(InputError) in
        guard let shape = Shape(checking: extents) else {
            throw InputError(
                "inputShapes", expected: "positive extents with a product below 2^31", received: "\(extents)")
        }
        return shape
    }
    let check = try LayerCheck(layer, shapes, seed: seed)
    return GradientCheck(tensors: check.compare(), doublePrecisionError: try doubleError(layer, shapes, seed: seed))
}

/// A network of the layer alone, with parameters in place of its inputs, under a linear loss.
private struct LayerCheck {
    private static let images = 3
    private static let mostElements = 100

    private let network: TrainingNetwork
    private let pool = WorkerPool(threads: 1)
    private let images: AlignedBuffer<Float>
    private let labels: AlignedBuffer<Int32>
    private let layerName: String

    init(_ layer: Layer, _ shapes: [Shape], seed: UInt64) throws {
        let total = shapes.reduce(0) { $0 + $1.count }
        var nodes: [LayerNode] = [], first = 0
        for (slot, shape) in shapes.enumerated() {
            nodes.append(
                LayerNode(
                    name: slot == 0 ? "input_1" : "input_\(slot + 1)", inputs: [Graph.inputName],
                    layer: Layer(Start(shape: shape.dimensions, first: first))))
            first += shape.count
        }
        layerName = "checked"
        nodes.append(LayerNode(name: layerName, inputs: nodes.map(\.name), layer: layer))
        nodes.append(LayerNode(name: "outputs", inputs: [layerName], layer: Layer(Outputs())))
        let graph = try ResolvedGraph(Graph(inputShape: Shape([total]), nodes: nodes))
        network = try TrainingNetwork(graph: graph, batchSize: Self.images, shards: 2, seed: seed, pool: pool)
        network.loss = (Loss(WeightedSum(seed: Int(seed & 0xFFFF))), nil)
        var random = RandomStream(RandomAddress(seed: seed, purpose: .initialization, stream: 1 << 20))
        func uniform() -> Float { Float(random.nextWord()) * 0x1p-31 - 1 }
        images = AlignedBuffer((0..<Self.images * total).map { _ in uniform() })
        labels = AlignedBuffer((0..<Self.images).map { Int32($0 % graph.classCount) })
        for tensor in graph.parameters { for i in tensor.range { network.store.parameters[i] += 0.3 * uniform() } }
    }

    private var loss: Double {
        network.step(images: images, labels: labels, count: Self.images, step: 1).lossSum
    }

    func compare() -> [GradientCheck.Tensor] {
        _ = loss
        let gradients = network.store.gradients.array, store = network.store
        return network.graph.parameters.map { tensor in
            // The gradients are those of the mean over the images; `loss` is the sum.
            let own = tensor.range.map { Double(gradients[$0]) * Double(Self.images) }
            let parts = tensor.name.split(separator: "/")
            let name = parts[0] == layerName ? String(parts[1]) : parts[0] == "input_1" ? "input" : String(parts[0])
            var comparison = GradientComparison(name, own, .single)
            let step = max(1, tensor.count / Self.mostElements)
            for element in stride(from: 0, to: tensor.count, by: step) {
                let place = tensor.offset + element, before = store.parameters[place]
                comparison.compare(own[element]) { change in
                    store.parameters[place] = before + Float(change)
                    return loss
                }
                store.parameters[place] = before
            }
            return comparison.result
        }
    }
}

/// Adds a parameter to a slice of the network's input.
private struct Start: TapeLayer {
    var shape: [Int] = [1]
    var first = 0
    static let type = "checkedInput"
    static var options: Section<Start> { Section(initial: Start(), fields: []) }

    func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue {
        let count = shape.reduce(1, *)
        return inputs[0].channels(first..<first + count).reshaped(shape) + tape.parameter("value", shape, .bias)
    }

    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
}

/// Flattens all outputs and appends a zero, so that even a single output makes two classes.
private struct Outputs: TapeLayer {
    static let type = "checkedOutputs"
    static var options: Section<Outputs> { Section(initial: Outputs(), fields: []) }

    func forward(_ inputs: [TapeValue], _ tape: Tape) -> TapeValue {
        inputs[0].reshaped([inputs[0].shape.count]).joined(with: tape.constant(0))
    }

    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] { [] }
}

/// The loss `Σ c·z`, with c in [−1, 1] chosen by class and label.
private struct WeightedSum: LossKind {
    var seed = 0
    static let type = "weightedSum"
    static var options: Section<WeightedSum> { Section(initial: WeightedSum(), fields: []) }

    func row(
        _ z: UnsafePointer<Float>, classes: Int, target: LossTarget, weight: Float, dz: UnsafeMutablePointer<Float>?
    ) -> Double {
        var sum = 0.0
        for k in 0..<classes {
            let factor = checkedFactor(seed &+ target.label &* 7919, k)
            sum += factor * Double(z[k])
            dz?[k] = weight * Float(factor)
        }
        return sum
    }
}

/// Returns a number in [−1, 1] that is a fixed function of two integers.
private func checkedFactor(_ a: Int, _ b: Int) -> Double {
    var random = RandomStream(
        RandomAddress(
            seed: 0, purpose: .test, major: UInt32(truncatingIfNeeded: a), minor: UInt32(truncatingIfNeeded: b)))
    return 2 * Double(random.nextWord()) * 0x1p-32 - 1
}

/// Returns the largest error of the layer's formulas in `Double`, or `nil` if it has none.
private func doubleError(_ layer: Layer, _ shapes: [Shape], seed: UInt64) throws(InputError) -> Double? {
    if let tape = layer.kind as? any TapeLayer { return try doubleError(tape, shapes, seed: seed) }
    guard let function = layer.kind as? any FunctionLayer else { return nil }
    var comparison = GradientComparison("x", [1], .double)
    for i in 0..<200 {
        let x = 4 * checkedFactor(Int(seed & 0xFFFF), i)
        comparison.compare(function.derivative(x)) { function.value(x + $0) }
    }
    return comparison.result.error
}

private func doubleError(_ layer: some TapeLayer, _ shapes: [Shape], seed: UInt64) throws(InputError) -> Double {
    let (tape, output) = try layer.recorded(shapes, place: "layer")
    let program = TapeProgram(tape, output: output), steps = program.steps.count
    let outside = program.steps.indices.filter { program.valueOffsets[$0] == nil && program.isUsed[$0] } + [output]
    let scratch = AlignedBuffer<Double>(count: program.scratchCount)
    let tables = AlignedBuffer<UInt>(count: 2 * steps)
    let memory = TapeMemory(program, scratch: scratch.pointer, tables: UnsafeMutableRawPointer(tables.pointer))
    let values = outside.map { place in
        AlignedBuffer<Double>((0..<program.shapes[place].count).map { checkedFactor(Int(seed & 0xFFFF) + place, $0) })
    }
    let gradients = outside.map { AlignedBuffer<Double>(count: program.shapes[$0].count) }
    let weights = (0..<program.shapes[output].count).map { checkedFactor(-1, $0) }
    for (index, place) in outside.enumerated() {
        memory.values[place] = values[index].pointer
        memory.gradients[place] = gradients[index].pointer
    }
    let result = values[outside.count - 1]
    func value() -> Double {
        memory.forward()
        return weights.indices.reduce(0) { $0 + weights[$1] * result[$1] }
    }
    for (index, weight) in weights.enumerated() { gradients[outside.count - 1][index] = weight }
    memory.backward()
    var worst = 0.0
    for index in 0..<outside.count - 1 {
        var comparison = GradientComparison("", gradients[index].array, .double)
        let tensor = values[index]
        for element in stride(from: 0, to: tensor.count, by: max(1, tensor.count / 100)) {
            let before = tensor[element]
            comparison.compare(gradients[index][element]) { change in
                tensor[element] = before + change
                return value()
            }
            tensor[element] = before
        }
        worst = max(worst, comparison.result.error)
    }
    return worst
}
