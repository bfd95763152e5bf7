import Datasets
import NeuralNetwork
import Tensors

extension ResolvedGraph {
    /// The places and channels of what the layer that decides has read, `[P, C]`: where it is an image that was only flattened, P is
    /// its height times its width; else 1. Nil where that layer reads the images themselves.
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
    /// Logits, and features averaged over places, of every image. Nil where the classifier was not made to keep features, or there
    /// are none.
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
    /// `[N, P, C]` to `[N, C]`.
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
