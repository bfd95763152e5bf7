#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The computing resources available to this process.
package enum Machine {
    /// The number of online logical cores.
    package static var cores: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// The number of threads that can run at once: the smallest of the cores, the CPU affinity mask and the container's
    /// CPU quota (rounded up).
    package static var usableCores: Int { max(1, min(cores, affinity ?? cores, quota ?? cores)) }

    /// The number of cores in this process's affinity mask.
    package static var affinity: Int? {
        affinityMask?.compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// The affinity mask in hexadecimal, as the kernel writes it.
    package static var affinityMask: String? {
        guard let status = read("/proc/self/status") else { return nil }
        for line in status.split(separator: "\n") where line.hasPrefix("Cpus_allowed:") {
            return trimmed(String(line.dropFirst("Cpus_allowed:".count)))
        }
        return nil
    }

    /// The container's CPU quota in cores (cgroup version 2, then 1), or nil if there is none.
    package static var quota: Int? {
        if let text = read("/sys/fs/cgroup/cpu.max") {
            let fields = text.split(whereSeparator: \.isWhitespace)
            if fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]), period > 0 {
                return max(1, Int((quota / period).rounded(.up)))
            }
            return nil
        }
        guard let quotaText = read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
            let periodText = read("/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
            let quota = Double(trimmed(quotaText)), let period = Double(trimmed(periodText)), quota > 0, period > 0
        else { return nil }
        return max(1, Int((quota / period).rounded(.up)))
    }

    /// The processor's name, as reported by the system.
    package static var processorName: String { cpuField("model name") ?? "unknown" }

    /// The relevant vector extensions of the processor, in order of width.
    package static var vectorFeatures: [String] {
        let known = ["sse2", "avx", "avx2", "fma", "avx512f", "avx512vl", "avx512_bf16", "amx_tile", "asimd", "sve"]
        let flags = Set((cpuField("flags") ?? cpuField("Features") ?? "").split(separator: " ").map(String.init))
        return known.filter(flags.contains)
    }

    /// The peak resident memory of this process, in bytes.
    package static var peakResidentBytes: Int {
        var usage = rusage()
        #if os(Linux)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        #else
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #endif
    }

    private static func cpuField(_ name: String) -> String? {
        guard let text = read("/proc/cpuinfo") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return trimmed(String(line[line.index(after: colon)...]))
        }
        return nil
    }

    private static func trimmed(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Returns the first 64 KiB of a small system file.
    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
