import Kernels
import TestSupport
import Testing

@Suite("Direct convolution")
struct DirectConvolutionTests {
    /// Every odd extent, stride and padding with few channels; filters that are, and are not, a multiple of 16.
    static let shapes: [ReferenceConvolution] = {
        var shapes: [ReferenceConvolution] = []
        let paddings = [(1, 1), (0, 0), (2, 2), (0, 1), (3, 0), (-1, 1), (0, -1)]
        let kernels = [(3, 3), (5, 5), (1, 3), (2, 1), (4, 2)], extents = [(28, 28), (5, 7), (1, 9), (12, 6), (6, 2)]
        for (index, (height, width)) in extents.enumerated() {
            for (other, kernel) in kernels.enumerated() {
                let channels = kernel.0 * kernel.1 > 15 ? 1 : 1 + (index + other) % 3
                var g = ReferenceConvolution(
                    height, width, channels, kernel: kernel, filters: [16, 24, 32, 48, 17][(index + other) % 5])
                (g.top, g.bottom) = paddings[(index + 2 * other) % paddings.count]
                (g.left, g.right) = paddings[(2 * index + other) % paddings.count]
                (g.strideHeight, g.strideWidth) = [(1, 1), (2, 2), (1, 3)][(index * 5 + other) % 3]
                if g.height + g.top + g.bottom >= kernel.0 && g.width + g.left + g.right >= kernel.1 {
                    shapes.append(g)
                }
            }
        }
        return shapes
    }()

    @Test("exact integers: equal to the direct loops bit for bit, nothing else written", arguments: shapes.indices)
    func exact(_ index: Int) {
        let reference = Self.shapes[index], g = reference.geometry
        let direct = DirectConvolution(g)
        var data = TestData(UInt64(index))
        let x = data.integers(g.inputCount, limit: 3), w = data.integers(g.weightCount, limit: 3)
        let bias = data.integers(g.filters, limit: 9), dy = data.integers(g.outputCount, limit: 3)
        let before = data.integers(g.weightCount, limit: 9)
        let xs = GuardedFloats(x.map { Float($0) }), ws = GuardedFloats(w.map { Float($0) })
        let bs = GuardedFloats(bias.map { Float($0) }), dys = GuardedFloats(dy.map { Float($0) })
        let y = GuardedFloats(count: g.outputCount), clamped = GuardedFloats(count: g.outputCount)
        let dw = GuardedFloats(count: g.weightCount), added = GuardedFloats(before.map { Float($0) })
        let scratch = GuardedFloats(count: direct.scratchFloats)
        direct.forward(x: xs.pointer, w: ws.pointer, bias: nil, y: y.pointer, scratch: scratch.pointer)
        direct.forward(
            x: xs.pointer, w: ws.pointer, bias: UnsafePointer(bs.pointer), relu: true, y: clamped.pointer,
            scratch: scratch.pointer)
        direct.weightGradient(
            x: xs.pointer, dy: dys.pointer, dw: dw.pointer, accumulate: false, scratch: scratch.pointer)
        direct.weightGradient(
            x: xs.pointer, dy: dys.pointer, dw: added.pointer, accumulate: true, scratch: scratch.pointer)
        let back = reference.backward(x: x, w: w, dy: dy)
        #expect(y.values == reference.forward(x: x, w: w).map { Float($0) }, "\(reference)")
        #expect(
            clamped.values == reference.forward(x: x, w: w, bias: bias).map { Float(max($0, 0)) }, "\(reference)")
        #expect(dw.values == back.dw.map { Float($0) }, "\(reference)")
        #expect(added.values == zip(back.dw, before).map { Float($0 + $1) }, "\(reference)")
        let isIntact = [xs, ws, bs, dys, y, clamped, dw, added, scratch].allSatisfy(\.isIntact)
        #expect(isIntact, "\(reference)")
    }

    @Test("who is eligible")
    func eligibility() {
        func eligible(_ change: (inout ReferenceConvolution) -> Void) -> Bool {
            var g = ReferenceConvolution(9, 9, 1, kernel: (3, 3), filters: 32)
            change(&g)
            return DirectConvolution.isEligible(g.geometry)
        }
        #expect(eligible { _ in } && eligible { $0.channels = 3 } && eligible { $0.filters = 17 })
        #expect(!eligible { $0.channels = 4 } && !eligible { $0.filters = 15 } && !eligible { $0.filters = 40 })
        #expect(!eligible { $0.dilationWidth = 2 })
    }
}
