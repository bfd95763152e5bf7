import Datasets
import Kernels
import NeuralNetwork
import Tensors
import Workers

/// The distributions of layers' inputs, recorded on images that a network was not trained on.
package struct ActivationCalibration {
    /// The histograms of the nodes' outputs, by node; the images (node −1) have `imageScale` instead.
    private var histograms: [Int: ActivationHistogram] = [:]
    private let imageScale: ByteScale

    private static let batchSize = 64

    /// Records the outputs of `nodes`.
    /// - Throws: An `OperationError` if a number is not finite.
    package init(
        of nodes: Set<Int>, in graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>,
        images: ImageSet, normalization: (mean: Float, standardDeviation: Float)?, pool: WorkerPool
    ) throws(OperationError) {
        // Pixels are bytes already: each value has a byte of its own.
        let values = ImageWriter.values(normalization)
        imageScale = ActivationHistogram.scale(low: values.min() ?? 0, high: values.max() ?? 1)
        for node in nodes.sorted() where node >= 0 {
            let network = InferenceNetwork(graph: graph.truncated(at: node), batchSize: Self.batchSize, pool: pool)
            network.load(parameters: parameters, state: state)
            let floats = graph.nodes[node].outputShape.count
            let batch = Batch(capacity: Self.batchSize, imageSize: graph.inputShape.count)
            let output = AlignedBuffer<Float>(count: Self.batchSize * floats)
            func each(_ body: (AlignedBuffer<Float>, Int) throws(OperationError) -> Void) throws(OperationError) {
                for start in stride(from: 0, to: images.count, by: Self.batchSize) {
                    let count = min(Self.batchSize, images.count - start)
                    BatchLoader.fill(batch, from: images, range: start..<start + count, normalization: normalization)
                    network.activations(images: batch.images, count: count, into: output)
                    try body(output, count * floats)
                }
            }
            var low = Float.infinity, high = -Float.infinity
            try each { (x, count) throws(OperationError) in
                guard let range = ActivationHistogram.range(x, count: count) else {
                    throw OperationError(
                        "quantization", problem: "what \(graph.nodes[node].name) gives is not finite",
                        remedy: "train the network anew")
                }
                (low, high) = (min(low, range.low), max(high, range.high))
            }
            var histogram = ActivationHistogram(low: low, high: high)
            try each { (x, count) throws(OperationError) in histogram.add(x, count: count) }
            histograms[node] = histogram
        }
    }

    /// Returns the scale by which the output of `node` is represented as bytes; for the images it is exact.
    package func scale(of node: Int, _ method: CalibrationMethod) -> ByteScale {
        histograms[node]?.scale(method) ?? imageScale
    }
}

extension ResolvedGraph {
    /// Returns a scale for each output of node `index`, `max |w| / 127`, so that the largest weight becomes 127; 1 if
    /// that is not a legal scale, for example if all weights are 0.
    package func weightScales(_ index: Int, parameters: AlignedBuffer<Float>) -> [Float] {
        let kernel = nodes[index].parameters[0], filters = nodes[index].outputShape.channels
        var largest = [Float](repeating: 0, count: filters)
        for i in 0..<kernel.count {
            largest[i % filters] = max(largest[i % filters], abs(parameters[kernel.offset + i]))
        }
        return largest.map { ByteScale.legal.contains($0 / 127) ? $0 / 127 : 1 }
    }
}
