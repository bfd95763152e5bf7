import Tensors

/// Random test data at an address of its own: the same numbers in every run.
package struct TestData {
    private var random: RandomStream

    package init(_ seed: UInt64) { random = RandomStream(RandomAddress(seed: seed, purpose: .test)) }

    /// Uniform in `range`; multiples of 2^-24 of its width, so that Float holds them to rounding.
    package mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in random.uniform(in: range) }
    }

    package mutating func doubles(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Double] {
        floats(count, in: range).map(Double.init)
    }

    /// Uniform in −`limit`…`limit`.
    package mutating func integers(_ count: Int, limit: Int) -> [Int] {
        (0..<count).map { _ in random.integer(below: 2 * limit + 1) - limit }
    }

    package mutating func labels(_ count: Int, classes: Int) -> [Int32] {
        (0..<count).map { _ in Int32(random.integer(below: classes)) }
    }
}

/// Floats between two walls of canaries. Fresh ones hold NaN, so that what reads before it writes shows.
package final class GuardedFloats {
    private let buffer: AlignedBuffer<Float>
    package let count: Int
    private static let wall = 32
    private static let canary = Float(bitPattern: 0x7FC0_BEEF)

    package init(count: Int) {
        self.count = count
        buffer = AlignedBuffer(count: count + 2 * Self.wall)
        for i in 0..<buffer.count { buffer[i] = Self.canary }
    }

    package convenience init(_ values: [Float]) {
        self.init(count: values.count)
        for (i, value) in values.enumerated() { buffer[Self.wall + i] = value }
    }

    package convenience init(_ values: [Double]) { self.init(values.map { Float($0) }) }
    package convenience init(_ values: [Int]) { self.init(values.map { Float($0) }) }

    package var pointer: UnsafeMutablePointer<Float> { buffer.pointer + Self.wall }
    package var values: [Float] { Array(buffer.array[Self.wall..<Self.wall + count]) }

    /// Whether both walls stand.
    package var isIntact: Bool {
        let all = buffer.array
        return (all.prefix(Self.wall) + all.suffix(Self.wall)).allSatisfy { $0.bitPattern == Self.canary.bitPattern }
    }
}

extension Array where Element == Float {
    /// For comparisons in which NaN equals NaN and −0 differs from 0.
    package var bits: [UInt32] { map(\.bitPattern) }
    package var doubles: [Double] { map(Double.init) }
}

extension Array where Element == Double {
    package var floats: [Float] { map { Float($0) } }
    package var magnitudes: [Double] { map(abs) }
}
