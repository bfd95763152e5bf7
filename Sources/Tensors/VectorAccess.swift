/// Sixteen floats: one AVX-512 register, two AVX registers or four NEON registers.
package typealias Float16Lanes = SIMD16<Float>

// Unaligned vector loads and stores. Debug builds inline only `@inlinable` code across modules.
extension UnsafePointer where Pointee == Float {
    /// Returns the 16 floats from element `index` on.
    @inlinable @inline(__always)
    public func lanes(_ index: Int) -> SIMD16<Float> {
        UnsafeRawPointer(self).loadUnaligned(fromByteOffset: index &* 4, as: SIMD16<Float>.self)
    }
}

extension UnsafeMutablePointer where Pointee == Float {
    /// Returns the 16 floats from element `index` on.
    @inlinable @inline(__always)
    public func lanes(_ index: Int) -> SIMD16<Float> {
        UnsafeRawPointer(self).loadUnaligned(fromByteOffset: index &* 4, as: SIMD16<Float>.self)
    }

    /// Stores 16 floats from element `index` on.
    @inlinable @inline(__always)
    public func setLanes(_ index: Int, _ value: SIMD16<Float>) {
        UnsafeMutableRawPointer(self).storeBytes(of: value, toByteOffset: index &* 4, as: SIMD16<Float>.self)
    }
}
