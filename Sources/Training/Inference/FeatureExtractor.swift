import Datasets
import NeuralNetwork
import Tensors
import Workers

/// Extracts the features on which a trained network's decision is based: the input of its last layer with a kernel.
package final class FeatureExtractor {
    /// The number of features per image.
    package let featureCount: Int
    /// The name of the layer they come from; `input` if the last layer with a kernel reads the images.
    package let layer: String
    /// `nil` if the features are the pixels.
    private let network: InferenceNetwork?
    private let batch: Batch
    private let normalization: (mean: Float, standardDeviation: Float)?

    /// The parameters are those of ``Classifier/init(graph:batchSize:normalization:pool:)``.
    package init(
        graph: ResolvedGraph, batchSize: Int, normalization: (mean: Float, standardDeviation: Float)?,
        pool: WorkerPool
    ) {
        let node = graph.penultimateNode
        featureCount = node.map { graph.nodes[$0].outputShape.count } ?? graph.inputShape.count
        layer = node.map { graph.nodes[$0].name } ?? Graph.inputName
        network = node.map {
            InferenceNetwork(graph: graph.truncated(at: $0), batchSize: batchSize, pool: pool)
        }
        batch = Batch(capacity: batchSize, imageSize: graph.inputShape.count)
        self.normalization = normalization
    }

    /// Copies trained weights into the network, given as the whole graph's buffers.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        network?.load(parameters: parameters, state: state)
    }

    /// Returns the features of every image, `[count, featureCount]`.
    package func features(of images: ImageSet) -> AlignedBuffer<Float> {
        let result = AlignedBuffer<Float>(count: images.count * featureCount)
        for start in stride(from: 0, to: images.count, by: batch.capacity) {
            let range = start..<min(start + batch.capacity, images.count)
            BatchLoader.fill(batch, from: images, range: range, normalization: normalization)
            if let network {
                network.activations(
                    images: batch.images, count: range.count, into: result, at: start * featureCount)
            } else {
                for i in 0..<range.count * featureCount { result[start * featureCount + i] = batch.images[i] }
            }
        }
        return result
    }
}
