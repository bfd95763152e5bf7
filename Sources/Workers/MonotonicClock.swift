#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The clock for measuring inside a step: cheap enough (some 25 ns a call on Linux) to be asked thousands of times.
package enum MonotonicClock {
    /// Nanoseconds since a fixed moment of this boot; never goes back.
    package static func nanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }
}
