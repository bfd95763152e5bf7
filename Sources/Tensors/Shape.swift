/// The extents of one sample, outermost first: `[H, W, C]` for an image, `[C]` for a vector.
///
/// An activation of `N` samples is the row-major matrix `[N·H·W, C]`; the batch axis is never part of a `Shape`.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
    /// The extents, each at least 1.
    public let dimensions: [Int]

    /// - Precondition: every extent is positive, there is at least one, and their product fits in an `Int32`
    ///   (BLAS counts in 32 bits). Untrusted extents go through ``init(checking:)``.
    public init(_ dimensions: [Int]) {
        guard let shape = Shape(checking: dimensions) else {
            preconditionFailure("Shape needs positive extents whose product is below 2^31, received \(dimensions)")
        }
        self = shape
    }

    /// `nil` where an extent is not positive or the product passes 2^31 − 1.
    public init?(checking dimensions: [Int]) {
        guard !dimensions.isEmpty else { return nil }
        var product = 1
        for extent in dimensions {
            guard extent > 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow, next <= Int(Int32.max) else { return nil }
            product = next
        }
        self.dimensions = dimensions
    }

    /// The product of all extents: elements in one sample.
    public var count: Int { dimensions.reduce(1, *) }
    /// The last extent: columns of the activation matrix.
    public var channels: Int { dimensions[dimensions.count - 1] }
    /// Rows one sample takes in the activation matrix, `count / channels`.
    public var rows: Int { count / channels }
    /// Whether this is `[H, W, C]`.
    public var isImage: Bool { dimensions.count == 3 }
    /// `H` of an image, 1 of a vector.
    public var height: Int { isImage ? dimensions[0] : 1 }
    /// `W` of an image, 1 of a vector.
    public var width: Int { isImage ? dimensions[1] : 1 }

    /// `28×28×1`.
    public var description: String { dimensions.map(String.init).joined(separator: "×") }
}
