import Tensors
import Testing

@testable import Kernels

@Suite struct RowProductTests {
    /// Numbers of few bits: every sum is exact in Float, so that the products must be equal, not near.
    private static func buffer(_ count: Int, _ seed: Int) -> AlignedBuffer<Float> {
        let buffer = AlignedBuffer<Float>(count: count)
        for i in 0..<count { buffer[i] = Float((i * 37 + seed * 11) % 31 - 15) / 8 }
        return buffer
    }

    static let instructions = RowProduct.Instructions.allCases.filter(\.isAvailable)

    @Test(
        "Products are exact on exact numbers, of any extents, A stored either way, overwriting or adding",
        arguments: instructions)
    func exact(_ instructions: RowProduct.Instructions) {
        for (m, n, k) in [
            (1, 16, 1), (2, 17, 3), (3, 32, 5), (4, 33, 64), (5, 48, 7), (6, 24, 9), (7, 40, 16), (12, 64, 33),
            (13, 96, 2), (25, 64, 3), (35, 16, 4),
        ] {
            let b = Self.buffer(k * n, 2)
            for isTransposed in [false, true] {
                let a = Self.buffer(m * k, 1)
                func element(_ i: Int, _ l: Int) -> Double { Double(isTransposed ? a[l * m + i] : a[i * k + l]) }
                for adding in n.isMultiple(of: 16) ? [false, true] : [false] {
                    let c = Self.buffer(m * n + 8, 3), before = Self.buffer(m * n + 8, 3)
                    RowProduct.multiply(
                        m: m, n: n, k: k,
                        a: .init(pointer: a.pointer, row: isTransposed ? 1 : k, step: isTransposed ? m : 1),
                        b: b.pointer, c: c.pointer, adding: adding, by: instructions)
                    for i in 0..<m {
                        for j in 0..<n {
                            let sum = (0..<k).reduce(adding ? Double(before[i * n + j]) : 0) {
                                $0 + element(i, $1) * Double(b[$1 * n + j])
                            }
                            #expect(Double(c[i * n + j]) == sum, "\(m)·\(n)·\(k) at \(i), \(j)")
                        }
                    }
                    // Nothing beyond.
                    for i in (m * n)..<(m * n + 8) { #expect(c[i] == before[i]) }
                }
            }
        }
    }

    @Test("A row's bits depend neither on the other rows nor on the instructions", arguments: instructions)
    func rows(_ instructions: RowProduct.Instructions) {
        let (n, k) = (80, 50)
        let a = AlignedBuffer<Float>(count: 11 * k), b = AlignedBuffer<Float>(count: k * n)
        for i in 0..<a.count { a[i] = Float(i % 97) / 31 - 1.3 }
        for i in 0..<b.count { b[i] = Float(i % 89) / 17 - 2.1 }
        let whole = AlignedBuffer<Float>(count: 11 * n), one = AlignedBuffer<Float>(count: n)
        RowProduct.multiply(
            m: 11, n: n, k: k, a: .init(pointer: a.pointer, row: k, step: 1), b: b.pointer, c: whole.pointer,
            by: instructions)
        for row in 0..<11 {
            RowProduct.multiply(
                m: 1, n: n, k: k, a: .init(pointer: a.pointer + row * k, row: k, step: 1), b: b.pointer, c: one.pointer)
            #expect((0..<n).allSatisfy { one[$0] == whole[row * n + $0] })
        }
    }
}
