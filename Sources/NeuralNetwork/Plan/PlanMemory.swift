import Tensors

/// Memory placement of a plan's storages: in the batch's arena if they outlive a phase, otherwise in each worker's own
/// memory. Storages whose lifetimes do not overlap share addresses.
extension Plan {
    private struct Use {
        var phases: ClosedRange<Int>
        var segments: ClosedRange<Int>
        var steps: ClosedRange<Int>
        var inBlock: Bool
    }

    func placeStorages() {
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
        let (_, rankImages) = Self.largestPart(sharding, capacity, communicator)
        /// Returns the scope of a storage that outlives a phase, and for how many images it is allocated.
        func reach(_ storage: Storage) -> (scope: Storage.Scope, images: Int) {
            let isWhole =
                communicator.size == 1 || storage.isExternal || uses[ObjectIdentifier(storage)]?.inBlock == true
            return isWhole ? (.batch, capacity) : (.rank, rankImages)
        }
        let inputIsGathered =
            program.logits === program.input || uses[ObjectIdentifier(program.input)]?.inBlock == true
        if communicator.size > 1, inputIsGathered {
            wholeInput = AlignedBuffer(count: capacity * program.input.floatsPerImage)
        }
        for storage in storages where storage !== program.input {
            guard let use = uses[ObjectIdentifier(storage)] else { continue }
            let floats = storage.floatsPerImage
            if storage.isExternal {
                // An external reader comes after the last phase.
                batch.append((storage, .init(floats: floats * capacity, life: use.phases.lowerBound...phases.count)))
            } else if use.phases.count > 1 || use.inBlock {
                batch.append((storage, .init(floats: floats * reach(storage).images, life: use.phases)))
            } else if use.segments.count > 1 {
                // Lifetimes are counted in segments, not steps: a segment's first steps read the last chunk after its
                // last steps have written the first.
                shard[use.phases.lowerBound, default: []]
                    .append((storage, .init(floats: floats * largest, life: use.segments)))
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
            entry.0.place(
                reach(entry.0).scope, at: batchArena.pointer + batchPlaces.offsets[index], workerStride: 0)
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
}
