import Kernels
import TestSupport
import Testing

@Suite("Shifted views")
struct ShiftedConvolutionTests {
    static let shapes = ReferenceConvolution.oddShapes(160, seed: 77).filter {
        ShiftedConvolution.isEligible($0.geometry)
    }

    @Test(
        "exact integers: equal to the direct loops bit for bit in tiles of any size, nothing else written",
        arguments: [1, 3, 8, 1000])
    func exact(_ tileRows: Int) {
        #expect(Self.shapes.count > 40)
        for (index, reference) in Self.shapes.enumerated() {
            let g = reference.geometry, shifted = ShiftedConvolution(g)
            var data = TestData(UInt64(index))
            let x = data.integers(g.inputCount, limit: 3), w = data.integers(g.weightCount, limit: 3)
            let bias = data.integers(g.filters, limit: 9), dy = data.integers(g.outputCount, limit: 3)
            let before = data.integers(g.weightCount, limit: 9)
            let xs = GuardedFloats(x.map { Float($0) }), ws = GuardedFloats(w.map { Float($0) })
            let bs = GuardedFloats(bias.map { Float($0) }), dys = GuardedFloats(dy.map { Float($0) })
            let y = GuardedFloats(count: g.outputCount), clamped = GuardedFloats(count: g.outputCount)
            let dw = GuardedFloats(count: g.weightCount), added = GuardedFloats(before.map { Float($0) })
            let scratch = GuardedFloats(count: shifted.scratchFloats(tileRows: tileRows))
            var seen = 0
            shifted.forward(
                tileRows: tileRows, x: xs.pointer, w: ws.pointer, bias: nil, y: y.pointer, scratch: scratch.pointer
            ) { rows, tile in
                // Finished rows come in order, each once.
                #expect(tile == y.pointer + seen * g.filters)
                seen += rows
            }
            shifted.forward(
                tileRows: tileRows, x: xs.pointer, w: ws.pointer, bias: UnsafePointer(bs.pointer), relu: true,
                y: clamped.pointer, scratch: scratch.pointer)
            shifted.weightGradient(
                tileRows: tileRows, x: xs.pointer, dy: dys.pointer, dw: dw.pointer, accumulate: false,
                scratch: scratch.pointer)
            shifted.weightGradient(
                tileRows: tileRows, x: xs.pointer, dy: dys.pointer, dw: added.pointer, accumulate: true,
                scratch: scratch.pointer)
            let back = reference.backward(x: x, w: w, dy: dy)
            #expect(seen == g.outRows)
            #expect(y.values == reference.forward(x: x, w: w).map { Float($0) }, "\(reference)")
            #expect(
                clamped.values == reference.forward(x: x, w: w, bias: bias).map { Float(max($0, 0)) }, "\(reference)")
            #expect(dw.values == back.dw.map { Float($0) }, "\(reference)")
            #expect(added.values == zip(back.dw, before).map { Float($0 + $1) }, "\(reference)")
            let isIntact = [xs, ws, bs, dys, y, clamped, dw, added, scratch].allSatisfy(\.isIntact)
            #expect(isIntact, "\(reference)")
        }
    }

    @Test("strides and 1×1 kernels are not eligible")
    func eligibility() {
        func eligible(_ change: (inout ReferenceConvolution) -> Void) -> Bool {
            var g = ReferenceConvolution(9, 9, 2, kernel: (3, 3), filters: 5)
            change(&g)
            return ShiftedConvolution.isEligible(g.geometry)
        }
        #expect(eligible { _ in } && eligible { $0.dilationHeight = 2 } && eligible { $0.kernelHeight = 1 })
        #expect(!eligible { $0.strideHeight = 2 } && !eligible { ($0.kernelHeight, $0.kernelWidth) = (1, 1) })
    }
}
