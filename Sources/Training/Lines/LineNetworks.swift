import Datasets
import NeuralNetwork
import Tensors
import Workers

/// A trained network that reads lines of text of several widths.
package final class LineNetworks {
    private var networks: [Int: InferenceNetwork] = [:]
    private let graph: ResolvedGraph
    private let batchSize: Int
    private let pool: WorkerPool
    private let keepsFeatures: Bool
    private var weights: (parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>)?
    private var images = AlignedBuffer<Float>(count: 0)
    private var output = AlignedBuffer<Float>(count: 0)

    /// The maximum number of lines computed at once.
    private static let mostLines = 64
    /// The maximum number of widths whose networks are kept.
    private static let mostNetworks = 24

    /// - Parameters:
    ///   - graphs: One network for several widths, at least one.
    ///   - keepsFeatures: Whether ``LineLogits/features`` will be used; they exist if the network has features for each
    ///     column.
    package init(_ graphs: [ResolvedGraph], batchSize: Int, pool: WorkerPool, keepsFeatures: Bool = false) {
        graph = graphs[graphs.count - 1]
        self.batchSize = min(max(batchSize, 1), Self.mostLines)
        self.pool = pool
        self.keepsFeatures = keepsFeatures && graph.featurePlaces?.places == graph.outputColumns
        for graph in graphs { networks[graph.inputShape.width] = makeNetwork(graph) }
    }

    private func makeNetwork(_ graph: ResolvedGraph) -> InferenceNetwork {
        InferenceNetwork(graph: graph, batchSize: batchSize, pool: pool, keepsFeatures: keepsFeatures)
    }

    /// Copies trained weights into the networks.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        weights = (parameters, state)
        for network in networks.values { network.load(parameters: parameters, state: state) }
    }

    /// Returns the network's output for each line, and the line's text, in the order of the lines' numbers.
    package func logits(of lines: LineSet) -> [(logits: LineLogits, text: [UInt8])] {
        var result = [(logits: LineLogits, text: [UInt8])?](repeating: nil, count: lines.count)
        for bucket in lines.buckets {
            let size = lines.height * bucket.width
            for start in stride(from: 0, to: bucket.texts.count, by: batchSize) {
                let end = min(start + batchSize, bucket.texts.count)
                let logits = logits(
                    of: bucket.pixels[(start * size)..<(end * size)], count: end - start, width: bucket.width)
                for (index, line) in logits.enumerated() {
                    result[bucket.numbers[start + index]] = (line, bucket.texts[start + index])
                }
            }
        }
        return result.compactMap { $0 }
    }

    /// Returns the network's output for `count` lines of bytes `[count, height, width]`, at most as many as are
    /// computed at once.
    package func logits(of pixels: some Collection<UInt8>, count: Int, width: Int) -> [LineLogits] {
        let network = network(width)
        let pixelCount = graph.inputShape.height * width
        precondition(pixels.count == count * pixelCount && count <= batchSize, "LineNetworks: lines of another size")
        if images.count < batchSize * pixelCount { images = AlignedBuffer(count: batchSize * pixelCount) }
        for (index, byte) in pixels.enumerated() { images[index] = Float(byte) / 255 }
        let floats = network.graph.outputColumns * network.graph.classCount
        if output.count < batchSize * floats { output = AlignedBuffer(count: batchSize * floats) }
        network.activations(images: images, count: count, into: output)
        let features = network.features(count: count), size = (features?.count ?? 0) / count
        return (0..<count).map { line in
            LineLogits(
                values: (0..<floats).map { output[line * floats + $0] }, columns: network.graph.outputColumns,
                classes: network.graph.classCount,
                features: features.map { Array($0[(line * size)..<((line + 1) * size)]) })
        }
    }

    /// Returns the network for lines of a width.
    /// - Precondition: The graph can be widened to it.
    private func network(_ width: Int) -> InferenceNetwork {
        if let network = networks[width] { return network }
        guard let graph = try? graph.widened(to: width) else {
            preconditionFailure("LineNetworks: the network cannot take lines \(width) wide")
        }
        // The number is bounded: the lines of a page have few widths, those of an adversary many.
        if networks.count >= Self.mostNetworks { networks.removeAll() }
        let network = makeNetwork(graph)
        if let weights { network.load(parameters: weights.parameters, state: weights.state) }
        networks[width] = network
        return network
    }
}
