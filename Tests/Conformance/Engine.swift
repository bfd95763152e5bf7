import NeuralNetwork
import Tensors
import Workers

/// Runs pieces of networks through the engine itself: the graph is compiled as for any user, and what the last layer
/// gives comes back.
struct Engine {
    private static let pool = WorkerPool(threads: 2)

    let graph: ResolvedGraph
    /// Tensors by their names.
    var tensors: [String: [Float]] = [:]

    /// - Throws: a ``Refusal`` with the project's own error where it does not take the graph.
    init(input: [Int], _ nodes: [LayerNode]) throws {
        guard let shape = Shape(checking: input), shape.dimensions.count != 2 else {
            throw Refusal("a sample of shape \(input)")
        }
        // A network ends in a vector of two or more: the input joins in where the output is a single number.
        var all = nodes
        let last = nodes.last?.name ?? Graph.inputName
        all.append(LayerNode(name: "output", inputs: [last], layer: .flatten))
        do {
            if let probe = try? ResolvedGraph(Graph(inputShape: shape, nodes: all)) {
                graph = probe
            } else {
                all.append(LayerNode(name: "all", inputs: [Graph.inputName], layer: .flatten))
                all.append(LayerNode(name: "joined", inputs: ["output", "all"], layer: .concatenate))
                graph = try ResolvedGraph(Graph(inputShape: shape, nodes: all))
            }
        } catch {
            throw Refusal(error.description)
        }
    }

    init(input: [Int], _ layers: Layer...) throws {
        let chain = Graph(inputShape: Shape([1]), layers: layers)
        try self.init(input: input, chain.nodes)
    }

    /// The output of the last layer given, for one sample.
    var outputShape: Shape {
        graph.nodes[(graph.nodes.firstIndex { $0.name == "output" } ?? 1) - 1].outputShape
    }

    private func buffer(_ places: [ParameterTensor], count: Int) throws -> AlignedBuffer<Float> {
        let buffer = AlignedBuffer<Float>(count: count)
        for place in places {
            guard let values = tensors[place.name], values.count == place.count else {
                throw Refusal("no values of shape \(place.shape) for \(place.name)")
            }
            for (i, value) in values.enumerated() { buffer[place.offset + i] = value }
        }
        return buffer
    }

    /// What inference gives for `[count, H, W, C]` or `[count, C]`: `[count, …outputShape]`. One image alone takes a way
    /// of its own through the engine; it is computed as part of a batch too, and both must agree.
    func infer(_ x: [Float], count: Int) throws -> [Float] {
        let y = try predict(x, count: count)
        if count == 1 {
            for (alone, together) in zip(y, try predict(x + x, count: 2))
            where !(abs(alone - together) <= 1e-5 + 1e-4 * abs(alone)) {
                throw Disagreement(alone: alone, together: together)
            }
        }
        return y
    }

    /// One image gives something else alone than in a batch.
    struct Disagreement: Error {
        let alone, together: Float
    }

    private func predict(_ x: [Float], count: Int) throws -> [Float] {
        let network = InferenceNetwork(graph: graph, batchSize: count, pool: Self.pool)
        network.load(
            parameters: try buffer(graph.parameters, count: graph.parameterCount),
            state: try buffer(graph.state, count: graph.stateCount))
        let images = AlignedBuffer(x)
        network.predict(images: images, count: count, probabilities: AlignedBuffer(count: count * graph.classCount))
        // Where nothing is computed, the logits are the images themselves.
        let logits = withExtendedLifetime(images) { network.logits(count: count) }
        let width = outputShape.count
        return (0..<count).flatMap { logits[$0 * graph.classCount..<$0 * graph.classCount + width] }
    }

    /// What a training step computes on its way forward, and the running state after it.
    ///
    /// A dense layer of two classes with weights of zero follows, so that the loss's gradient of image n is ∓1/2N for
    /// its label 0 or 1, and the dense kernel's gradient Σ y·g. The output of each image is the difference between a
    /// step with its label flipped and one without.
    func train(_ x: [Float], count: Int) throws -> (y: [Float], state: [String: [Float]]) {
        var nodes = graph.graph.nodes
        nodes.append(LayerNode(name: "probe", inputs: ["output"], layer: .dense(units: 2)))
        let probe: ResolvedGraph
        do {
            probe = try ResolvedGraph(
                Graph(inputShape: graph.inputShape, nodes: nodes.filter { $0.name != "joined" && $0.name != "all" }))
        } catch {
            throw Refusal(error.description)
        }
        let network = try TrainingNetwork(graph: probe, batchSize: count, shards: 1, seed: 0, pool: Self.pool)
        let images = AlignedBuffer(x)
        let own = try buffer(graph.parameters, count: graph.parameterCount)
        let state = try buffer(graph.state, count: graph.stateCount)
        let width = outputShape.count
        guard let kernel = probe.parameters.first(where: { $0.name == "probe/kernel" }) else {
            throw Refusal("no probe")
        }
        func sums(flipped: Int?) -> [Float] {
            network.store.parameters.zero()
            for i in 0..<own.count { network.store.parameters[i] = own[i] }
            network.store.state.copy(from: state)
            let labels = AlignedBuffer((0..<count).map { Int32($0 == flipped ? 1 : 0) })
            _ = network.step(images: images, labels: labels, count: count, step: 0)
            return (0..<width).map { network.store.gradients[kernel.offset + 2 * $0] }
        }
        let base = sums(flipped: nil)
        var after: [String: [Float]] = [:]
        for tensor in graph.state { after[tensor.name] = tensor.range.map { network.store.state[$0] } }
        let y = (0..<count).flatMap { image in zip(sums(flipped: image), base).map { ($0 - $1) * Float(count) } }
        return (y, after)
    }
}
