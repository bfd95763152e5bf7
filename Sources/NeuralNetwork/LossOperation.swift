import Kernels
import Tensors

/// Mean categorical cross-entropy over the batch, fused with softmax: ``SoftmaxKernels/crossEntropy``. Its forward pass
/// writes the gradient of the logits, `(softmax − target) / N`, as well.
final class LossOperation: Operation {
    let name = "loss"
    private let classes: Int
    private let logits: Storage
    private let gradient: Storage
    private var sums: ShardSums?
    /// Of the last step.
    private(set) var lossSum = 0.0
    private(set) var correct = 0

    init(classes: Int, logits: Storage, gradient: Storage) {
        self.classes = classes
        self.logits = logits
        self.gradient = gradient
    }

    func reads(_ pass: Pass) -> [Storage] { [logits] }
    func writes(_ pass: Pass) -> [Storage] { [gradient] }
    func prepare(capacity: Int, shards: Int, workers: Int) { sums = ShardSums(count: 2, shards: shards) }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        guard let sums, let labels = chunk.run.labels else { return }
        if chunk.isFirst { sums.clear(chunk.shard) }
        let total = sums.pointer(chunk.shard)
        let weight = 1 / Float(chunk.run.count)
        for image in chunk.images {
            let z = logits.pointer(image, chunk)
            let label = Int(labels[image])
            precondition(label >= 0 && label < classes, "a label is outside the network's classes")
            total[0] += SoftmaxKernels.crossEntropy(
                z, columns: classes, label: label, smoothing: chunk.run.labelSmoothing, weight: weight,
                dz: gradient.pointer(image, chunk))
            if SoftmaxKernels.argmax(z, columns: classes) == label { total[1] += 1 }
        }
    }

    func reduce(_ pass: Pass, _ run: Run) {
        guard let sums else { return }
        lossSum = sums.total(0, shards: run.shards)
        correct = Int(sums.total(1, shards: run.shards))
    }
}
