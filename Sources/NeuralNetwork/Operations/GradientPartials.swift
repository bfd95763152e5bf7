import Kernels
import Tensors
import Workers

/// Weight gradients, kept per shard and summed in shard order at the end of a step, so that the sum does not depend on
/// which thread or rank ran which shard.
///
/// With several ranks, the sum is a chain: a rank receives the sum over all shards before its own, adds its shards in
/// their order, and passes it on; from the last rank the total returns the same way. That moves twice the gradient's
/// bytes through each rank, as an all-reduce does, whereas collecting the shards' sums would move them times the number
/// of shards. The chain is pipelined link by link, so that ranks add and send at the same time.
public final class GradientPartials: ParallelWork {
    private struct Piece {
        let tensor: ParameterTensor
        let offset: Int
    }

    private let store: ParameterStore
    private let communicator: any Communicator
    private var pieces: [Piece] = []
    private var floatsPerShard = 0
    private var buffer = AlignedBuffer<Float>(count: 0)
    /// The blocks of the reduction: (offset in the gradient, offset in the partials, count).
    private var blocks: [(target: Int, source: Int, count: Int)] = []
    /// With several ranks, the running sum, laid out like one shard's partials.
    private var sum = AlignedBuffer<Float>(count: 0)
    private static let blockFloats = 4096
    /// The number of floats sent from rank to rank at once: 32 KiB, which MPI libraries send without asking the
    /// receiver first.
    private static let linkFloats = 8_192
    /// This rank's shards.
    private var shards = 0..<0
    /// What ``run(task:worker:)`` adds up: a link of the chain, or the gradient if `nil`.
    private var link: Range<Int>?
    /// Whether a link starts from another rank's sum.
    private var continues = false

    init(store: ParameterStore, communicator: any Communicator) {
        self.store = store
        self.communicator = communicator
    }

    /// Reserves space for the gradient of `tensor`, and returns the handle for ``pointer(_:shard:)``.
    public func register(_ tensor: ParameterTensor) -> Int {
        let offset = floatsPerShard
        pieces.append(Piece(tensor: tensor, offset: offset))
        floatsPerShard += (tensor.count + 15) / 16 * 16
        return offset
    }

    /// - Parameter shards: The maximum number of shards on this rank.
    func allocate(shards: Int) {
        buffer = AlignedBuffer(count: floatsPerShard * shards)
        if communicator.size > 1 { sum = AlignedBuffer(count: floatsPerShard) }
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

    /// Begins a step in which this rank has `shards`.
    func begin(shards: Range<Int>) { self.shards = shards }

    /// Returns the shard's sum of the gradient. Set it to zero if ``Chunk/isFirst``, then add to it.
    public func pointer(_ handle: Int, shard: Int) -> UnsafeMutablePointer<Float> {
        buffer.pointer + ((shard &- shards.lowerBound) &* floatsPerShard &+ handle)
    }

    var bytes: Int { (buffer.count + sum.count) * MemoryLayout<Float>.stride }

    /// Computes `gradient = partial[0] + partial[1] + …`, in that order, over the shards of all ranks.
    func reduce(_ run: Run, pool: WorkerPool) {
        if communicator.size > 1, floatsPerShard > 0 { chain(run, pool: pool) }
        link = nil
        pool.run(self, tasks: blocks.count)
    }

    /// Computes the sum over all shards in `sum`, on every rank.
    private func chain(_ run: Run, pool: WorkerPool) {
        let size = communicator.size, rank = communicator.rank
        func hasShards(_ rank: Int) -> Bool { !communicator.part(of: run.shards, rank: rank).isEmpty }
        if !shards.isEmpty {
            // If there are fewer shards than ranks, those without any are skipped.
            let before = (0..<rank).last(where: hasShards), after = (rank + 1..<size).first(where: hasShards)
            continues = before != nil
            pass(from: before, to: after) { here in
                link = here
                pool.run(self, tasks: (here.count + Self.blockFloats - 1) / Self.blockFloats)
            }
        }
        // The last rank always has shards, and so the total, which returns along all ranks.
        pass(from: rank + 1 < size ? rank + 1 : nil, to: rank > 0 ? rank - 1 : nil) { _ in }
    }

    /// Passes `sum` link by link from one rank to another: while one link is sent, the next is received.
    private func pass(from source: Int?, to target: Int?, _ work: (_ link: Range<Int>) -> Void) {
        let bytes = MemoryLayout<Float>.stride
        var here = 0..<0, next = 0..<min(Self.linkFloats, floatsPerShard)
        while true {
            communicator.exchange(
                send: sum.pointer + here.lowerBound, here.count * bytes, to: here.isEmpty ? nil : target,
                receive: sum.pointer + next.lowerBound, next.count * bytes, from: next.isEmpty ? nil : source)
            if next.isEmpty { return }
            here = next
            next = here.upperBound..<min(here.upperBound + Self.linkFloats, floatsPerShard)
            work(here)
        }
    }

    package func run(task: Int, worker: Int) {
        if let link {
            let start = link.lowerBound + task * Self.blockFloats
            add(
                shards.count, buffer.pointer + start, to: sum.pointer + start,
                count: min(Self.blockFloats, link.upperBound - start), continues: continues)
        } else if communicator.size > 1 {
            let block = blocks[task]
            add(1, sum.pointer + block.source, to: store.gradients.pointer + block.target, count: block.count)
        } else {
            let block = blocks[task]
            add(
                shards.count, buffer.pointer + block.source, to: store.gradients.pointer + block.target,
                count: block.count)
        }
    }

    /// Computes `target = (target +) row[0] + row[1] + …`, in that order.
    private func add(
        _ rows: Int, _ source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int,
        continues: Bool = false
    ) {
        if !continues { target.update(from: source, count: count) }
        for row in (continues ? 0 : 1)..<max(rows, 1) {
            ElementwiseKernels.add(target, source + row &* floatsPerShard, count: count, y: target)
        }
    }
}
