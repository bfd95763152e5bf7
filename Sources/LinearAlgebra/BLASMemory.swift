import Synchronization
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Address space for OpenBLAS's buffers.
///
/// OpenBLAS maps a buffer for each thread inside a call, and one for each thread that it starts itself when it is
/// loaded. Little of it is ever touched, but where the mapping fails, as under `ulimit -v`, versions before 0.3.30 try
/// again without end (its issue 5289). So under a limit the program first makes sure that there is room, and has the
/// library keep buffers for all callers before any of them needs one.
///
/// A container's limit counts what is touched: it is no matter for these buffers.
package enum BLASMemory {
    /// Of one buffer, in the library's builds for x86-64 and ARM64.
    static let bufferBytes = 128 << 20
    /// Left for the program beside the buffers.
    static let reserveBytes = 64 << 20

    /// Buffers that the library keeps already.
    private static let kept = Mutex(0)
    private static let threadsKey = "OPENBLAS_NUM_THREADS"

    /// Whether something other than the machine limits what this process may map.
    package static var isLimited: Bool { limit != nil || hasStrictOvercommit }

    /// The limit on address space or on private memory, whichever is less, bytes.
    private static var limit: Int? {
        #if os(Linux)
            [RLIMIT_AS, RLIMIT_DATA].compactMap { resource in
                var limit = rlimit()
                guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(Int.max)
                else { return nil }
                return Int(clamping: limit.rlim_cur)
            }.min()
        #else
            nil
        #endif
    }

    /// `vm.overcommit_memory=2`: the kernel promises no more than it has.
    private static var hasStrictOvercommit: Bool {
        guard let file = fopen("/proc/sys/vm/overcommit_memory", "r") else { return false }
        defer { fclose(file) }
        return fgetc(file) == Int32(UInt8(ascii: "2"))
    }

    /// Where memory is limited, starts the program anew, once, with OpenBLAS told to start no threads: they take buffers
    /// that nothing uses, as parallelism is the pool's, and one that gets none never ends. To be called first.
    package static func restartWithoutOwnThreads() {
        #if os(Linux)
            guard isLimited, dlsym(nil, "openblas_set_num_threads") != nil,
                getenv(threadsKey).map({ String(cString: $0) }) != "1", setenv(threadsKey, "1", 1) == 0
            else { return }
            execv("/proc/self/exe", CommandLine.unsafeArgv)
        // Without /proc all goes on as it began.
        #endif
    }

    /// Sees to it that `callers` threads at once find their buffers.
    /// - Throws: where memory is limited to less.
    package static func require(callers: Int) throws(OperationError) {
        guard isLimited, dlsym(nil, "openblas_set_num_threads") != nil else { return }
        let isEnough = kept.withLock { kept in
            guard callers > kept else { return true }
            guard canMap((callers - kept) * bufferBytes + reserveBytes) else { return false }
            keepBuffers(callers)
            kept = callers
            return true
        }
        guard isEnough else { throw shortage(callers) }
    }

    static func shortage(_ callers: Int) -> OperationError {
        OperationError(
            "memory",
            problem: "OpenBLAS maps \(bufferBytes >> 20) MiB for each of \(callers) "
                + "thread\(callers == 1 ? "" : "s"), and the limit on this process"
                + (limit.map { " (\($0 >> 20) MiB, ulimit -v or -d)" } ?? " (vm.overcommit_memory=2)")
                + " leaves no room for that",
            remedy: "raise the limit" + (callers > 1 ? ", or give --threads 1" : ""))
    }

    /// Whether that many bytes of private memory can be mapped now.
    static func canMap(_ bytes: Int) -> Bool {
        guard
            let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0),
            memory != MAP_FAILED
        else { return false }
        munmap(memory, bytes)
        return true
    }

    /// Has the library map that many buffers, which it then keeps for later calls. Its calls for that are not part of
    /// BLAS: a library without them maps at the first calls, as ever.
    private static func keepBuffers(_ count: Int) {
        typealias Allocate = @convention(c) (Int32) -> UnsafeMutableRawPointer?
        typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
        guard let allocate = dlsym(nil, "blas_memory_alloc"), let free = dlsym(nil, "blas_memory_free") else { return }
        let buffers = (0..<count).map { _ in unsafeBitCast(allocate, to: Allocate.self)(0) }
        for buffer in buffers { unsafeBitCast(free, to: Free.self)(buffer) }
    }
}
