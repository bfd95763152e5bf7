import Kernels
import Tensors

/// Weight gradients kept per shard and added up in shard order at the end of a step, so that the sum does not depend on
/// which thread ran which shard.
final class GradientPartials: ParallelWork {
    private struct Piece {
        let tensor: ParameterTensor
        let offset: Int
    }

    private let store: ParameterStore
    private var pieces: [Piece] = []
    private var floatsPerShard = 0
    private var buffer = AlignedBuffer<Float>(count: 0)
    /// Blocks of the reduction: (into the gradient, into the partials, count).
    private var blocks: [(target: Int, source: Int, count: Int)] = []
    private var activeShards = 0
    private static let blockFloats = 4096

    init(store: ParameterStore) { self.store = store }

    /// Reserves room for `tensor`'s gradient; the handle for ``pointer(_:shard:)``.
    func register(_ tensor: ParameterTensor) -> Int {
        let offset = floatsPerShard
        pieces.append(Piece(tensor: tensor, offset: offset))
        floatsPerShard += (tensor.count + 15) / 16 * 16
        return offset
    }

    func allocate(shards: Int) {
        buffer = AlignedBuffer(count: floatsPerShard * shards)
        for piece in pieces {
            for start in stride(from: 0, to: piece.tensor.count, by: Self.blockFloats) {
                blocks.append(
                    (
                        piece.tensor.offset + start, piece.offset + start,
                        min(Self.blockFloats, piece.tensor.count - start)
                    ))
            }
        }
    }

    func pointer(_ handle: Int, shard: Int) -> UnsafeMutablePointer<Float> {
        buffer.pointer + (shard &* floatsPerShard &+ handle)
    }

    var bytes: Int { buffer.count * MemoryLayout<Float>.stride }

    /// `gradient = partial[0] + partial[1] + …`, in that order.
    func reduce(shards: Int, pool: WorkerPool) {
        activeShards = shards
        pool.run(self, tasks: blocks.count)
    }

    func run(task: Int, worker: Int) {
        let block = blocks[task]
        let target = store.gradients.pointer + block.target
        let source = buffer.pointer + block.source
        target.update(from: source, count: block.count)
        for shard in 1..<max(activeShards, 1) {
            ElementwiseKernels.add(target, source + shard &* floatsPerShard, count: block.count, y: target)
        }
    }
}

/// Per-shard sums in Double, joined in shard order.
struct ShardSums {
    private let buffer: AlignedBuffer<Double>
    private let stride: Int
    let count: Int

    init(count: Int, shards: Int) {
        self.count = count
        stride = (count + 7) / 8 * 8  // shards on cache lines of their own
        buffer = AlignedBuffer(count: stride * shards)
    }

    func pointer(_ shard: Int) -> UnsafeMutablePointer<Double> { buffer.pointer + shard * stride }

    func clear(_ shard: Int) { pointer(shard).update(repeating: 0, count: count) }

    /// `Σ_shards sums[index]`.
    func total(_ index: Int, shards: Int) -> Double {
        var sum = 0.0
        for shard in 0..<shards { sum += pointer(shard)[index] }
        return sum
    }
}
