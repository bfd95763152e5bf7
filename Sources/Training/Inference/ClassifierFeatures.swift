import Datasets
import NeuralNetwork
import Tensors

extension ResolvedGraph {
    /// The number of places and channels of the features, the input of the last layer with a kernel, `[P, C]`: P is
    /// height times width for an image that was merely flattened, and 1 otherwise. `nil` if that layer reads the images
    /// themselves.
    package var featurePlaces: (places: Int, channels: Int)? {
        guard var node = penultimateNode else { return nil }
        let count = nodes[node].outputShape.count
        while !nodes[node].outputShape.isImage,
            nodes[node].layer.traits.isView || nodes[node].layer.traits.isViewAtInference,
            let source = nodes[node].inputs.first, source >= 0
        {
            node = source
        }
        let shape = nodes[node].outputShape
        guard shape.isImage, shape.count == count else { return (1, count) }
        return (shape.height * shape.width, shape.channels)
    }
}

extension Classifier {
    /// Returns the logits of every image, and its features averaged over places, or `nil` if the classifier was not
    /// created to keep features or there are none.
    package func activations(of images: ImageSet) -> (logits: [Float], features: [Float])? {
        guard let (places, channels) = network.graph.featurePlaces else { return nil }
        var result: (logits: [Float], features: [Float]) = ([], [])
        var isKept = true
        forEachBatch(images) { count in
            guard let features = network.features(count: count) else {
                isKept = false
                return
            }
            result.logits += network.logits(count: count)
            result.features += features.meansOverPlaces(images: count, places: places, channels: channels)
        }
        return isKept ? result : nil
    }
}

extension [Float] {
    /// Averages `[N, P, C]` over the places to `[N, C]`.
    func meansOverPlaces(images: Int, places: Int, channels: Int) -> [Float] {
        guard places > 1 else { return self }
        var result = [Float](repeating: 0, count: images * channels)
        for image in 0..<images {
            for place in 0..<places {
                let start = (image * places + place) * channels
                for c in 0..<channels { result[image * channels + c] += self[start + c] }
            }
            for c in 0..<channels { result[image * channels + c] /= Float(places) }
        }
        return result
    }
}
