/// Philox 4×32-10, a counter-based random number generator. The same (key, counter) gives the same four words on any
/// machine and thread and in any order of calls, so that every random number has an address and no hidden state.
///
/// Ten rounds of `(hi, lo) = multiplier · word` mixing with a Weyl-sequence key; passes BigCrush.
///
/// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011. Checked against the known-answer vectors of its reference library Random123.
public enum Philox {
    @usableFromInline static let multiplier0: UInt32 = 0xD251_1F53
    @usableFromInline static let multiplier1: UInt32 = 0xCD9E_8D57
    @usableFromInline static let weyl0: UInt32 = 0x9E37_79B9
    @usableFromInline static let weyl1: UInt32 = 0xBB67_AE85

    /// Returns four random words at `counter` under `key`.
    @inlinable @inline(__always)
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k0 = key.x, k1 = key.y
        for round in 0..<10 {
            if round > 0 {
                k0 &+= weyl0
                k1 &+= weyl1
            }
            let p0 = UInt64(multiplier0) &* UInt64(c.x)
            let p1 = UInt64(multiplier1) &* UInt64(c.z)
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c.y ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c.w ^ k1, UInt32(truncatingIfNeeded: p0))
        }
        return c
    }
}

/// The purpose of a random number. The raw value is part of its address: never reuse or renumber one.
public enum RandomPurpose: UInt32, Sendable {
    /// Initial weights.
    case initialization = 1
    /// The sample order of an epoch.
    case shuffle = 2
    /// Random distortions of samples.
    case augmentation = 3
    /// Dropout masks.
    case dropout = 4
    /// Splits of samples, such as training and validation.
    case split = 5
    /// Bootstrap resamples.
    case bootstrap = 6
    /// Tests and examples.
    case test = 7
    /// Starting vectors of principal axes.
    case principalAxes = 16
    /// Image corruptions.
    case corruption = 17
    /// Partners of mixed images.
    case mixing = 18
    /// Composed lines of text.
    case lines = 19
    /// Trials of a parameter search.
    case sweep = 24
}

/// The address of a random number: a seed, a purpose, and three coordinates whose meaning depends on the purpose.
///
/// | purpose | `major` | `minor` | `stream` |
/// |---|---|---|---|
/// | initialization | 0 | 0 | parameter tensor |
/// | shuffle, split | epoch, 0 | 0; folds: 1; two sets compared: 2 | 0, class or set |
/// | augmentation | epoch | sample index in the data set | 0, or adjustment from 1 |
/// | mixing | epoch | sample index in the data set | 0 |
/// | lines | epoch | line, or batch | 0 a line, 1 a batch's width |
/// | dropout | step | sample index in the batch | layer |
/// | bootstrap | resample | 0 | 0 |
/// | principalAxes | 0 | 0 | 0 |
/// | sweep | attempt | 0 | parameter |
/// | corruption | kind | sample index in the data set | 0 |
///
/// The Philox counter is `(draw, minor, major, purpose · 2^24 + stream)`, its key the 64-bit seed.
public struct RandomAddress: Sendable, Hashable {
    /// The seed of the run.
    public var seed: UInt64
    /// The purpose of the number.
    public var purpose: RandomPurpose
    /// The coordinate `major`; see the table.
    public var major: UInt32
    /// The coordinate `minor`; see the table.
    public var minor: UInt32
    /// The coordinate `stream`, below 2^24; see the table.
    public var stream: UInt32

    /// Creates an address; see the table for the meaning of the coordinates.
    @inlinable
    public init(seed: UInt64, purpose: RandomPurpose, major: UInt32 = 0, minor: UInt32 = 0, stream: UInt32 = 0) {
        precondition(stream < 1 << 24, "RandomAddress: stream must be below 2^24")
        self.seed = seed
        self.purpose = purpose
        self.major = major
        self.minor = minor
        self.stream = stream
    }

    /// The Philox key: the seed.
    @inlinable
    public var key: SIMD2<UInt32> {
        SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    /// The fourth counter word: purpose and stream.
    @inlinable
    public var domain: UInt32 { purpose.rawValue << 24 | stream }

    /// Returns the four words of draw `index`.
    @inlinable
    public func block(_ index: UInt32) -> SIMD4<UInt32> {
        Philox.block(counter: SIMD4(index, minor, major, domain), key: key)
    }
}

/// The sequence of draws at one address: a cheap value, created where it is needed and then discarded.
public struct RandomStream: RandomNumberGenerator, Sendable {
    @usableFromInline let address: RandomAddress
    @usableFromInline var blockIndex: UInt32 = 0
    @usableFromInline var words = SIMD4<UInt32>()
    @usableFromInline var used = 4

    /// Creates a stream that starts at the address's first draw.
    @inlinable
    public init(_ address: RandomAddress) { self.address = address }

    /// Returns 32 random bits.
    @inlinable
    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = address.block(blockIndex)
            blockIndex &+= 1
            used = 0
        }
        defer { used += 1 }
        return words[used]
    }

    /// Returns 64 random bits (`RandomNumberGenerator`).
    @inlinable
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// Returns a uniform number in [0, 1), a multiple of 2^-24.
    @inlinable
    public mutating func uniform() -> Float { Float(nextWord() >> 8) * 0x1p-24 }

    /// Returns a uniform number in [`range.lowerBound`, `range.upperBound`]; the bounds may be equal.
    @inlinable
    public mutating func uniform(in range: ClosedRange<Float>) -> Float {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// Returns a uniform integer in 0..<`bound`, without bias (Lemire, "Fast random integer generation in an interval",
    /// 2019).
    @inlinable
    public mutating func integer(below bound: Int) -> Int {
        precondition(bound > 0 && bound <= Int(UInt32.max), "RandomStream: bound must be in 1..<2^32")
        let n = UInt32(bound)
        var product = UInt64(nextWord()) * UInt64(n)
        if UInt32(truncatingIfNeeded: product) < n {
            let threshold = (0 &- n) % n
            while UInt32(truncatingIfNeeded: product) < threshold { product = UInt64(nextWord()) * UInt64(n) }
        }
        return Int(product >> 32)
    }

    /// Returns a random permutation of 0..<`count` (Fisher–Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, integer(below: last + 1)) }
        return order
    }
}
