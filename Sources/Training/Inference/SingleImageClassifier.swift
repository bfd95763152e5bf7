import Datasets
import NeuralNetwork
import Tensors
import Workers

/// A trained network for single images, on the calling thread. Its working memory is allocated in advance.
///
/// Several images may be computed together: each has the bits it has alone, and the weights are read from memory once.
///
/// `Sendable` by contract: one caller at a time.
package final class SingleImageClassifier: @unchecked Sendable {
    private let network: InferenceNetwork
    private let featurePlaces: (places: Int, channels: Int)?
    private let images, probabilities: AlignedBuffer<Float>
    private let imageSize: Int
    /// The maximum number of images in a call.
    package let capacity: Int
    /// The number of images last classified.
    private var count = 0
    private let normalization: (mean: Float, standardDeviation: Float)?
    /// The network's input for each value of a byte.
    private let bytes: [Float]

    /// Creates a classifier with copies of the weights.
    /// - Parameters:
    ///   - keepsFeatures: Whether ``lastFeatures`` will be used.
    ///   - capacity: The maximum number of images in a call, at least 1.
    package init(
        graph: ResolvedGraph, normalization: (mean: Float, standardDeviation: Float)?,
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>, keepsFeatures: Bool = false, capacity: Int = 1
    ) {
        // A pool of one thread creates no threads of its own.
        network = InferenceNetwork(
            graph: graph, batchSize: capacity, pool: WorkerPool(threads: 1), keepsFeatures: keepsFeatures,
            keepsApart: true)
        featurePlaces = graph.featurePlaces
        network.load(parameters: parameters, state: state)
        imageSize = graph.inputShape.count
        self.capacity = capacity
        images = AlignedBuffer(count: capacity * imageSize)
        probabilities = AlignedBuffer(count: capacity * graph.classCount)
        self.normalization = normalization
        bytes = ImageWriter.values(normalization)
    }

    /// Creates another classifier for another thread, with the same weights in memory.
    package init(sharing other: SingleImageClassifier) {
        network = InferenceNetwork(sharing: other.network, pool: WorkerPool(threads: 1))
        featurePlaces = other.featurePlaces
        (imageSize, capacity, normalization, bytes) = (
            other.imageSize, other.capacity, other.normalization, other.bytes
        )
        images = AlignedBuffer(count: other.images.count)
        probabilities = AlignedBuffer(count: other.probabilities.count)
    }

    /// The size in bytes of this classifier's own memory: weights, state, activations and scratch.
    package var memoryBytes: Int {
        network.workspaceBytes
            + MemoryLayout<Float>.stride * (network.graph.parameterCount + network.graph.stateCount + images.count)
    }

    /// Returns the class probabilities `[K]` of an image `[H, W, C]` of bytes.
    /// - Precondition: `pixels` holds one image.
    package func probabilities(of pixels: [UInt8]) -> [Float] {
        place(pixels[...], at: 0)
        return classify(count: 1)
    }

    /// Returns the class probabilities `[K]` of an image `[H, W, C]` of pixels in [0, 1].
    /// - Precondition: `pixels` holds one image.
    package func probabilities(of pixels: [Float]) -> [Float] {
        place(pixels[...], at: 0)
        return classify(count: 1)
    }

    /// Makes `pixels`, an image `[H, W, C]` of bytes, the image `index` of the next call.
    package func place(_ pixels: ArraySlice<UInt8>, at index: Int) {
        let bytes = bytes
        write(pixels.count, at: index) { target in
            let source = pixels.span, values = bytes.span
            for i in 0..<source.count { target[i] = values[Int(source[i])] }
        }
    }

    /// Makes `pixels`, an image `[H, W, C]` of pixels in [0, 1], the image `index` of the next call.
    package func place(_ pixels: ArraySlice<Float>, at index: Int) {
        write(pixels.count, at: index) { target in
            let source = pixels.span
            if let (mean, standardDeviation) = normalization {
                for i in 0..<source.count { target[i] = (source[i] - mean) / standardDeviation }
            } else {
                for i in 0..<source.count { target[i] = source[i] }
            }
        }
    }

    private func write(_ pixels: Int, at index: Int, _ body: (inout MutableSpan<Float>) -> Void) {
        precondition(pixels == imageSize, "an image of another size")
        precondition((0..<capacity).contains(index), "more images than there is memory for")
        images.withMutableSpan(index * imageSize..<(index + 1) * imageSize, body)
    }

    /// Returns the class probabilities `[count, K]` of the first images placed.
    @discardableResult
    package func classify(count: Int) -> [Float] {
        network.predict(images: images, count: count, probabilities: probabilities)
        self.count = count
        return Array(probabilities.array.prefix(count * network.graph.classCount))
    }

    /// The logits of the images last classified, before softmax, `[count, K]`.
    package var lastLogits: [Float] { network.logits(count: count) }

    /// The features of the images last classified, averaged over places: see ``Classifier/activations(of:)``. `nil` if
    /// they are not kept.
    package var lastFeatures: [Float]? {
        guard let featurePlaces else { return nil }
        return network.features(count: count)?
            .meansOverPlaces(images: count, places: featurePlaces.places, channels: featurePlaces.channels)
    }
}
