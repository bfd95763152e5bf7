/// The group of processes (MPI ranks) that train one network together, as seen from one of them.
///
/// Every rank makes the same calls in the same order; each call returns once this rank's part is complete. No operation
/// adds values up: results that must not depend on the number of ranks are exchanged unreduced and summed by the
/// caller, in an order that it fixes. Must be called from one thread. If another rank fails, the job ends: see
/// ``MPICommunicator``.
package protocol Communicator: AnyObject {
    /// The rank of this process, in 0..<``size``. Rank 0 is the one that reads, writes and prints.
    var rank: Int { get }
    /// The number of ranks, at least 1.
    var size: Int { get }

    /// Gives every rank all items of `buffer`, each from the rank that owns it.
    ///
    /// - Parameters:
    ///   - buffer: the same number of items on every rank; those owned by other ranks are overwritten.
    ///   - items: the items that a rank owns; the ranges of different ranks do not overlap and may be empty.
    func allGather(_ buffer: UnsafeMutableRawPointer, bytesPerItem: Int, items: (_ rank: Int) -> Range<Int>)

    /// Sends `sendBytes` bytes to `target` and receives `receiveBytes` bytes from `source` at the same time; nil for no
    /// peer.
    func exchange(
        send: UnsafeRawPointer, _ sendBytes: Int, to target: Int?, receive: UnsafeMutableRawPointer,
        _ receiveBytes: Int, from source: Int?)

    /// Gives every rank the bytes of `root`.
    func broadcast(_ buffer: UnsafeMutableRawPointer, bytes: Int, from root: Int)

    /// Returns the bitwise OR of `bits` over all ranks.
    func union(_ bits: Int32) -> Int32
}

/// A communicator of a single process, which has no peers to exchange anything with.
package final class SingleRank: Communicator {
    package let rank = 0
    package let size = 1

    package init() {}
    package func allGather(
        _ buffer: UnsafeMutableRawPointer, bytesPerItem: Int, items: (_ rank: Int) -> Range<Int>
    ) {}
    package func exchange(
        send: UnsafeRawPointer, _ sendBytes: Int, to target: Int?, receive: UnsafeMutableRawPointer,
        _ receiveBytes: Int, from source: Int?
    ) {}
    package func broadcast(_ buffer: UnsafeMutableRawPointer, bytes: Int, from root: Int) {}
    package func union(_ bits: Int32) -> Int32 { bits }
}

extension Communicator {
    /// Returns the messages of all ranks, by rank.
    package func gather(_ message: [UInt8]) -> [[UInt8]] {
        var lengths = [Int](repeating: 0, count: size)
        lengths[rank] = message.count
        lengths.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            allGather(base, bytesPerItem: MemoryLayout<Int>.stride) { $0..<$0 + 1 }
        }
        var starts = [0]
        for length in lengths { starts.append(starts[starts.count - 1] + length) }
        var all = [UInt8](repeating: 0, count: max(starts[size], 1))
        all.replaceSubrange(starts[rank]..<starts[rank + 1], with: message)
        all.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            allGather(base, bytesPerItem: 1) { starts[$0]..<starts[$0 + 1] }
        }
        return (0..<size).map { Array(all[starts[$0]..<starts[$0 + 1]]) }
    }

    /// Returns the message of rank 0; `message` is ignored on the other ranks.
    package func broadcast(_ message: [UInt8]) -> [UInt8] {
        var count = message.count
        withUnsafeMutableBytes(of: &count) { bytes in
            guard let base = bytes.baseAddress else { return }
            broadcast(base, bytes: bytes.count, from: 0)
        }
        var result = rank == 0 ? message : [UInt8](repeating: 0, count: count)
        guard count > 0 else { return [] }
        result.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            broadcast(base, bytes: count, from: 0)
        }
        return result
    }

    /// Blocks until all ranks have called it.
    package func meet() { _ = union(0) }

    /// Returns the part of 0..<`count` that belongs to `rank`.
    package func part(of count: Int, rank: Int) -> Range<Int> { rankPart(of: count, rank: rank, ranks: size) }
}

/// Returns the part of 0..<`count` that belongs to `rank` of `ranks`: consecutive ranges in rank order, with sizes that
/// differ by at most one. With fewer items than ranks, the last rank gets one and some others none.
package func rankPart(of count: Int, rank: Int, ranks: Int) -> Range<Int> {
    rank * count / ranks..<(rank + 1) * count / ranks
}
