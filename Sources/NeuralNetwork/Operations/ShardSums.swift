import Tensors
import Workers

/// Sums kept per shard in `Double`, and added in shard order.
public final class ShardSums {
    /// The number of sums per shard.
    public let count: Int
    /// The maximum number of shards.
    public let shards: Int
    private var buffer: AlignedBuffer<Double>
    private var offset = 0
    private var stride: Int

    /// Creates `count` sums for each of up to `shards` shards.
    public init(count: Int, shards: Int) {
        self.count = count
        self.shards = shards
        stride = Self.padded(count)
        buffer = AlignedBuffer(count: stride * shards)
    }

    /// Pads to whole cache lines, so that shards do not share any.
    fileprivate static func padded(_ count: Int) -> Int { (count + 7) / 8 * 8 }

    fileprivate func move(to buffer: AlignedBuffer<Double>, offset: Int, stride: Int) {
        (self.buffer, self.offset, self.stride) = (buffer, offset, stride)
    }

    /// Returns a shard's sums.
    public func pointer(_ shard: Int) -> UnsafeMutablePointer<Double> { buffer.pointer + (shard &* stride &+ offset) }

    /// Sets a shard's sums to zero.
    public func clear(_ shard: Int) { pointer(shard).update(repeating: 0, count: count) }

    /// `Σ_shards sums[index]`.
    public func total(_ index: Int, shards: Int) -> Double {
        var sum = 0.0
        for shard in 0..<shards { sum += pointer(shard)[index] }
        return sum
    }
}

/// All sums that are reduced at one point of a step, side by side for each shard, so that ranks exchange them in one
/// call.
struct SumExchange {
    private let buffer: AlignedBuffer<Double>
    private let stride: Int
    /// The number of bytes that each shard contributes.
    var bytesPerShard: Int { stride * MemoryLayout<Double>.stride }

    /// Moves `sums` into a buffer of its own; `nil` if there are none.
    init?(_ sums: [ShardSums]) {
        guard let shards = sums.map(\.shards).max() else { return nil }
        stride = sums.reduce(0) { $0 + ShardSums.padded($1.count) }
        buffer = AlignedBuffer(count: stride * shards)
        var offset = 0
        for sum in sums {
            sum.move(to: buffer, offset: offset, stride: stride)
            offset += ShardSums.padded(sum.count)
        }
    }

    /// Gives every rank the sums of all `shards` shards.
    func run(shards: Int, _ communicator: any Communicator) {
        communicator.allGather(buffer.pointer, bytesPerItem: bytesPerShard) {
            communicator.part(of: shards, rank: $0)
        }
    }
}
