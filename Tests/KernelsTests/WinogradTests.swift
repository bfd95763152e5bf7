import Kernels
import TestSupport
import Testing

@Suite("Winograd")
struct WinogradTests {
    /// Extents that are and are not multiples of a tile, channels beside multiples of 16, every kind of padding.
    static let shapes: [ReferenceConvolution] = {
        var shapes: [ReferenceConvolution] = []
        let paddings = [(1, 1), (0, 0), (2, 2), (0, 1), (3, 0), (-1, 1)]
        for (index, (height, width)) in [(3, 3), (4, 8), (5, 7), (14, 14), (1, 9), (12, 6), (28, 5)].enumerated() {
            for (other, (channels, filters)) in [(16, 16), (17, 33), (24, 48), (32, 20)].enumerated() {
                var g = ReferenceConvolution(
                    images: 1 + (index + other) % 3, height, width, channels, kernel: (3, 3), filters: filters)
                (g.top, g.bottom) = paddings[(index + other) % paddings.count]
                (g.left, g.right) = paddings[(index * 2 + other) % paddings.count]
                if g.height + g.top + g.bottom >= 3 && g.width + g.left + g.right >= 3 { shapes.append(g) }
            }
        }
        return shapes
    }()

    /// The same for kernels of one row.
    static let rows: [ReferenceConvolution] = {
        let extents = [(1, 1), (1, 5), (2, 96), (5, 3), (1, 11), (4, 8), (7, 30)]
        let paddings = [(0, 0), (1, 1), (2, 2), (0, 3), (-1, 2), (4, 0)]
        var shapes: [ReferenceConvolution] = []
        for (index, (height, width)) in extents.enumerated() {
            for (other, (channels, filters)) in [(16, 16), (17, 33), (24, 48), (130, 20)].enumerated() {
                var g = ReferenceConvolution(
                    images: 1 + (index + other) % 3, height, width, channels,
                    kernel: (1, (index + other).isMultiple(of: 2) ? 5 : 3), filters: filters)
                (g.left, g.right) = paddings[(index + 2 * other) % paddings.count]
                (g.top, g.bottom) = [(0, 0), (1, 0), (0, 2)][other % 3]
                if g.width + g.left + g.right >= g.kernelWidth { shapes.append(g) }
            }
        }
        return shapes
    }()

    static let all: [(tile: Winograd.Tile, shape: ReferenceConvolution)] =
        [Winograd.Tile.two, .four].flatMap { tile in shapes.map { (tile, $0) } } + rows.map { (.line, $0) }

    /// All three directions through Winograd, every buffer between canaries.
    struct Trial {
        var y, dx, dw: [Float]
        var isIntact: Bool

        init(
            _ reference: ReferenceConvolution, _ tile: Winograd.Tile, x: [Float], w: [Float], bias: [Float], dy: [Float]
        ) {
            let g = reference.geometry, images = reference.images
            let forward = Winograd(g, tile: tile), backward = Winograd(g.inputGradientGeometry, tile: tile)
            let xs = GuardedFloats(x), ws = GuardedFloats(w), bs = GuardedFloats(bias), dys = GuardedFloats(dy)
            let ys = GuardedFloats(count: dy.count), dxs = GuardedFloats(count: x.count)
            let dws = GuardedFloats(count: w.count), flipped = GuardedFloats(count: w.count)
            let u = GuardedFloats(count: forward.weightFloats), v = GuardedFloats(count: backward.weightFloats)
            let du = GuardedFloats(count: forward.weightFloats)
            let scratch = GuardedFloats(
                count: max(forward.scratchFloats(images: images), backward.scratchFloats(images: images)))
            forward.transformWeights(ws.pointer, into: u.pointer)
            forward.forward(
                images: images, x: xs.pointer, u: u.pointer, bias: UnsafePointer(bs.pointer), y: ys.pointer,
                scratch: scratch.pointer)
            Convolution.prepareWeights(g, w: ws.pointer, into: flipped.pointer)
            backward.transformWeights(flipped.pointer, into: v.pointer)
            backward.forward(
                images: images, x: dys.pointer, u: v.pointer, bias: nil, y: dxs.pointer, scratch: scratch.pointer)
            // Image by image, so that accumulation is tried too.
            for image in 0..<images {
                forward.addWeightGradient(
                    images: 1, x: xs.pointer + image * g.inputCount, dy: dys.pointer + image * g.outputCount,
                    du: du.pointer, accumulate: image > 0, scratch: scratch.pointer)
            }
            forward.finishWeightGradient(du.pointer, into: dws.pointer)
            (y, dx, dw) = (ys.values, dxs.values, dws.values)
            isIntact = [xs, ws, bs, dys, ys, dxs, dws, flipped, u, v, du, scratch].allSatisfy(\.isIntact)
        }
    }

    /// F(2×2)'s coefficients are 0, ±½ and ±1: with weights that are multiples of 4 and small integers elsewhere every
    /// number on the way is an integer (or, in the weight gradient, a multiple of ¼) and exact.
    @Test("exact integers: F(2×2) equals the direct loops bit for bit", arguments: shapes.indices)
    func exact(_ index: Int) {
        let g = Self.shapes[index]
        var data = TestData(UInt64(index))
        let x = data.integers(g.inputCount, limit: 3), dy = data.integers(g.outputCount, limit: 3)
        let w = data.integers(g.weightCount, limit: 2).map { 4 * $0 }, bias = data.integers(g.filters, limit: 9)
        let trial = Trial(
            g, .two, x: x.map { Float($0) }, w: w.map { Float($0) }, bias: bias.map { Float($0) },
            dy: dy.map { Float($0) })
        let back = g.backward(x: x, w: w, dy: dy)
        #expect(trial.y == g.forward(x: x, w: w, bias: bias).map { Float($0) }, "\(g)")
        #expect(trial.dx == back.dx.map { Float($0) }, "\(g)")
        #expect(trial.dw == back.dw.map { Float($0) }, "\(g)")
        #expect(trial.isIntact)
    }

    /// The documented bound, against loops in Double.
    @Test("floats: within the documented bound", arguments: all.indices)
    func floats(_ index: Int) {
        let (tile, g) = Self.all[index]
        var data = TestData(UInt64(500 + index))
        let x = data.doubles(g.inputCount), w = data.doubles(g.weightCount)
        let bias = data.doubles(g.filters), dy = data.doubles(g.outputCount)
        let trial = Trial(g, tile, x: x.floats, w: w.floats, bias: bias.floats, dy: dy.floats)
        let exact = g.forward(x: x, w: w, bias: bias), back = g.backward(x: x, w: w, dy: dy)
        let terms = g.forward(x: x.magnitudes, w: w.magnitudes, bias: bias.magnitudes)
        let backTerms = g.backward(x: x.magnitudes, w: w.magnitudes, dy: dy.magnitudes)
        let taps = g.kernelHeight * g.kernelWidth
        // A tile's error is that of its largest sum: the transforms mix its pixels.
        func excess(_ found: [Float], _ exact: [Double], _ length: Int, _ terms: [Double]) -> Double {
            let largest = terms.max() ?? 0
            return sumExcess(found, exact, length: length, terms: terms.map { _ in largest })
        }
        #expect(excess(trial.y, exact, taps * g.channels, terms) <= tile.errorFactor, "\(g)")
        #expect(excess(trial.dx, back.dx, taps * g.filters, backTerms.dx) <= tile.errorFactor, "\(g)")
        let pixels = g.images * g.outHeight * g.outWidth
        #expect(excess(trial.dw, back.dw, pixels, backTerms.dw) <= tile.errorFactor, "\(g)")
        #expect(trial.isIntact)
    }

    @Test("what is not 3×3 (or 1×3, 1×5), stride 1, with 16 channels is not eligible")
    func eligibility() {
        func eligible(_ tile: Winograd.Tile = .four, _ change: (inout ReferenceConvolution) -> Void) -> Bool {
            var g = ReferenceConvolution(9, 9, 16, kernel: (3, 3), filters: 16)
            change(&g)
            return Winograd.isEligible(g.geometry, tile)
        }
        #expect(eligible { _ in })
        #expect(!eligible { $0.channels = 15 } && !eligible { $0.filters = 15 })
        #expect(!eligible { $0.strideWidth = 2 } && !eligible { $0.dilationHeight = 2 })
        #expect(!eligible { $0.kernelHeight = 1 } && !eligible { $0.kernelWidth = 5 })
        #expect(!eligible(.line) { _ in } && eligible(.line) { $0.kernelHeight = 1 })
        for (width, isEligible) in [(1, false), (3, true), (4, false), (5, true), (7, false)] {
            #expect(
                eligible(.line) {
                    $0.kernelHeight = 1
                    $0.kernelWidth = width
                } == isEligible)
        }
        #expect(
            !eligible(.line) {
                $0.kernelHeight = 1
                $0.dilationWidth = 2
            })
    }
}
