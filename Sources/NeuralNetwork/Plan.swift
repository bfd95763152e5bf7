import Kernels
import Tensors

/// A program with every decision taken: phases between which all shards wait for each other, segments of steps that are
/// done chunk by chunk, and a place in memory for everything. Running it allocates nothing.
final class Plan {
    /// How a batch is cut into shards.
    enum Sharding {
        /// Into this many parts, whatever the batch's size (training: sums are kept per part).
        case count(Int)
        /// Into parts of this many images (inference).
        case images(Int)

        func shards(_ count: Int) -> Int {
            switch self {
            case .count(let shards): min(shards, count)
            case .images(let images): (count + images - 1) / images
            }
        }

        func largest(_ capacity: Int) -> Int {
            switch self {
            case .count(let shards): (capacity + shards - 1) / shards
            case .images(let images): min(images, capacity)
            }
        }
    }

    /// Floats that the storages of a chunk may take together, so that they stay in a core's L2 cache.
    private static let chunkFloats = 65_536
    /// Storages up to this size do not ask for chunks smaller than the shard.
    private static let smallFloats = 2_048

    let capacity: Int
    let run: Run
    /// Times the runs while it is there.
    var profile: PlanProfile?
    let program: Program
    let sharding: Sharding
    let pool: WorkerPool
    private var phases: [Phase] = []
    private let refreshWork: RefreshWork
    private var batchArena = AlignedBuffer<Float>(count: 0)
    private var workerMemory = AlignedBuffer<Float>(count: 0)
    private var workerStride = 0
    private var scratchFloats = 0

    init(program: Program, capacity: Int, sharding: Sharding, seed: UInt64, pool: WorkerPool) {
        self.program = program
        self.capacity = capacity
        self.sharding = sharding
        self.pool = pool
        run = Run(seed: seed)
        var seen = Set<ObjectIdentifier>()
        var operations: [any Operation] = []
        for step in program.steps where seen.insert(ObjectIdentifier(step.operation)).inserted {
            operations.append(step.operation)
        }
        refreshWork = RefreshWork(operations)
        let shards = sharding.shards(capacity)
        for operation in operations { operation.prepare(capacity: capacity, shards: shards, workers: pool.threads) }
        scratchFloats = ((operations.map(\.scratchFloats).max() ?? 0) + 15) / 16 * 16
        phases = buildPhases()
        placeStorages()
    }

    /// Bytes of activations and gradients of the batch; of all workers' own memory.
    var batchBytes: Int { batchArena.count * MemoryLayout<Float>.stride }
    var workerBytes: Int { workerMemory.count * MemoryLayout<Float>.stride }
    var phaseCount: Int { phases.count }

    /// Bytes of activations and gradients that an image's steps read from and write to memory: of the storages that outlive
    /// a phase, each once a phase and direction; what is made and used within a phase stays in cache.
    var memoryBytesPerImage: Int {
        var floats = 0
        for phase in phases {
            var read = Set<ObjectIdentifier>(), written = Set<ObjectIdentifier>()
            for step in phase.steps {
                for storage in step.operation.reads(step.pass) where storage.scope == .batch {
                    let key = ObjectIdentifier(storage)
                    if !written.contains(key), read.insert(key).inserted { floats += storage.floatsPerImage }
                }
                for storage in step.operation.writes(step.pass) where storage.scope == .batch {
                    if written.insert(ObjectIdentifier(storage)).inserted { floats += storage.floatsPerImage }
                }
            }
        }
        return floats * MemoryLayout<Float>.stride
    }

    /// Runs every phase on the first `count` images at `images`.
    func execute(images: UnsafePointer<Float>, count: Int) {
        precondition(count >= 1 && count <= capacity, "a plan for \(capacity) images cannot run \(count)")
        run.count = count
        run.shards = sharding.shards(count)
        program.input.place(.batch, at: UnsafeMutablePointer(mutating: images), workerStride: 0)
        for phase in phases {
            profile?.beginPhase()
            pool.run(phase, tasks: phase.taskCount)
            profile?.endPhase()
            for (index, step) in phase.reductions.enumerated() {
                step.operation.reduce(step.pass, run)
                profile?.markReduction(step: phase.firstStep + index)
            }
        }
    }

    /// Lets operations derive what they need from the parameters: once after each change of those.
    func refresh() { pool.run(refreshWork, tasks: refreshWork.count) }

    // MARK: - Phases

    private func buildPhases() -> [Phase] {
        var built: [Phase] = []
        var steps: [Program.Step] = []
        var first = 0
        /// Reductions that the steps so far ask for, and that some later step waits for.
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
            // What is computed again goes with the step that reads it.
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

    /// Cuts a phase's steps where small, vector-like work begins or ends, which gains from seeing a whole shard at once.
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

    // MARK: - Memory

    private struct Use {
        var phases: ClosedRange<Int>
        var segments: ClosedRange<Int>
        var steps: ClosedRange<Int>
        var inBlock: Bool
    }

    private func placeStorages() {
        var storages: [Storage] = []
        var uses: [ObjectIdentifier: Use] = [:]
        for (p, phase) in phases.enumerated() {
            for access in phase.accesses {
                let key = ObjectIdentifier(access.storage)
                let isBlock = phase is BlockPhase
                guard var use = uses[key] else {
                    storages.append(access.storage)
                    uses[key] = Use(
                        phases: p...p, segments: access.segment...access.segment, steps: access.step...access.step,
                        inBlock: isBlock)
                    continue
                }
                use.phases = use.phases.lowerBound...p
                use.segments =
                    min(use.segments.lowerBound, access.segment)...max(use.segments.upperBound, access.segment)
                use.steps = min(use.steps.lowerBound, access.step)...max(use.steps.upperBound, access.step)
                use.inBlock = use.inBlock || isBlock
                uses[key] = use
            }
        }
        var batch: [(Storage, Arena.Item)] = []
        var shard: [Int: [(Storage, Arena.Item)]] = [:]
        var chunk: [Int: [(Storage, Arena.Item)]] = [:]
        let largest = sharding.largest(capacity)
        for storage in storages where storage !== program.input {
            guard let use = uses[ObjectIdentifier(storage)] else { continue }
            let floats = storage.floatsPerImage
            if storage.isExternal {
                // A reader outside comes after the last phase.
                batch.append((storage, .init(floats: floats * capacity, life: use.phases.lowerBound...phases.count)))
            } else if use.phases.count > 1 || use.inBlock {
                batch.append((storage, .init(floats: floats * capacity, life: use.phases)))
            } else if use.segments.count > 1 {
                shard[use.phases.lowerBound, default: []]
                    .append((storage, .init(floats: floats * largest, life: use.steps)))
            } else {
                let images = phases[use.phases.lowerBound].chunkImages(use.segments.lowerBound)
                chunk[use.phases.lowerBound, default: []]
                    .append((storage, .init(floats: floats * images, life: use.steps)))
            }
        }
        let batchPlaces = Arena.place(batch.map(\.1))
        let shardPlaces = shard.mapValues { Arena.place($0.map(\.1)) }
        let chunkPlaces = chunk.mapValues { Arena.place($0.map(\.1)) }
        let shardFloats = shardPlaces.values.map(\.floats).max() ?? 0
        let chunkFloats = chunkPlaces.values.map(\.floats).max() ?? 0
        batchArena = AlignedBuffer(count: batchPlaces.floats)
        workerStride = scratchFloats + shardFloats + chunkFloats
        workerMemory = AlignedBuffer(count: workerStride * pool.threads)
        for (index, entry) in batch.enumerated() {
            entry.0.place(.batch, at: batchArena.pointer + batchPlaces.offsets[index], workerStride: 0)
        }
        let groups = [
            (Storage.Scope.shard, shard, shardPlaces, scratchFloats),
            (Storage.Scope.chunk, chunk, chunkPlaces, scratchFloats + shardFloats),
        ]
        for (scope, entries, places, start) in groups {
            for (phase, list) in entries {
                guard let placed = places[phase] else { continue }
                for (index, entry) in list.enumerated() {
                    entry.0.place(
                        scope, at: workerMemory.pointer + start + placed.offsets[index], workerStride: workerStride)
                }
            }
        }
    }

    func scratch(_ worker: Int) -> UnsafeMutablePointer<Float> {
        workerMemory.pointer + worker * workerStride
    }
}
