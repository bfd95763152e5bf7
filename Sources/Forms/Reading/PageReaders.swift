import Experiments
import Formats
import Pictures
import Recognition
import Synchronization
import Tensors
import Workers

/// Reads pages from many pictures in parallel, one picture per thread.
package final class PageReaders {
    private let pool: WorkerPool
    private let readers: [FormReader]
    /// The SHA-256 digest of the networks.
    package let model: String

    /// The number of pictures in memory at a time, per thread.
    private static let depth = 8

    /// - Throws: An `InputError` if a network is incompatible with the template.
    package init(_ template: FormTemplate, _ networks: ReadingNetworks, pool: WorkerPool) throws {
        self.pool = pool
        var readers: [FormReader] = []
        for _ in 0..<pool.threads {
            // Each reader computes on its calling thread alone.
            let reader = try DigitReader(networks.single, lines: networks.lines, pool: WorkerPool(threads: 1))
            if let first = readers.first {
                readers.append(try first.twin(reader))
            } else {
                readers.append(try FormReader(template, reader: reader))
            }
        }
        self.readers = readers
        let digest = Digest()
        digest.update(networks.single.encoded())
        if let lines = networks.lines { digest.update(lines.encoded()) }
        model = try digest.hex()
    }

    package enum Outcome {
        case read(PageReading, GreyImage)
        /// The picture could not be decoded.
        case failed(String)
    }

    private final class Work: ParallelWork {
        let files: ArraySlice<String>
        let readers: [FormReader]
        let outcomes: Mutex<[Outcome?]>

        init(_ files: ArraySlice<String>, _ readers: [FormReader]) {
            (self.files, self.readers) = (files, readers)
            outcomes = Mutex([Outcome?](repeating: nil, count: files.count))
        }

        func run(task: Int, worker: Int) {
            let outcome: Outcome
            do throws(InputError) {
                let image = try ImageDecoder.read(files[files.startIndex + task])
                outcome = .read(readers[worker].read(image), image)
            } catch {
                outcome = .failed(error.description)
            }
            outcomes.withLock { $0[task] = outcome }
        }
    }

    /// Calls `body` with the outcomes of successive batches of pictures, in order.
    package func read(_ files: ArraySlice<String>, _ body: (ArraySlice<String>, [Outcome]) throws -> Void) rethrows {
        var rest = files
        while !rest.isEmpty {
            let part = rest.prefix(Self.depth * readers.count)
            let work = Work(part, readers)
            pool.run(work, tasks: part.count)
            let outcomes = work.outcomes.withLock { $0.compactMap { $0 } }
            try body(part, outcomes)
            rest = rest.dropFirst(part.count)
        }
    }
}
