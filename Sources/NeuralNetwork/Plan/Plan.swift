import Tensors
import Workers

/// A program that is ready to run: phases that end in a barrier for all shards, segments of steps that are run chunk by
/// chunk, and a fixed memory placement. Running it allocates nothing.
final class Plan {
    /// How a batch is split into shards.
    enum Sharding: Sendable {
        /// Into this many shards, whatever the batch size (training, where sums are kept per shard).
        case count(Int)
        /// Into shards of at most this many images (inference). Small batches get smaller shards, aiming for ``fewest``
        /// of them, so that they run in parallel too.
        case images(Int)

        private static let fewest = 8

        func shards(_ count: Int) -> Int {
            switch self {
            case .count(let shards): min(shards, count)
            case .images: (count + size(count) - 1) / size(count)
            }
        }

        /// Returns the largest number of shards of any batch of up to `capacity` images.
        func mostShards(_ capacity: Int) -> Int {
            if case .images = self { return max(shards(capacity), min(Self.fewest, capacity)) }
            return shards(capacity)
        }

        /// Returns the number of images in a shard of a batch of `count`.
        private func size(_ count: Int) -> Int {
            guard case .images(let images) = self else { return count }
            return max(1, min(images, (count + Self.fewest - 1) / Self.fewest))
        }

        func largest(_ capacity: Int) -> Int {
            switch self {
            case .count(let shards): (capacity + shards - 1) / shards
            case .images(let images): min(images, capacity)
            }
        }

        /// Returns the contiguous range of images in the shards `part` of a batch. Shard sizes differ by at most one,
        /// or only the last shard is shorter.
        func images(of part: Range<Int>, count: Int) -> Range<Int> {
            switch self {
            case .count:
                let shards = max(shards(count), 1)
                return part.lowerBound * count / shards..<part.upperBound * count / shards
            case .images:
                let images = size(count)
                return min(part.lowerBound * images, count)..<min(part.upperBound * images, count)
            }
        }
    }

    /// The number of floats that all storages of a chunk may occupy, so that they stay in a core's L2 cache.
    private static let chunkFloats = 65_536
    /// The largest storage, in floats per image, that does not require chunks smaller than the shard.
    private static let smallFloats = 2_048

    let capacity: Int
    let run: Run
    /// The profile that times the runs, or `nil` for none.
    var profile: PlanProfile?
    let program: Program
    let sharding: Sharding
    let pool: WorkerPool
    let communicator: any Communicator
    var phases: [Phase] = []
    /// The shard sums that the ranks exchange after each phase.
    private var exchanges: [SumExchange?] = []
    private let refreshWork: RefreshWork
    var batchArena = AlignedBuffer<Float>(count: 0)
    var workerMemory = AlignedBuffer<Float>(count: 0)
    var workerStride = 0
    var scratchFloats = 0
    /// The buffer that the input is gathered into for a step that reads the whole batch's input.
    var wholeInput: AlignedBuffer<Float>?

    init(
        program: Program, capacity: Int, sharding: Sharding, seed: UInt64, pool: WorkerPool,
        communicator: any Communicator = SingleRank()
    ) {
        self.program = program
        self.capacity = capacity
        self.sharding = sharding
        self.pool = pool
        self.communicator = communicator
        run = Run(seed: seed)
        var seen = Set<ObjectIdentifier>()
        var operations: [any Operation] = []
        for step in program.steps where seen.insert(ObjectIdentifier(step.operation)).inserted {
            operations.append(step.operation)
        }
        refreshWork = RefreshWork(operations)
        let shards = sharding.mostShards(capacity)
        let (_, images) = Self.largestPart(sharding, capacity, communicator)
        for operation in operations { operation.prepare(capacity: images, shards: shards, workers: pool.threads) }
        scratchFloats = ((operations.map(\.scratchFloats).max() ?? 0) + 15) / 16 * 16
        phases = buildPhases()
        exchanges = phases.map { phase in SumExchange(phase.reductions.flatMap { $0.operation.sums($0.pass) }) }
        placeStorages()
    }

    /// Returns the largest number of shards and images that one rank has in a batch of up to `capacity` images.
    static func largestPart(
        _ sharding: Sharding, _ capacity: Int, _ communicator: any Communicator
    ) -> (shards: Int, images: Int) {
        let ranks = communicator.size
        let shards = (sharding.mostShards(capacity) + ranks - 1) / ranks
        return (shards, ranks == 1 ? capacity : min(capacity, shards * sharding.largest(capacity)))
    }

    /// The size in bytes of the batch's activations and gradients, and of all workers' own memory.
    var batchBytes: Int { batchArena.count * MemoryLayout<Float>.stride }
    var workerBytes: Int { workerMemory.count * MemoryLayout<Float>.stride }
    var phaseCount: Int { phases.count }

    /// The bytes of activations and gradients per image that the steps read from and write to memory. Counts the
    /// storages that outlive a phase, once per phase and direction; what is produced and consumed within a phase stays
    /// in cache.
    var memoryBytesPerImage: Int {
        var floats = 0
        for phase in phases {
            var read = Set<ObjectIdentifier>(), written = Set<ObjectIdentifier>()
            for step in phase.steps {
                for storage in step.operation.reads(step.pass) where storage.outlivesPhases {
                    let key = ObjectIdentifier(storage)
                    if !written.contains(key), read.insert(key).inserted { floats += storage.floatsPerImage }
                }
                for storage in step.operation.writes(step.pass) where storage.outlivesPhases {
                    if written.insert(ObjectIdentifier(storage)).inserted { floats += storage.floatsPerImage }
                }
            }
        }
        return floats * MemoryLayout<Float>.stride
    }

    /// Returns the images that `rank` has in a batch of `count`.
    func images(ofRank rank: Int, count: Int) -> Range<Int> {
        Self.images(ofRank: rank, of: communicator.size, sharding, count: count)
    }

    /// A function that returns the images of this rank for a batch size. It does not retain the plan.
    var batchPart: @Sendable (_ count: Int) -> Range<Int> {
        let sharding = sharding, rank = communicator.rank, ranks = communicator.size
        return { Self.images(ofRank: rank, of: ranks, sharding, count: $0) }
    }

    private static func images(ofRank rank: Int, of ranks: Int, _ sharding: Sharding, count: Int) -> Range<Int> {
        sharding.images(of: rankPart(of: sharding.shards(count), rank: rank, ranks: ranks), count: count)
    }

    /// Prepares to run a batch of `count` images.
    func begin(count: Int) {
        precondition(count >= 1 && count <= capacity, "a plan for \(capacity) images cannot run \(count)")
        run.count = count
        run.shards = sharding.shards(count)
        run.rankShards = communicator.part(of: run.shards, rank: communicator.rank)
        run.images = sharding.images(of: run.rankShards, count: count)
    }

    /// Runs every phase on the batch announced by ``begin(count:)``, of which `images` holds this rank's images.
    func execute(images: UnsafePointer<Float>) {
        placeInput(images)
        for (index, phase) in phases.enumerated() {
            for storage in phase.gathered { gather(storage) }
            profile?.beginPhase()
            pool.run(phase, tasks: phase.taskCount)
            profile?.endPhase()
            if communicator.size > 1 { exchanges[index]?.run(shards: run.shards, communicator) }
            for (index, step) in phase.reductions.enumerated() {
                step.operation.reduce(step.pass, run)
                profile?.markReduction(step: phase.firstStep + index)
            }
        }
    }

    private func placeInput(_ images: UnsafePointer<Float>) {
        let input = program.input, images = UnsafeMutablePointer(mutating: images)
        if let wholeInput {
            let floats = input.floatsPerImage
            (wholeInput.pointer + run.images.lowerBound * floats).update(from: images, count: run.images.count * floats)
            input.place(.batch, at: wholeInput.pointer, workerStride: 0)
        } else {
            input.place(communicator.size > 1 ? .rank : .batch, at: images, workerStride: 0)
        }
    }

    /// Gathers all images' floats of `storage` on every rank.
    func gather(_ storage: Storage) {
        guard communicator.size > 1 else { return }
        communicator.allGather(
            storage.batchPointer, bytesPerItem: storage.floatsPerImage * MemoryLayout<Float>.stride
        ) { images(ofRank: $0, count: run.count) }
    }

    /// Lets operations recompute what they derive from the parameters. Call it once after each change of the
    /// parameters.
    func refresh() { pool.run(refreshWork, tasks: refreshWork.count) }

    // MARK: - Phases

    private func buildPhases() -> [Phase] {
        var built: [Phase] = []
        var steps: [Program.Step] = []
        var first = 0
        /// Reductions produced by the steps so far, which a later step may wait for.
        var pending = Set<ReductionKey>()
        func flush() {
            guard !steps.isEmpty else { return }
            built.append(ShardPhase(plan: self, segments: segments(steps), reductions: steps, firstStep: first))
            first += steps.count
            steps = []
            pending = []
        }
        func awaited(_ step: Program.Step) -> ReductionKey? {
            switch step.pass {
            case .forward: ReductionKey(step.operation, .moments)
            case .backward: ReductionKey(step.operation, .gradientSums)
            case .moments, .gradientSums, .recompute: nil
            }
        }
        for (index, step) in program.steps.enumerated() {
            if let block = step.operation as? any BlockOperation {
                flush()
                built.append(BlockPhase(plan: self, operation: block, pass: step.pass, firstStep: first))
                first += 1
                continue
            }
            // A recomputation stays with the step that reads it.
            let reader = step.pass == .recompute && index + 1 < program.steps.count ? program.steps[index + 1] : step
            if let key = awaited(reader), pending.contains(key) { flush() }
            steps.append(step)
            pending.insert(ReductionKey(step.operation, step.pass))
            if step.pass == .forward, let norm = program.fusedMoments[ObjectIdentifier(step.operation)] {
                pending.insert(ReductionKey(norm, .moments))
            }
        }
        flush()
        return built
    }

    private struct ReductionKey: Hashable {
        let operation: ObjectIdentifier
        let pass: Pass

        init(_ operation: any Operation, _ pass: Pass) {
            self.operation = ObjectIdentifier(operation)
            self.pass = pass
        }
    }

    /// Splits a phase's steps into segments wherever small, vector-like work begins or ends, which benefits from
    /// processing a whole shard at once.
    private func segments(_ steps: [Program.Step]) -> [ShardPhase.Segment] {
        let largest = sharding.largest(capacity)
        var result: [ShardPhase.Segment] = []
        var group: [Program.Step] = []
        var groupIsSmall = false
        func close() {
            guard !group.isEmpty else { return }
            var chunk = largest
            if !groupIsSmall {
                var counted = Set<ObjectIdentifier>()
                var floats = 0
                for step in group {
                    for storage in step.storages where counted.insert(ObjectIdentifier(storage)).inserted {
                        floats += storage.floatsPerImage
                    }
                }
                chunk = max(1, min(largest, Self.chunkFloats / max(1, floats)))
            }
            result.append(.init(steps: group, chunkImages: chunk))
            group = []
        }
        for step in steps {
            let small =
                step.operation is DenseOperation || step.storages.allSatisfy { $0.floatsPerImage <= Self.smallFloats }
            if small != groupIsSmall { close() }
            groupIsSmall = small
            group.append(step)
        }
        close()
        return result
    }

    func scratch(_ worker: Int) -> UnsafeMutablePointer<Float> {
        workerMemory.pointer + worker * workerStride
    }
}
