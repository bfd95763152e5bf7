/// The processes that train one network together (MPI's ranks), one of which this is.
///
/// Every member calls the same functions in the same order; each call returns when this rank has its part. Nothing here
/// adds anything up: what must not depend on the number of ranks is exchanged as it is and summed by the caller, in an
/// order that it fixes. Called from one thread. Where another rank is gone, the job ends: see ``MPICommunicator``.
package protocol Communicator: AnyObject {
    /// This process, in 0..<``size``. Rank 0 is the one that reads, writes and prints.
    var rank: Int { get }
    /// How many there are, at least 1.
    var size: Int { get }

    /// Gives every rank all items of `buffer`, each from the rank that has it.
    ///
    /// - Parameters:
    ///   - buffer: the same number of items on every rank; those of other ranks are overwritten.
    ///   - items: the items that a rank has; ranges of different ranks do not overlap, and may be empty.
    func allGather(_ buffer: UnsafeMutableRawPointer, bytesPerItem: Int, items: (_ rank: Int) -> Range<Int>)

    /// Sends `sendBytes` bytes to `target` and receives `receiveBytes` bytes from `source` at the same time; nil is nobody.
    func exchange(
        send: UnsafeRawPointer, _ sendBytes: Int, to target: Int?, receive: UnsafeMutableRawPointer,
        _ receiveBytes: Int, from source: Int?)

    /// Gives every rank the bytes that `root` has.
    func broadcast(_ buffer: UnsafeMutableRawPointer, bytes: Int, from root: Int)

    /// The bits that are set on any rank.
    func union(_ bits: Int32) -> Int32
}

/// One process on its own: there is nobody to exchange anything with.
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
    /// What each rank says, by rank.
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

    /// What rank 0 says; `message` of the others does not count.
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

    /// Returns when all ranks have come here.
    package func meet() { _ = union(0) }

    /// The part of 0..<`count` that `rank` takes.
    package func part(of count: Int, rank: Int) -> Range<Int> { rankPart(of: count, rank: rank, ranks: size) }
}

/// The part of 0..<`count` that `rank` of `ranks` takes: consecutive, in the order of the ranks, sizes differing by at most
/// one. Of fewer items than ranks the last rank has one, some others none.
package func rankPart(of count: Int, rank: Int, ranks: Int) -> Range<Int> {
    rank * count / ranks..<(rank + 1) * count / ranks
}
