import Kernels
import TestSupport
import Testing

@Suite("Softmax and cross-entropy")
struct SoftmaxTests {
    @Test("forward and gradient against Double", arguments: [1, 2, 10, 17, 62])
    func passes(_ columns: Int) {
        var data = TestData(UInt64(columns))
        let rows = 5
        let z = data.doubles(rows * columns, in: -9...9), dp = data.doubles(rows * columns)
        let pz = GuardedFloats(z), p = GuardedFloats(count: z.count)
        SoftmaxKernels.forward(pz.pointer, rows: rows, columns: columns, p: p.pointer)
        let exact = Reference.softmax(z, columns: columns)
        #expect(sumExcess(p.values, exact, length: columns, terms: exact.map { 4 * $0 }) <= 1)
        let pdp = GuardedFloats(dp), dz = GuardedFloats(count: z.count)
        SoftmaxKernels.backward(dp: pdp.pointer, p: p.pointer, rows: rows, columns: columns, dz: dz.pointer)
        let gradient = Reference.softmaxGradient(p: exact, dp: dp, columns: columns)
        #expect(sumExcess(dz.values, gradient, length: columns, terms: exact.map { 4 * $0 }) <= 1)
        SoftmaxKernels.forward(pz.pointer, rows: rows, columns: columns, p: pz.pointer)
        #expect(pz.values == p.values && pz.isIntact && p.isIntact && dz.isIntact)
    }

    @Test("cross-entropy and its gradient against Double", arguments: [2, 10, 33], [0.0, 0.1])
    func crossEntropy(_ columns: Int, _ smoothing: Double) {
        var data = TestData(UInt64(columns))
        for label in [0, columns - 1] {
            let z = data.doubles(columns, in: -9...9)
            let pz = GuardedFloats(z), dz = GuardedFloats(count: columns)
            let loss = SoftmaxKernels.crossEntropy(
                pz.pointer, columns: columns, label: label, smoothing: Float(smoothing), weight: 0.25, dz: dz.pointer)
            let s = Double(Float(smoothing))
            let exact = Reference.crossEntropy(z, label: label, smoothing: s)
            #expect(abs(loss - exact) <= 8 * unitRoundoff * (1 + exact))
            let target = Reference.target(label: label, classes: columns, smoothing: s)
            let gradient = zip(Reference.softmax(z, columns: columns), target).map { 0.25 * ($0 - $1) }
            #expect(relativeDistance(dz.values, gradient) <= 8 * unitRoundoff)
            #expect(dz.isIntact)
            let again = SoftmaxKernels.crossEntropy(
                pz.pointer, columns: columns, label: label, smoothing: Float(smoothing), weight: 1, dz: nil)
            #expect(again == loss)
        }
    }

    @Test(
        "logits as large as Float holds give finite losses and gradients",
        arguments: [
            [0, 1e4, -1e4],
            [3e38, -3e38, 0], [-3e38, -3e38, -3e38], [80, 90, 100],
        ], [0.0, 0.1])
    func largeLogits(_ z: [Float], _ smoothing: Float) {
        let pz = GuardedFloats(z), p = GuardedFloats(count: 3), dz = GuardedFloats(count: 3)
        SoftmaxKernels.forward(pz.pointer, rows: 1, columns: 3, p: p.pointer)
        #expect(relativeDistance(p.values, Reference.softmax(z.doubles, columns: 3)) <= 4 * unitRoundoff)
        for label in 0..<3 {
            let loss = SoftmaxKernels.crossEntropy(
                pz.pointer, columns: 3, label: label, smoothing: smoothing, weight: 1, dz: dz.pointer)
            let exact = Reference.crossEntropy(z.doubles, label: label, smoothing: Double(smoothing))
            #expect(loss.isFinite && abs(loss - exact) <= 1e-6 * (1 + abs(exact)), "label \(label)")
            #expect(dz.values.allSatisfy { $0.isFinite })
        }
    }

    @Test("argmax takes the first of equals and NaN before all")
    func argmax() {
        let rows: [([Float], Int)] = [
            ([1, 3, 3, 2], 1), ([5, 1, 5], 0), ([-2, -1, -3], 1), ([1, .nan, 9], 1), ([.nan, .nan], 0), ([4], 0),
            ([-.infinity, -.infinity], 0),
        ]
        for (row, best) in rows {
            #expect(SoftmaxKernels.argmax(GuardedFloats(row).pointer, columns: row.count) == best)
        }
    }
}
