import Datasets
import Kernels
import NeuralNetwork
import Tensors
import Workers

/// What layers read, seen on images that a network was not trained on.
package struct ActivationCalibration {
    /// By node; the images themselves are −1.
    private var histograms: [Int: ActivationHistogram] = [:]
    private let imageScale: ByteScale

    private static let batchSize = 64

    /// Looks at what each of `nodes` gives.
    /// - Throws: an `OperationError` where a number is not finite.
    package init(
        of nodes: Set<Int>, in graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>,
        images: ImageSet, normalization: (mean: Float, standardDeviation: Float)?, pool: WorkerPool
    ) throws(OperationError) {
        // Pixels are bytes: each has one of its own.
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

    /// How what `node` gives stands as bytes; the images exactly.
    package func scale(of node: Int, _ method: CalibrationMethod) -> ByteScale {
        histograms[node]?.scale(method) ?? imageScale
    }
}

extension ResolvedGraph {
    /// A scale for each output of node `index`: the largest weight is 127, `max |w| / 127`; 1 where that is no legal one, as where all
    /// are 0.
    package func weightScales(_ index: Int, parameters: AlignedBuffer<Float>) -> [Float] {
        let kernel = nodes[index].parameters[0], filters = nodes[index].outputShape.channels
        var largest = [Float](repeating: 0, count: filters)
        for i in 0..<kernel.count {
            largest[i % filters] = max(largest[i % filters], abs(parameters[kernel.offset + i]))
        }
        return largest.map { ByteScale.legal.contains($0 / 127) ? $0 / 127 : 1 }
    }
}
