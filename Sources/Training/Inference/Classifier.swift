import Datasets
import NeuralNetwork
import Tensors
import Workers

/// A trained network that classifies sets of images.
package final class Classifier {
    let network: InferenceNetwork
    let batch: Batch
    /// The labels of all images of the batch, even if other processes have some of its pixels.
    private let labels: AlignedBuffer<Int32>
    let probabilities: AlignedBuffer<Float>
    let normalization: (mean: Float, standardDeviation: Float)?
    let pool: WorkerPool

    /// - Parameters:
    ///   - batchSize: The number of images computed at once.
    ///   - count: The number of images there will be at most, if it is known: no memory is taken for more.
    ///   - normalization: The mean and standard deviation the network was trained with, if any.
    ///   - communicator: Connects the processes that share the images of each batch, all of which receive the results.
    ///   - keepsFeatures: Whether ``activations(of:)`` will be called; requires a single process.
    package init(
        graph: ResolvedGraph, batchSize: Int, for count: Int? = nil,
        normalization: (mean: Float, standardDeviation: Float)?, pool: WorkerPool,
        communicator: any Communicator = SingleRank(), keepsFeatures: Bool = false
    ) {
        let batchSize = min(batchSize, max(1, count ?? batchSize))
        network = InferenceNetwork(
            graph: graph, batchSize: batchSize, pool: pool, communicator: communicator, keepsFeatures: keepsFeatures)
        batch = Batch(capacity: network.mostImages, imageSize: graph.inputShape.count)
        labels = AlignedBuffer(count: batchSize)
        probabilities = AlignedBuffer(count: batchSize * graph.classCount)
        self.normalization = normalization
        self.pool = pool
    }

    /// Copies trained weights into the network.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        network.load(parameters: parameters, state: state)
    }

    /// Returns the class probabilities of every image, `[count, K]`.
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

    /// Returns the class probabilities of every image, `[count, K]`, each the mean over the views of `augmentation`, or
    /// those of the image alone if it is `nil`. Sums are in Double, in the order of the views.
    /// - Throws: `InputError` if images are larger than an augmenter accepts.
    package func probabilities(
        of images: ImageSet, averagedOver augmentation: TestTimeAugmentation?
    ) throws(InputError) -> [Float] {
        guard let augmentation else { return probabilities(of: images) }
        let views = try ImageViews(images, augmentation, normalization: normalization, pool: pool)
        var result: [Float] = []
        result.reserveCapacity(images.count * network.graph.classCount)
        for start in stride(from: 0, to: images.count, by: network.batchSize) {
            let count = min(network.batchSize, images.count - start)
            let own = network.images(ofBatch: count)
            var mean = ProbabilityMean()
            for view in 0..<views.count {
                views.fill(batch.images, range: start + own.lowerBound..<start + own.upperBound, view: view)
                network.predict(images: batch.images, count: count, probabilities: probabilities)
                mean.add((0..<count * network.graph.classCount).map { probabilities[$0] })
            }
            result += mean.values
        }
        return result
    }

    /// Returns the mean loss, against smoothed targets and with class weights as in training, and the accuracy. Both
    /// are NaN for an empty set.
    package func score(
        _ images: ImageSet, labelSmoothing: Double = 0, loss: Loss = .crossEntropy, classWeights: [Float]? = nil
    ) -> (loss: Double, accuracy: Double) {
        var lossSum = 0.0
        var correct = 0, start = 0
        forEachBatch(images) { count in
            let range = start..<start + count
            start += count
            let result = network.score(
                labels: labels, count: count, labelSmoothing: labelSmoothing, loss: loss, classWeights: classWeights,
                labelSets: images.labelSets.map { Array($0[range]) }, weights: images.weights.map { Array($0[range]) })
            lossSum += result.lossSum
            correct += result.correct
        }
        return (lossSum / Double(images.count), Double(correct) / Double(images.count))
    }

    func forEachBatch(_ images: ImageSet, _ body: (_ count: Int) -> Void) {
        for start in stride(from: 0, to: images.count, by: network.batchSize) {
            let count = min(network.batchSize, images.count - start)
            let own = network.images(ofBatch: count)
            BatchLoader.fill(
                batch, from: images, range: start + own.lowerBound..<start + own.upperBound,
                normalization: normalization)
            for image in 0..<count { labels[image] = Int32(images.labels[start + image]) }
            network.predict(images: batch.images, count: count, probabilities: probabilities)
            body(count)
        }
    }

    /// Checks that the network was made for these images and classes.
    package static func check(_ graph: ResolvedGraph, fits images: ImageSet, named name: String) throws(InputError) {
        guard !graph.readsLines else {
            throw InputError(
                "model", expected: "a network of single images", received: "one that reads lines of text (data.lines)")
        }
        let shape = Shape([images.height, images.width, images.channels])
        guard graph.inputShape == shape else {
            throw InputError(
                "model.inputShape", expected: "the images of \(name), \(shape)", received: "\(graph.inputShape)",
                remedy: "set model.inputShape to [\(images.height), \(images.width), \(images.channels)] or \"auto\"")
        }
        guard graph.classCount == images.classCount else {
            let last = graph.graph.nodes.count - 1
            throw InputError(
                "model.layers[\(last)] (\(graph.graph.nodes[last].name))",
                expected: "\(images.classCount) outputs, the classes of \(name)", received: "\(graph.classCount)",
                remedy: "\"units\": \"classes\" in the last dense layer takes as many as there are")
        }
    }
}
