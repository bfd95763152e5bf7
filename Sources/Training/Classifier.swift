import Datasets
import Kernels
import NeuralNetwork
import Tensors

/// A trained network put to work on sets of images.
package final class Classifier {
    let network: InferenceNetwork
    let batch: Batch
    let probabilities: AlignedBuffer<Float>
    let normalization: (mean: Float, standardDeviation: Float)?
    let pool: WorkerPool

    /// - Parameters:
    ///   - batchSize: images computed at once.
    ///   - normalization: mean and standard deviation the network was trained with, if any.
    package init(
        graph: ResolvedGraph, batchSize: Int, normalization: (mean: Float, standardDeviation: Float)?,
        pool: WorkerPool
    ) {
        network = InferenceNetwork(graph: graph, batchSize: batchSize, pool: pool)
        batch = Batch(capacity: batchSize, imageSize: graph.inputShape.count)
        probabilities = AlignedBuffer(count: batchSize * graph.classCount)
        self.normalization = normalization
        self.pool = pool
    }

    /// Takes copies of trained weights.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        network.load(parameters: parameters, state: state)
    }

    /// Class probabilities of every image, `[count, K]`.
    package func probabilities(of images: ImageSet) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(images.count * network.graph.classCount)
        forEachBatch(images) { count in
            probabilities.withSpan(0..<count * network.graph.classCount) { span in
                for i in 0..<span.count { result.append(span[i]) }
            }
        }
        return result
    }

    /// Class probabilities of every image, `[count, K]`, each the mean over the views of `augmentation`; those of the image
    /// alone where it is nil. Sums are in Double, in the order of the views.
    /// - Throws: `InputError` where images are larger than an augmenter takes.
    package func probabilities(
        of images: ImageSet, averagedOver augmentation: TestTimeAugmentation?
    ) throws(InputError) -> [Float] {
        guard let augmentation else { return probabilities(of: images) }
        let views = try ImageViews(images, augmentation, normalization: normalization, pool: pool)
        var result: [Float] = []
        result.reserveCapacity(images.count * network.graph.classCount)
        for start in stride(from: 0, to: images.count, by: network.batchSize) {
            let range = start..<min(start + network.batchSize, images.count)
            var mean = ProbabilityMean()
            for view in 0..<views.count {
                views.fill(batch.images, range: range, view: view)
                network.predict(images: batch.images, count: range.count, probabilities: probabilities)
                mean.add((0..<range.count * network.graph.classCount).map { probabilities[$0] })
            }
            result += mean.values
        }
        return result
    }

    /// Mean cross-entropy, against smoothed targets where training smooths them, and accuracy. NaN for an empty set.
    package func score(_ images: ImageSet, labelSmoothing: Double = 0) -> (loss: Double, accuracy: Double) {
        var lossSum = 0.0
        var correct = 0
        forEachBatch(images) { count in
            let result = network.score(labels: batch.labels, count: count, labelSmoothing: labelSmoothing)
            lossSum += result.lossSum
            correct += result.correct
        }
        return (lossSum / Double(images.count), Double(correct) / Double(images.count))
    }

    func forEachBatch(_ images: ImageSet, _ body: (_ count: Int) -> Void) {
        for start in stride(from: 0, to: images.count, by: network.batchSize) {
            let range = start..<min(start + network.batchSize, images.count)
            BatchLoader.fill(batch, from: images, range: range, normalization: normalization)
            network.predict(images: batch.images, count: range.count, probabilities: probabilities)
            body(range.count)
        }
    }

    /// Checks that images and classes are those the network was made for.
    package static func check(_ graph: ResolvedGraph, fits images: ImageSet, named name: String) throws(InputError) {
        let shape = Shape([images.height, images.width, images.channels])
        guard graph.inputShape == shape else {
            throw InputError(
                "model.inputShape", expected: "the images of \(name), \(shape)", received: "\(graph.inputShape)",
                remedy: "set model.inputShape to [\(images.height), \(images.width), \(images.channels)]")
        }
        guard graph.classCount == images.classCount else {
            let last = graph.graph.nodes.count - 1
            throw InputError(
                "model.layers[\(last)] (\(graph.graph.nodes[last].name))",
                expected: "\(images.classCount) outputs, the classes of \(name)", received: "\(graph.classCount)")
        }
    }
}
