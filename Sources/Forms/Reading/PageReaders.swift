import Experiments
import Formats
import Pictures
import Recognition
import Synchronization
import Tensors
import Workers

/// Reads the pages of many pictures, a picture a thread.
package final class PageReaders {
    private let pool: WorkerPool
    private let readers: [FormReader]
    /// SHA-256 of the networks.
    package let model: String

    /// Pictures that are in memory at a time, for each thread.
    private static let depth = 8

    /// - Throws: an `InputError` where a network does not go with the template.
    package init(_ template: FormTemplate, _ networks: ReadingNetworks, pool: WorkerPool) throws {
        self.pool = pool
        var readers: [FormReader] = []
        for _ in 0..<pool.threads {
            // A reader computes on the thread that it is asked on.
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
        /// No picture.
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

    /// Calls `body` with the outcomes of some pictures at a time, in order.
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
