import Foundation
import Workers

/// Ranks that are threads of this process, so that what several processes do together is tested without MPI.
package final class ThreadRanks: @unchecked Sendable {
    private let size: Int
    private let condition = NSCondition()
    private var arrived = 0
    private var round = 0
    private var buffers: [UnsafeMutableRawPointer?]
    private var bits: Int32 = 0
    private var mail: [[Int]: [[UInt8]]] = [:]
    /// Bytes that all ranks have received from others.
    private var bytes = 0

    private init(size: Int) {
        self.size = size
        buffers = Array(repeating: nil, count: size)
    }

    /// Runs `body` as each of `size` ranks at once.
    /// - Returns: what each returned, and the bytes that all of them received.
    /// - Throws: what the lowest rank threw; all must throw, or none.
    package static func run<Result>(
        _ size: Int, _ body: @escaping (any Communicator) throws -> Result
    ) throws -> (results: [Result], bytes: Int) {
        let ranks = ThreadRanks(size: size)
        nonisolated(unsafe) let body = body
        nonisolated(unsafe) var results: [Swift.Result<Result, any Error>?] = Array(repeating: nil, count: size)
        let done = DispatchGroup()
        let lock = NSLock()
        for rank in 0..<size {
            done.enter()
            let thread = Thread {
                let result = Swift.Result { try body(Member(ranks, rank: rank)) }
                lock.withLock { results[rank] = result }
                done.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        done.wait()
        return (try results.compactMap { try $0?.get() }, ranks.bytes)
    }

    /// Waits for all ranks; the last to come does `work` before they go on.
    private func meet(_ work: () -> Void = {}) {
        condition.lock()
        defer { condition.unlock() }
        arrived += 1
        guard arrived < size else {
            work()
            arrived = 0
            round += 1
            condition.broadcast()
            return
        }
        let mine = round
        while round == mine { condition.wait() }
    }

    private final class Member: Communicator {
        let rank: Int
        var size: Int { ranks.size }
        private let ranks: ThreadRanks

        init(_ ranks: ThreadRanks, rank: Int) {
            self.ranks = ranks
            self.rank = rank
        }

        func allGather(_ buffer: UnsafeMutableRawPointer, bytesPerItem: Int, items: (_ rank: Int) -> Range<Int>) {
            publish(buffer)
            for other in 0..<size where other != rank {
                let range = items(other)
                copy(from: other, to: buffer, range.lowerBound * bytesPerItem, range.count * bytesPerItem)
            }
            ranks.meet()
        }

        func broadcast(_ buffer: UnsafeMutableRawPointer, bytes: Int, from root: Int) {
            publish(buffer)
            if rank != root { copy(from: root, to: buffer, 0, bytes) }
            ranks.meet()
        }

        func exchange(
            send: UnsafeRawPointer, _ sendBytes: Int, to target: Int?, receive: UnsafeMutableRawPointer,
            _ receiveBytes: Int, from source: Int?
        ) {
            ranks.condition.lock()
            defer { ranks.condition.unlock() }
            if let target {
                let message = [UInt8](UnsafeRawBufferPointer(start: send, count: sendBytes))
                ranks.mail[[rank, target], default: []].append(message)
                ranks.condition.broadcast()
            }
            guard let source else { return }
            while (ranks.mail[[source, rank]] ?? []).isEmpty { ranks.condition.wait() }
            guard let message = ranks.mail[[source, rank]]?.removeFirst() else { return }
            precondition(message.count == receiveBytes, "\(message.count) bytes came, \(receiveBytes) were expected")
            ranks.bytes += receiveBytes
            message.withUnsafeBytes { receive.copyMemory(from: $0.baseAddress ?? send, byteCount: receiveBytes) }
        }

        func union(_ bits: Int32) -> Int32 {
            ranks.condition.withLock { ranks.bits |= bits }
            ranks.meet()
            let all = ranks.bits
            ranks.meet { self.ranks.bits = 0 }
            return all
        }

        /// Shows the others this rank's buffer, and waits for theirs.
        private func publish(_ buffer: UnsafeMutableRawPointer) {
            ranks.condition.withLock { ranks.buffers[rank] = buffer }
            ranks.meet()
        }

        private func copy(from other: Int, to buffer: UnsafeMutableRawPointer, _ offset: Int, _ count: Int) {
            guard count > 0, let source = ranks.condition.withLock({ ranks.buffers[other] }) else { return }
            (buffer + offset).copyMemory(from: source + offset, byteCount: count)
            ranks.condition.withLock { ranks.bytes += count }
        }
    }
}
