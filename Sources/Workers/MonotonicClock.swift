#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The clock for measurements within a step: cheap enough (about 25 ns per call on Linux) to be read thousands of
/// times.
package enum MonotonicClock {
    /// Nanoseconds since a fixed point in time of this boot; never decreases.
    package static func nanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }
}
