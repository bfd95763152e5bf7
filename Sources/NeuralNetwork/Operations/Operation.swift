import Tensors

/// The computation of a layer. A plan is a list of steps `(operation, pass)`; each reads and writes storages of the
/// images it is given.
public protocol Operation: AnyObject {
    /// The name of its layer, for messages and profiles.
    var name: String { get }
    /// The number of floats of worker scratch it needs.
    var scratchFloats: Int { get }
    /// Returns the storages that `pass` reads.
    func reads(_ pass: Pass) -> [Storage]
    /// Returns the storages that `pass` writes. Memory is placed according to both lists: leave nothing out.
    func writes(_ pass: Pass) -> [Storage]
    /// Allocates its own memory for up to `capacity` images of this rank, in a batch of up to `shards` shards, on
    /// `workers` workers.
    func prepare(capacity: Int, shards: Int, workers: Int)
    /// Runs `pass` on the chunk's images.
    func run(_ pass: Pass, _ chunk: borrowing Chunk)
    /// Returns the sums that ``reduce(_:_:)`` of the same pass combines: those of all shards, wherever they were
    /// computed.
    func sums(_ pass: Pass) -> [ShardSums]
    /// Combines the sums of the shards in shard order, after the last of them is done.
    func reduce(_ pass: Pass, _ run: Run)
    /// Does work once per step before anything else, such as transposing weights.
    func refresh()
}

extension Operation {
    /// None.
    public var scratchFloats: Int { 0 }
    /// Nothing.
    public func prepare(capacity: Int, shards: Int, workers: Int) {}
    /// None.
    public func sums(_ pass: Pass) -> [ShardSums] { [] }
    /// Nothing.
    public func reduce(_ pass: Pass, _ run: Run) {}
    /// Nothing.
    public func refresh() {}
}

/// An operation that splits its work by something other than images, in a phase of its own. Every rank does all of it.
protocol BlockOperation: Operation {
    /// Returns the storages that `pass` reads for the whole batch and that no earlier pass of the operation has read.
    func gathers(_ pass: Pass) -> [Storage]
    func blockCount(_ pass: Pass, _ run: Run) -> Int
    /// - Parameter scratch: The worker's own memory, ``Operation/scratchFloats`` floats.
    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run)
}

extension BlockOperation {
    /// None.
    func gathers(_ pass: Pass) -> [Storage] { [] }
    /// Nothing: the work is done in blocks.
    func run(_ pass: Pass, _ chunk: borrowing Chunk) {}
}

/// The passes of a training step.
public enum Pass: Sendable {
    /// From the inputs to the output.
    case forward
    /// Batch-norm's statistics, before its `forward`.
    case moments
    /// Batch-norm's sums of the gradient, before its `backward`.
    case gradientSums
    /// From the output's gradient to those of the inputs and parameters.
    case backward
    /// A repetition of work of an earlier phase that costs less than storing and reading its result; it belongs to the
    /// step that follows it.
    case recompute
}

/// A fixed number of floats per image that some steps write and others read. The plan decides where it is placed.
public final class Storage {
    /// What the memory holds: the whole batch, this rank's images, a shard or a chunk.
    enum Scope { case batch, rank, shard, chunk }

    /// The number of floats of one image's layer output, or of its gradient.
    public let floatsPerImage: Int
    /// Whether it is accessed from outside the plan (the input, the output).
    let isExternal: Bool
    var scope = Scope.batch
    /// The start of worker 0's memory.
    private(set) var base: UnsafeMutablePointer<Float>?
    private var workerStride = 0

    init(floatsPerImage: Int, isExternal: Bool = false) {
        self.floatsPerImage = floatsPerImage
        self.isExternal = isExternal
    }

    func place(_ scope: Scope, at base: UnsafeMutablePointer<Float>, workerStride: Int) {
        self.scope = scope
        self.base = base
        self.workerStride = workerStride
    }

    /// Returns the floats of image `image`; those of the chunk's following images come right after.
    public func pointer(_ image: Int, _ chunk: borrowing Chunk) -> UnsafeMutablePointer<Float> {
        let origin =
            switch scope {
            case .batch: 0
            case .rank: chunk.run.images.lowerBound
            case .shard: chunk.shardStart
            case .chunk: chunk.images.lowerBound
            }
        guard let base else { preconditionFailure("a storage is used before the plan has placed it") }
        return base + (chunk.worker &* workerStride &+ (image &- origin) &* floatsPerImage)
    }

    /// Whether its contents outlive a phase.
    var outlivesPhases: Bool { scope == .batch || scope == .rank }

    /// The floats of the whole batch.
    var batchPointer: UnsafeMutablePointer<Float> {
        guard let base, scope == .batch else { preconditionFailure("a storage of one shard is read as a batch") }
        return base
    }

    /// The floats of image `image` of the whole batch.
    func batchPointer(_ image: Int) -> UnsafeMutablePointer<Float> { batchPointer + image * floatsPerImage }
}

/// The state shared by all steps of one run.
public final class Run {
    /// The number of images in the batch, on all ranks.
    public internal(set) var count = 0
    /// The number of shards the batch is split into.
    public internal(set) var shards = 0
    /// The shards and the images of this rank.
    var rankShards = 0..<0
    var images = 0..<0
    /// The labels of this rank's images.
    var labels: UnsafePointer<Int32>?
    /// For this rank's lines, the number of labels of each, and the number of places for them in ``labels``.
    var texts: (lengths: UnsafePointer<Int32>, places: Int)?
    /// For mixed images, the classes mixed in, and the shares of `labels`.
    var otherLabels: UnsafePointer<Int32>?
    var labelShares: UnsafePointer<Float>?
    /// For images with several labels, the classes of this rank's images as bits.
    var labelSets: UnsafePointer<UInt64>?
    /// The factors on the losses of this rank's images; nil if all are 1.
    var imageWeights: UnsafePointer<Float>?
    /// For distillation, the teachers' targets `[count, K]`, their temperature and their weight.
    var teacherTargets: UnsafePointer<Float>?
    var temperature: Float = 1
    var teacherWeight: Float = 0
    var labelSmoothing: Float = 0
    var loss: any LossKind = CrossEntropy()
    /// The weight of each class; `nil` if all are 1.
    var classWeights: [Float]?
    /// The number of the training step, part of dropout's random addresses.
    public internal(set) var step: UInt32 = 0
    /// The seed of the network's random numbers.
    public let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    /// Returns the weight of an image's classes: that of its class, of its two classes by their shares, or the mean of
    /// those of its several labels.
    func weight(of target: LossTarget) -> Float {
        classWeights.map { Self.weight(of: target, $0) } ?? 1
    }

    static func weight(of target: LossTarget, _ classWeights: [Float]) -> Float {
        if let labels = target.labels {
            let own = classWeights.indices.filter { labels >> UInt64($0) & 1 == 1 }
            return own.isEmpty ? 1 : own.reduce(0) { $0 + classWeights[$1] } / Float(own.count)
        }
        guard target.share < 1 else { return classWeights[target.label] }
        return target.share * classWeights[target.label] + (1 - target.share) * classWeights[target.other]
    }
}

/// The images that a step processes at once, and the memory it may use.
public struct Chunk: ~Copyable {
    /// The indices of the images in the batch.
    public internal(set) var images: Range<Int>
    /// The index of the shard.
    public let shard: Int
    /// The images of the shard. A shard stays with one worker from its first chunk to its last.
    public let shardImages: Range<Int>
    let worker: Int
    /// The worker's own memory, as large as ``Operation/scratchFloats`` requests.
    public let scratch: UnsafeMutablePointer<Float>
    /// The state shared by all steps of the run.
    public let run: Run

    var shardStart: Int { shardImages.lowerBound }
    /// Whether this is the shard's first chunk, where sums begin.
    public var isFirst: Bool { images.lowerBound == shardImages.lowerBound }
    /// Whether this is the shard's last chunk, where sums end.
    public var isLast: Bool { images.upperBound == shardImages.upperBound }
}

/// The parameters, their gradients and the layers' running state, each in one flat buffer.
public final class ParameterStore {
    package let parameters: AlignedBuffer<Float>
    package let state: AlignedBuffer<Float>
    /// The gradients; empty if nothing is trained.
    package let gradients: AlignedBuffer<Float>

    init(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>, withGradients: Bool) {
        self.parameters = parameters
        self.state = state
        self.gradients = AlignedBuffer(count: withGradients ? parameters.count : 0)
    }

    /// Copies the parameters `[parameterCount]` and the running state `[stateCount]` into the store.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        self.parameters.copy(from: parameters)
        self.state.copy(from: state)
    }

    /// Returns the first element of a parameter.
    public func parameter(_ tensor: ParameterTensor) -> UnsafeMutablePointer<Float> {
        parameters.pointer + tensor.offset
    }
    /// Returns the first element of a parameter's gradient.
    public func gradient(_ tensor: ParameterTensor) -> UnsafeMutablePointer<Float> { gradients.pointer + tensor.offset }
    /// Returns the first element of a state tensor, which is kept from step to step.
    public func state(_ tensor: ParameterTensor) -> UnsafeMutablePointer<Float> { state.pointer + tensor.offset }
}
