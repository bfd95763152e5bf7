import Tensors

#if NUMERAL_PORTABLE
    /// A build for any processor of its kind cannot count on fused multiply-adds: each lane's would be a call of the C library, some
    /// 30 ns. There a product and a sum stand for it, which round twice.
    extension SIMD16 where Scalar == Float {
        @inline(__always)
        func addingProduct(_ a: Self, _ b: Self) -> Self { self + a * b }

        @inline(__always)
        mutating func addProduct(_ a: Self, _ b: Self) { self += a * b }

        @inline(__always)
        mutating func addProduct(_ a: Self, _ b: Float) { self += a * b }
    }

    extension SIMD8 where Scalar == Float {
        @inline(__always)
        mutating func addProduct(_ a: Self, _ b: Float) { self += a * b }
    }
#endif
