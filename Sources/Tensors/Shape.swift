/// The extents of one sample, outermost first: `[H, W, C]` for an image, `[C]` for a vector.
///
/// An activation of `N` samples is the row-major matrix `[N·H·W, C]`; the batch axis is never part of a `Shape`.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
    /// The extents, each at least 1.
    public let dimensions: [Int]

    /// Creates a shape.
    /// - Precondition: there is at least one extent, every extent is positive, and their product fits in an `Int32`
    ///   (BLAS counts in 32 bits). Pass untrusted extents to ``init(checking:)``.
    public init(_ dimensions: [Int]) {
        guard let shape = Shape(checking: dimensions) else {
            preconditionFailure("Shape needs positive extents whose product is below 2^31, received \(dimensions)")
        }
        self = shape
    }

    /// Creates a shape, or returns `nil` if there is no extent, an extent is not positive, or the product exceeds 2^31
    /// − 1.
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

    /// The number of elements in one sample, the product of all extents.
    public var count: Int { dimensions.reduce(1, *) }
    /// The last extent: the number of columns of the activation matrix.
    public var channels: Int { dimensions[dimensions.count - 1] }
    /// The number of rows one sample takes in the activation matrix, `count / channels`.
    public var rows: Int { count / channels }
    /// Whether this is `[H, W, C]`.
    public var isImage: Bool { dimensions.count == 3 }
    /// The height `H` of an image; 1 for a vector.
    public var height: Int { isImage ? dimensions[0] : 1 }
    /// The width `W` of an image; 1 for a vector.
    public var width: Int { isImage ? dimensions[1] : 1 }

    /// The extents joined by `×`, such as `28×28×1`.
    public var description: String { dimensions.map(String.init).joined(separator: "×") }
}
