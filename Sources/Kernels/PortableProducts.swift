import Tensors

#if NUMERAL_PORTABLE
    /// Unfused products for portable builds, which cannot assume fused multiply-add instructions: each lane would be a
    /// call into the C library, about 30 ns. A product and a sum replace it, which rounds twice.
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
