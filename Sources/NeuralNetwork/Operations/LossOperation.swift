import Kernels
import Tensors

/// The mean of a ``LossKind`` over the batch. The forward pass also writes the gradient of the logits. Targets may
/// consist of two classes (mixup, cutmix), classes may be weighted, and teachers may contribute:
/// `(1 − w)·loss + w·T²·KL(q ‖ softmax(z/T))` (``SoftmaxKernels/addDistillation``). Lines use a ``SequenceLossKind``.
final class LossOperation: Operation {
    let name = "loss"
    private let classes: Int
    /// Rows of logits per image: one for each column of a line, or 1 for a vector.
    private let columns: Int
    private let logits: Storage
    private let gradient: Storage
    private var sums: ShardSums?
    /// The results of the last step.
    private(set) var lossSum = 0.0
    private(set) var correct = 0

    init(classes: Int, columns: Int, logits: Storage, gradient: Storage) {
        self.classes = classes
        self.columns = columns
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
        if let texts = run.texts { return runLines(chunk, labels, texts, weight, total) }
        for image in chunk.images {
            let z = logits.pointer(image, chunk), dz = gradient.pointer(image, chunk)
            // Labels and targets are those of this rank's images.
            let place = image - run.images.lowerBound
            let label = Int(labels[place])
            precondition(label >= 0 && label < classes, "a label is outside the network's classes")
            var target = LossTarget(label: label, smoothing: run.labelSmoothing)
            target.labels = run.labelSets?[place]
            // The correct class is the one with the larger share.
            var right = label
            if let others = run.otherLabels, let shares = run.labelShares {
                (target.other, target.share) = (Int(others[place]), shares[place])
                precondition(target.other >= 0 && target.other < classes, "a label is outside the network's classes")
                if target.share < 0.5 { right = target.other }
            }
            let own =
                (1 - (run.teacherTargets == nil ? 0 : run.teacherWeight)) * run.weight(of: target)
                * (run.imageWeights?[place] ?? 1)
            var loss = Double(own) * run.loss.row(z, classes: classes, target: target, weight: own * weight, dz: dz)
            if let targets = run.teacherTargets {
                loss += SoftmaxKernels.addDistillation(
                    z, columns: classes, q: targets + place * classes, temperature: run.temperature,
                    weight: run.teacherWeight, gradientWeight: run.teacherWeight * weight, dz: dz)
            }
            total[0] += loss
            let isCorrect =
                target.labels.map { Self.labels(z, classes) == $0 }
                ?? (SoftmaxKernels.argmax(z, columns: classes) == right)
            if isCorrect { total[1] += 1 }
        }
    }

    /// Returns the classes with a probability of at least one half, as bits.
    static func labels(_ z: UnsafePointer<Float>, _ classes: Int) -> UInt64 {
        (0..<min(classes, UInt64.bitWidth)).reduce(0) { z[$1] >= 0 ? $0 | 1 << UInt64($1) : $0 }
    }

    /// The same for lines of text.
    private func runLines(
        _ chunk: borrowing Chunk, _ labels: UnsafePointer<Int32>, _ texts: (lengths: UnsafePointer<Int32>, places: Int),
        _ weight: Float, _ total: UnsafeMutablePointer<Double>
    ) {
        guard let loss = chunk.run.loss as? any SequenceLossKind else { preconditionFailure("a loss of lines") }
        for image in chunk.images {
            let place = image - chunk.run.images.lowerBound
            let text = UnsafeBufferPointer(start: labels + place * texts.places, count: Int(texts.lengths[place]))
            precondition(
                text.allSatisfy { $0 >= 0 && $0 < classes - 1 }, "a character is outside the network's classes")
            let z = logits.pointer(image, chunk)
            total[0] += loss.line(
                z, columns: columns, classes: classes, text: text, weight: weight, dz: gradient.pointer(image, chunk))
            if CTCDecoding.isBestPath(z, columns: columns, classes: classes, text: text) { total[1] += 1 }
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { [sums].compactMap { $0 } }

    func reduce(_ pass: Pass, _ run: Run) {
        guard let sums else { return }
        lossSum = sums.total(0, shards: run.shards)
        correct = Int(sums.total(1, shards: run.shards))
    }
}
