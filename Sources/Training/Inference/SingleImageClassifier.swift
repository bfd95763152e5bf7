import Datasets
import NeuralNetwork
import Tensors
import Workers

/// A trained network for one image at a time, on the calling thread. Its working memory is allocated in advance.
///
/// `Sendable` by contract: one caller at a time.
package final class SingleImageClassifier: @unchecked Sendable {
    private let network: InferenceNetwork
    private let featurePlaces: (places: Int, channels: Int)?
    private let image, probabilities: AlignedBuffer<Float>
    private let normalization: (mean: Float, standardDeviation: Float)?
    /// The network's input for each value of a byte.
    private let bytes: [Float]

    /// Creates a classifier with copies of the weights.
    /// - Parameter keepsFeatures: Whether ``lastFeatures`` will be used.
    package init(
        graph: ResolvedGraph, normalization: (mean: Float, standardDeviation: Float)?,
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>, keepsFeatures: Bool = false
    ) {
        // A pool of one thread creates no threads of its own.
        network = InferenceNetwork(
            graph: graph, batchSize: 1, pool: WorkerPool(threads: 1), keepsFeatures: keepsFeatures)
        featurePlaces = graph.featurePlaces
        network.load(parameters: parameters, state: state)
        image = AlignedBuffer(count: graph.inputShape.count)
        probabilities = AlignedBuffer(count: graph.classCount)
        self.normalization = normalization
        bytes = ImageWriter.values(normalization)
    }

    /// The size in bytes of this classifier's own memory: weights, state, activations and scratch.
    package var memoryBytes: Int {
        network.workspaceBytes
            + MemoryLayout<Float>.stride * (network.graph.parameterCount + network.graph.stateCount + image.count)
    }

    /// Returns the class probabilities `[K]` of an image `[H, W, C]` of bytes.
    /// - Precondition: `pixels` holds one image.
    package func probabilities(of pixels: [UInt8]) -> [Float] {
        precondition(pixels.count == image.count, "an image of another size")
        let bytes = bytes
        image.withMutableSpan(0..<image.count) { target in
            let source = pixels.span, values = bytes.span
            for i in 0..<source.count { target[i] = values[Int(source[i])] }
        }
        return predict()
    }

    /// Returns the class probabilities `[K]` of an image `[H, W, C]` of pixels in [0, 1].
    /// - Precondition: `pixels` holds one image.
    package func probabilities(of pixels: [Float]) -> [Float] {
        precondition(pixels.count == image.count, "an image of another size")
        image.withMutableSpan(0..<image.count) { target in
            let source = pixels.span
            if let (mean, standardDeviation) = normalization {
                for i in 0..<source.count { target[i] = (source[i] - mean) / standardDeviation }
            } else {
                for i in 0..<source.count { target[i] = source[i] }
            }
        }
        return predict()
    }

    /// The logits of the last image classified, before softmax, `[K]`.
    package var lastLogits: [Float] { network.logits(count: 1) }

    /// The features of the last image classified, averaged over places: see ``Classifier/activations(of:)``. `nil` if
    /// they are not kept.
    package var lastFeatures: [Float]? {
        guard let featurePlaces else { return nil }
        return network.features(count: 1)?
            .meansOverPlaces(images: 1, places: featurePlaces.places, channels: featurePlaces.channels)
    }

    private func predict() -> [Float] {
        network.predict(images: image, count: 1, probabilities: probabilities)
        return probabilities.array
    }
}
