import Synchronization
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ensures that there is address space for OpenBLAS's buffers.
///
/// OpenBLAS maps a buffer for each thread inside a call, and one for each thread that it starts itself when it is
/// loaded. Little of this memory is ever touched, but if the mapping fails, as under `ulimit -v`, versions before
/// 0.3.30 retry forever (its issue 5289). Under a limit the program therefore first checks that there is enough room
/// and makes the library allocate the buffers of all callers before any of them needs one.
///
/// A container's memory limit counts touched pages only and so does not affect these buffers.
package enum BLASMemory {
    /// The size of one buffer, in the library's builds for x86-64 and ARM64.
    static let bufferBytes = 128 << 20
    /// The memory left to the program in addition to the buffers.
    static let reserveBytes = 64 << 20

    /// The number of buffers that the library already holds.
    private static let kept = Mutex(0)
    private static let threadsKey = "OPENBLAS_NUM_THREADS"

    /// Whether the memory that this process may map is limited by anything but the machine.
    package static var isLimited: Bool { limit != nil || hasStrictOvercommit }

    /// The limit on address space or on private memory, whichever is lower, in bytes.
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

    /// Whether `vm.overcommit_memory=2` is set: the kernel promises no more memory than it has.
    private static var hasStrictOvercommit: Bool {
        guard let file = fopen("/proc/sys/vm/overcommit_memory", "r") else { return false }
        defer { fclose(file) }
        return fgetc(file) == Int32(UInt8(ascii: "2"))
    }

    /// If memory is limited, re-executes the program once with OpenBLAS's own threads disabled: their buffers would go
    /// unused, as parallelism is the pool's, and a thread that gets no buffer never ends. Must be called first.
    package static func restartWithoutOwnThreads() {
        #if os(Linux)
            guard isLimited, dlsym(nil, "openblas_set_num_threads") != nil,
                getenv(threadsKey).map({ String(cString: $0) }) != "1", setenv(threadsKey, "1", 1) == 0
            else { return }
            execv("/proc/self/exe", CommandLine.unsafeArgv)
        // Without /proc, execution continues unchanged.
        #endif
    }

    /// Ensures that `callers` concurrent threads find their buffers.
    /// - Throws: `OperationError` if the memory limit is too low.
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

    /// Returns whether `bytes` bytes of private memory can be mapped now.
    static func canMap(_ bytes: Int) -> Bool {
        guard
            let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0),
            memory != MAP_FAILED
        else { return false }
        munmap(memory, bytes)
        return true
    }

    /// Makes the library map `count` buffers, which it then keeps for later calls. The functions for this are not part
    /// of BLAS; a library without them maps buffers on its first calls, as usual.
    private static func keepBuffers(_ count: Int) {
        typealias Allocate = @convention(c) (Int32) -> UnsafeMutableRawPointer?
        typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
        guard let allocate = dlsym(nil, "blas_memory_alloc"), let free = dlsym(nil, "blas_memory_free") else { return }
        let buffers = (0..<count).map { _ in unsafeBitCast(allocate, to: Allocate.self)(0) }
        for buffer in buffers { unsafeBitCast(free, to: Free.self)(buffer) }
    }
}
