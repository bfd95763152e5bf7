import Kernels
import TestSupport
import Testing

@Suite("Convolution kernels")
struct ConvolutionTests {
    @Test("exact integers: im2col at every tile size equals the direct loops, bit for bit", arguments: 0..<8)
    func exact(_ part: Int) {
        for g in ReferenceConvolution.oddShapes(40, seed: UInt64(part)) {
            var data = TestData(UInt64(100 + part))
            let x = data.integers(g.inputCount, limit: 3), w = data.integers(g.weightCount, limit: 3)
            let bias = data.integers(g.filters, limit: 9), dy = data.integers(g.outputCount, limit: 3)
            let before = data.integers(g.weightCount, limit: 9)
            let y = g.forward(x: x, w: w, bias: bias).map { Float($0) }
            let back = g.backward(x: x, w: w, dy: dy)
            let dx = back.dx.map { Float($0) }, dw = back.dw.map { Float($0) }
            let added = zip(back.dw, before).map { Float($0 + $1) }
            let rows = g.outHeight * g.outWidth
            var failures: [String] = []
            for tile in Array(1...min(rows, 24)) + [rows, rows + 5] {
                let trial = ConvolutionTrial(
                    g, tileRows: tile, x: x.map { Float($0) }, w: w.map { Float($0) }, bias: bias.map { Float($0) },
                    dy: dy.map { Float($0) })
                if trial.y != y { failures.append("forward, tile \(tile)") }
                if trial.dw != dw { failures.append("weight gradient, tile \(tile)") }
                if trial.dx != dx { failures.append("input gradient, tile \(tile)") }
                if !trial.isIntact { failures.append("writes outside, tile \(tile)") }
                if trial.rowsSeen != rows { failures.append("rows seen, tile \(tile)") }
            }
            let more = ConvolutionTrial(
                g, tileRows: 3, x: x.map { Float($0) }, w: w.map { Float($0) }, bias: nil,
                dy: dy.map { Float($0) }, dwBefore: before.map { Float($0) })
            if more.dw != added { failures.append("weight gradient added to another") }
            if more.y != g.forward(x: x, w: w).map({ Float($0) }) { failures.append("forward without bias") }
            #expect(failures.isEmpty, "\(g)")
        }
    }

    @Test("floats: within (4 + 2√K)·2^-24·Σ|terms| of Double", arguments: 0..<4)
    func floats(_ part: Int) {
        for g in ReferenceConvolution.oddShapes(25, seed: UInt64(200 + part)) {
            var data = TestData(UInt64(300 + part))
            let x = data.doubles(g.inputCount), w = data.doubles(g.weightCount)
            let bias = data.doubles(g.filters), dy = data.doubles(g.outputCount)
            let tile = TileTable.rows(n: g.filters, k: g.geometry.depth, available: g.outHeight * g.outWidth)
            let trial = ConvolutionTrial(
                g, tileRows: tile, x: x.floats, w: w.floats, bias: bias.floats, dy: dy.floats)
            let exact = g.forward(x: x, w: w, bias: bias), back = g.backward(x: x, w: w, dy: dy)
            let terms = g.forward(x: x.magnitudes, w: w.magnitudes, bias: bias.magnitudes)
            let backTerms = g.backward(x: x.magnitudes, w: w.magnitudes, dy: dy.magnitudes)
            let taps = g.kernelHeight * g.kernelWidth
            #expect(sumExcess(trial.y, exact, length: taps * g.channels, terms: terms) <= 1, "\(g)")
            #expect(sumExcess(trial.dx, back.dx, length: taps * g.filters, terms: backTerms.dx) <= 1, "\(g)")
            #expect(
                sumExcess(trial.dw, back.dw, length: g.outHeight * g.outWidth, terms: backTerms.dw) <= 1, "\(g)")
        }
    }

    @Test("the shapes tried are as odd as promised")
    func coverage() {
        let shapes = (0..<8).flatMap { ReferenceConvolution.oddShapes(40, seed: UInt64($0)) }
        #expect(shapes.contains { $0.height == 1 && $0.width == 1 })
        #expect(shapes.contains { $0.kernelHeight > $0.strideHeight && $0.strideHeight > 1 })
        #expect(shapes.contains { $0.strideHeight > $0.kernelHeight })
        #expect(shapes.contains { $0.dilationWidth > 1 && $0.strideWidth == 1 && $0.kernelWidth > 1 })
        #expect(shapes.contains { $0.top != $0.bottom && $0.top > 0 })
        #expect(shapes.contains { $0.left < 0 } && shapes.contains { $0.right < 0 })
        let backwards = shapes.map(\.geometry).filter(\.hasUnitStride).map(\.inputGradientGeometry)
        #expect(backwards.contains { $0.padTop < 0 && $0.kernelHeight > 1 })
        #expect(shapes.contains { $0.geometry.isPointwise })
        for channels in [1, 3, 5, 16, 17, 24, 33] {
            #expect(shapes.contains { $0.channels == channels } && shapes.contains { $0.filters == channels })
        }
    }

    @Test("multiply-adds, depth and counts of a geometry")
    func counts() {
        let g = ReferenceConvolution(8, 9, 5, kernel: (3, 2), filters: 7).geometry
        #expect(g.depth == 3 * 2 * 5)
        #expect(g.outRows == 6 * 8)
        #expect(g.multiplyAdds == 6 * 8 * 30 * 7)
        #expect(g.weightCount == 30 * 7)
    }

    @Test("a tile is at least one row, at most what there is, and small where it can be")
    func tiles() {
        for n in [1, 3, 10, 32, 64, 256, 1000] {
            for k in [1, 9, 25, 288, 576, 4608, 100_000] {
                for available in [1, 2, 11, 49, 784, 50_176] {
                    let rows = TileTable.rows(n: n, k: k, available: available)
                    #expect(rows >= 1 && rows <= available && rows <= 192)
                    if n * k <= 1_000_000 / 12 { #expect(rows * n * k <= 1_000_000) }
                }
            }
        }
        #expect(TileTable.rows(n: 32, k: 288, available: 784) == 96)
        #expect(TileTable.rows(n: 64, k: 576, available: 196) == 24)
    }
}
