import Kernels
import Tensors

/// Mean categorical cross-entropy over the batch, fused with softmax: ``SoftmaxKernels/crossEntropy``. Its forward pass
/// writes the gradient of the logits, `(softmax − target) / N`, as well. Targets may be of two classes (mixup, cutmix), and
/// teachers may have a say: `(1 − w)·H(target, p) + w·T²·KL(q ‖ softmax(z/T))` (``SoftmaxKernels/addDistillation``).
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
        let total = sums.pointer(chunk.shard), run = chunk.run
        let weight = 1 / Float(run.count)
        for image in chunk.images {
            let z = logits.pointer(image, chunk), dz = gradient.pointer(image, chunk)
            // Labels and targets are of this rank's images.
            let place = image - run.images.lowerBound
            let label = Int(labels[place])
            precondition(label >= 0 && label < classes, "a label is outside the network's classes")
            var right = label
            guard run.otherLabels != nil || run.teacherTargets != nil else {
                total[0] += SoftmaxKernels.crossEntropy(
                    z, columns: classes, label: label, smoothing: run.labelSmoothing, weight: weight, dz: dz)
                if SoftmaxKernels.argmax(z, columns: classes) == label { total[1] += 1 }
                continue
            }
            var other = label, share: Float = 1
            if let others = run.otherLabels, let shares = run.labelShares {
                (other, share) = (Int(others[place]), shares[place])
                precondition(other >= 0 && other < classes, "a label is outside the network's classes")
                // Right is the class that has the larger share.
                if share < 0.5 { right = other }
            }
            let own = 1 - (run.teacherTargets == nil ? 0 : run.teacherWeight)
            var loss =
                Double(own)
                * SoftmaxKernels.crossEntropy(
                    z, columns: classes, label: label, other: other, share: share, smoothing: run.labelSmoothing,
                    weight: own * weight, dz: dz)
            if let targets = run.teacherTargets {
                loss += SoftmaxKernels.addDistillation(
                    z, columns: classes, q: targets + place * classes, temperature: run.temperature,
                    weight: run.teacherWeight, gradientWeight: run.teacherWeight * weight, dz: dz)
            }
            total[0] += loss
            if SoftmaxKernels.argmax(z, columns: classes) == right { total[1] += 1 }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { [sums].compactMap { $0 } }

    func reduce(_ pass: Pass, _ run: Run) {
        guard let sums else { return }
        lossSum = sums.total(0, shards: run.shards)
        correct = Int(sums.total(1, shards: run.shards))
    }
}
