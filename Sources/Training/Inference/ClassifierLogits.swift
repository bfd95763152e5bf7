import Datasets
import Tensors

extension Classifier {
    /// Returns the logits of every image, the last layer's output before softmax, `[count, K]`.
    package func logits(of images: ImageSet) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(images.count * network.graph.classCount)
        forEachBatch(images) { result += network.logits(count: $0) }
        return result
    }

    /// Returns the probability of each label for itself, the sigmoid of its logit, `[count, K]`.
    package func labelProbabilities(of images: ImageSet) -> [Float] {
        logits(of: images).map { Float(Double.sigmoid(Double($0))) }
    }
}
