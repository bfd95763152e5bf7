#if NUMERAL_MPI
    import CMPI
    import Tensors

    /// The ranks of MPI's world communicator.
    ///
    /// MPI's default error handler stays in place: if a call fails, for example because another rank is gone, the
    /// library reports it and ends the job. MPI is initialized with `MPI_THREAD_FUNNELED`: only the thread that created
    /// this object may use it.
    package final class MPICommunicator: Communicator {
        package let rank: Int
        package let size: Int
        /// The MPI library's name and version, as it reports them.
        package let library: String
        /// Counts and displacements of the current call, `[size]` each.
        private let counts, displacements: AlignedBuffer<Int32>

        /// Joins the job; at most once per process.
        /// - Throws: `OperationError` if MPI cannot be started, or lacks the thread support that the pool needs.
        package init() throws(OperationError) {
            let status = numeral_mpi_begin()
            guard status == 0 else {
                throw OperationError(
                    "MPI",
                    problem: status < 0 ? "the library supports no threads" : "it could not be started (\(status))",
                    remedy: "check the installation with: mpirun -n 2 hostname")
            }
            rank = Int(numeral_mpi_rank())
            size = Int(numeral_mpi_size())
            library = Self.text(numeral_mpi_library)
            counts = AlignedBuffer(count: size)
            displacements = AlignedBuffer(count: size)
        }

        /// Returns the library's description of itself on one line, without build details.
        private static func text(_ ask: (UnsafeMutablePointer<CChar>?, Int32) -> Void) -> String {
            var bytes = [CChar](repeating: 0, count: 8192)
            ask(&bytes, Int32(bytes.count))
            let text = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let lines = text.split(whereSeparator: \.isNewline).map { line in
                line.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
            }
            guard let first = lines.first else { return "unknown" }
            // Open MPI: "Open MPI v4.1.4, package: …"; MPICH: "MPICH Version: 4.0.2".
            return first.split(separator: ",").first.map(String.init)?.replacing(" Version: ", with: " ") ?? first
        }

        package func allGather(
            _ buffer: UnsafeMutableRawPointer, bytesPerItem: Int, items: (_ rank: Int) -> Range<Int>
        ) {
            guard size > 1 else { return }
            // In items, since bytes may be more than a C int can say.
            for rank in 0..<size {
                let range = items(rank)
                counts.pointer[rank] = Self.int(range.count)
                displacements.pointer[rank] = Self.int(range.lowerBound)
            }
            numeral_mpi_all_gather(buffer, Self.int(bytesPerItem), counts.pointer, displacements.pointer)
        }

        package func exchange(
            send: UnsafeRawPointer, _ sendBytes: Int, to target: Int?, receive: UnsafeMutableRawPointer,
            _ receiveBytes: Int, from source: Int?
        ) {
            numeral_mpi_exchange(
                send, Self.int(sendBytes), Int32(target ?? -1), receive, Self.int(receiveBytes), Int32(source ?? -1))
        }

        package func broadcast(_ buffer: UnsafeMutableRawPointer, bytes: Int, from root: Int) {
            // Counts are C ints.
            for start in stride(from: 0, to: bytes, by: 1 << 30) {
                numeral_mpi_broadcast(buffer + start, Self.int(min(1 << 30, bytes - start)), Int32(root))
            }
        }

        package func union(_ bits: Int32) -> Int32 { numeral_mpi_union(bits) }

        /// Leaves the job in an orderly way: all ranks must call it, and no MPI function may be called afterwards.
        package func end() { numeral_mpi_end() }

        /// Ends all ranks immediately; `code` becomes the exit code of the job.
        package func abort(_ code: Int32) { numeral_mpi_abort(code) }

        private static func int(_ count: Int) -> Int32 {
            precondition(count <= Int(Int32.max), "MPI: \(count) bytes at once are more than its counts can say")
            return Int32(count)
        }
    }
#endif
