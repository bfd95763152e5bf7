/// A fixed-size buffer of trivial elements, aligned to 64 bytes (a cache line, an AVX-512 register) and
/// zero-initialized.
///
/// The only owner of numeric memory. `Kernels` and the executor use its `pointer`; all other code uses the
/// bounds-checked subscript or ``withSpan(_:)``.
///
/// Sendable by contract, not checked by the compiler: threads that write to one buffer must write to disjoint parts, as
/// the executor's shards do.
///
/// Public for performance, like the random number generators of this module: Swift 6.3 does not inline members of a
/// `package` type into another module, `@inlinable` or not. Numeral does not re-export these types.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The first element. Valid for the lifetime of the buffer.
    public let pointer: UnsafeMutablePointer<Element>
    /// The number of elements.
    public let count: Int

    /// Creates a buffer of `count` zeros.
    /// - Precondition: `count ≥ 0` and the bytes fit in an `Int`.
    public init(count: Int) {
        precondition(count >= 0, "AlignedBuffer: count must not be negative, received \(count)")
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow, "AlignedBuffer: \(count) elements do not fit in memory")
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 64), alignment: 64)
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: max(bytes, 64))
        self.pointer = raw.bindMemory(to: Element.self, capacity: count)
        self.count = count
    }

    /// Creates a copy of `elements`.
    public convenience init(_ elements: some Collection<Element>) {
        self.init(count: elements.count)
        for (index, element) in elements.enumerated() { pointer[index] = element }
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    @inlinable
    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "AlignedBuffer: index out of range")
            return pointer[index]
        }
        set {
            precondition(index >= 0 && index < count, "AlignedBuffer: index out of range")
            pointer[index] = newValue
        }
    }

    /// A copy of the elements as an array.
    public var array: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// Copies the elements of `source` into this buffer.
    /// - Precondition: equal counts.
    public func copy(from source: AlignedBuffer<Element>) {
        precondition(source.count == count, "AlignedBuffer: cannot copy \(source.count) elements over \(count)")
        pointer.update(from: source.pointer, count: count)
    }

    /// Calls `body` with a safe, bounds-checked mutable view of `range`.
    @inlinable
    public func withMutableSpan<Result>(
        _ range: Range<Int>, _ body: (inout MutableSpan<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "AlignedBuffer: range out of bounds")
        var span = MutableSpan(_unsafeStart: pointer + range.lowerBound, count: range.count)
        return try body(&span)
    }

    /// Calls `body` with a safe, bounds-checked view of `range`.
    @inlinable
    public func withSpan<Result>(_ range: Range<Int>, _ body: (Span<Element>) throws -> Result) rethrows -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "AlignedBuffer: range out of bounds")
        return try body(Span(_unsafeStart: UnsafePointer(pointer) + range.lowerBound, count: range.count))
    }
}

extension AlignedBuffer where Element: AdditiveArithmetic {
    /// Sets every element to zero.
    public func zero() { pointer.update(repeating: .zero, count: count) }
}

extension AlignedBuffer where Element == Float {
    /// The FNV-1a hash of the elements' bit patterns, one word per element: different buffers have different
    /// fingerprints except by rare chance. Not a cryptographic digest. (Fowler, Noll, Vo; RFC 9923.)
    package var fingerprint: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<count { hash = (hash ^ UInt64(pointer[index].bitPattern)) &* 0x100_0000_01b3 }
        return hash
    }
}
