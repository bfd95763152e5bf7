import Tensors

/// What runs. A plan is a list of steps `(operation, pass)`; each reads and writes storages of the images it is given.
public protocol Operation: AnyObject {
    /// The layer it comes from, for messages and profiles.
    var name: String { get }
    /// Floats of worker scratch it needs.
    var scratchFloats: Int { get }
    /// What pass `pass` reads and writes.
    func reads(_ pass: Pass) -> [Storage]
    /// What it writes. Memory is placed by both: leave nothing out.
    func writes(_ pass: Pass) -> [Storage]
    /// Makes its own memory for up to `capacity` images of this rank, in a batch of up to `shards` shards, on `workers` workers.
    func prepare(capacity: Int, shards: Int, workers: Int)
    /// Does `pass` for the chunk's images.
    func run(_ pass: Pass, _ chunk: borrowing Chunk)
    /// What ``reduce(_:_:)`` of the same pass joins: the sums of all shards, wherever they were computed.
    func sums(_ pass: Pass) -> [ShardSums]
    /// Joins what the shards left, after the last of them, in shard order.
    func reduce(_ pass: Pass, _ run: Run)
    /// Work once a step before anything else, such as transposing weights.
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

/// An operation that cuts its work otherwise than by images, in a phase of its own. Every rank does all of it.
protocol BlockOperation: Operation {
    /// What it reads of the whole batch, that no earlier pass of it has read.
    func gathers(_ pass: Pass) -> [Storage]
    func blockCount(_ pass: Pass, _ run: Run) -> Int
    /// - Parameter scratch: the worker's own, ``Operation/scratchFloats``.
    func runBlock(_ pass: Pass, block: Int, scratch: UnsafeMutablePointer<Float>, _ run: Run)
}

extension BlockOperation {
    /// None.
    func gathers(_ pass: Pass) -> [Storage] { [] }
    /// Nothing: its blocks are its work.
    func run(_ pass: Pass, _ chunk: borrowing Chunk) {}
}

/// The passes of a training step.
public enum Pass: Sendable {
    /// From inputs to the output.
    case forward
    /// Batch-norm's statistics, before its `forward`.
    case moments
    /// Batch-norm's sums of the gradient, before its `backward`.
    case gradientSums
    /// From the output's gradient to those of inputs and parameters.
    case backward
    /// Work of an earlier phase done again, because that costs less than storing and reading its result; it belongs to the
    /// step after it.
    case recompute
}

/// A number of floats per image that some steps write and others read. The compiler decides where it lies.
public final class Storage {
    /// How far the floats reach: over the whole batch, this rank's images, a shard or a chunk.
    enum Scope { case batch, rank, shard, chunk }

    /// Of one image's layer output, or of its gradient.
    public let floatsPerImage: Int
    /// Kept for a reader outside the plan (the input, the output).
    let isExternal: Bool
    var scope = Scope.batch
    /// Of worker 0.
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

    /// Image `image`'s floats; those of the following images of the chunk come right after.
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

    /// Whether it is kept from one phase to the next.
    var outlivesPhases: Bool { scope == .batch || scope == .rank }

    /// The whole batch's floats.
    var batchPointer: UnsafeMutablePointer<Float> {
        guard let base, scope == .batch else { preconditionFailure("a storage of one shard is read as a batch") }
        return base
    }
}

/// What all steps of one run share.
public final class Run {
    /// Images in this batch, on all ranks.
    public internal(set) var count = 0
    /// Shards it is cut into.
    public internal(set) var shards = 0
    /// The shards and the images of this rank.
    var rankShards = 0..<0
    var images = 0..<0
    /// Of this rank's images.
    var labels: UnsafePointer<Int32>?
    /// Of this rank's lines: how many labels each has, of the places it has for them in ``labels``.
    var texts: (lengths: UnsafePointer<Int32>, places: Int)?
    /// Of images that were mixed: the classes mixed in, and the shares of `labels`.
    var otherLabels: UnsafePointer<Int32>?
    var labelShares: UnsafePointer<Float>?
    /// Of distillation: what the teachers say, `[count, K]`, and how it counts.
    var teacherTargets: UnsafePointer<Float>?
    var temperature: Float = 1
    var teacherWeight: Float = 0
    var labelSmoothing: Float = 0
    var loss: any LossKind = CrossEntropy()
    /// By class; nil: all 1.
    var classWeights: [Float]?
    /// The training step, part of dropout's addresses.
    public internal(set) var step: UInt32 = 0
    /// Of the network's random numbers.
    public let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    /// How much an image counts: as its class, or as its classes by their shares.
    func weight(of target: LossTarget) -> Float {
        guard let classWeights else { return 1 }
        guard target.share < 1 else { return classWeights[target.label] }
        return target.share * classWeights[target.label] + (1 - target.share) * classWeights[target.other]
    }
}

/// The images a step works on at once, and the memory it may use.
public struct Chunk: ~Copyable {
    /// Their numbers in the batch.
    public internal(set) var images: Range<Int>
    /// The number of the shard.
    public let shard: Int
    /// The shard's images. A shard stays with one worker from its first chunk to its last.
    public let shardImages: Range<Int>
    let worker: Int
    /// The worker's own memory, as much as ``Operation/scratchFloats`` asks for.
    public let scratch: UnsafeMutablePointer<Float>
    /// What all steps of the run share.
    public let run: Run

    var shardStart: Int { shardImages.lowerBound }
    /// Whether sums of this shard begin here.
    public var isFirst: Bool { images.lowerBound == shardImages.lowerBound }
    /// Whether they end here.
    public var isLast: Bool { images.upperBound == shardImages.upperBound }
}

/// Parameters, their gradients and the layers' running state, each one flat buffer.
public final class ParameterStore {
    package let parameters: AlignedBuffer<Float>
    package let state: AlignedBuffer<Float>
    /// Empty where nothing is trained.
    package let gradients: AlignedBuffer<Float>

    init(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>, withGradients: Bool) {
        self.parameters = parameters
        self.state = state
        self.gradients = AlignedBuffer(count: withGradients ? parameters.count : 0)
    }

    /// Takes copies of the parameters `[parameterCount]` and the running state `[stateCount]`.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        self.parameters.copy(from: parameters)
        self.state.copy(from: state)
    }

    /// The first number of a parameter.
    public func parameter(_ tensor: ParameterTensor) -> UnsafeMutablePointer<Float> {
        parameters.pointer + tensor.offset
    }
    /// Of its gradient.
    public func gradient(_ tensor: ParameterTensor) -> UnsafeMutablePointer<Float> { gradients.pointer + tensor.offset }
    /// Of a tensor that is kept from step to step.
    public func state(_ tensor: ParameterTensor) -> UnsafeMutablePointer<Float> { state.pointer + tensor.offset }
}
