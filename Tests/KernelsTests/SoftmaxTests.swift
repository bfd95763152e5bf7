import Kernels
import Tensors
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

    @Test("cross-entropy of two classes and its gradient against Double", arguments: [2, 10], [0.0, 0.1])
    func mixedCrossEntropy(_ columns: Int, _ smoothing: Double) {
        var data = TestData(UInt64(columns))
        for (label, other, share) in [(0, columns - 1, 0.3), (1, 0, 0.9), (1, 1, 0.6), (0, 1, 0.0)]
            as [(Int, Int, Float)]
        {
            let z = data.doubles(columns, in: -9...9)
            let pz = GuardedFloats(z), dz = GuardedFloats(count: columns)
            let loss = SoftmaxKernels.crossEntropy(
                pz.pointer, columns: columns, label: label, other: other, share: share, smoothing: Float(smoothing),
                weight: 0.25, dz: dz.pointer)
            let s = Double(Float(smoothing)), l = Double(share)
            let targets = [label, other].map { Reference.target(label: $0, classes: columns, smoothing: s) }
            let target = zip(targets[0], targets[1]).map { l * $0 + (1 - l) * $1 }
            let p = Reference.softmax(z, columns: columns)
            let exact = -zip(target, p).reduce(0) { $0 + $1.0 * logarithm($1.1) }
            #expect(abs(loss - exact) <= 8 * unitRoundoff * (20 + exact))
            let gradient = zip(p, target).map { 0.25 * ($0 - $1) }
            #expect(zip(dz.values, gradient).allSatisfy { abs(Double($0) - $1) <= 8 * unitRoundoff })
            #expect(dz.isIntact)
        }
    }

    @Test("distillation's part of loss and gradient against Double", arguments: [1.0, 3.0], [3, 10])
    func distillation(_ temperature: Double, _ columns: Int) {
        var data = TestData(UInt64(columns) + 50)
        let z = data.doubles(columns, in: -6...6), teacher = data.doubles(columns, in: -6...6)
        let q = Reference.softmax(teacher.map { $0 / temperature }, columns: columns)
        let pz = GuardedFloats(z), pq = GuardedFloats(q), dz = GuardedFloats([Double](repeating: 0.5, count: columns))
        let loss = SoftmaxKernels.addDistillation(
            pz.pointer, columns: columns, q: pq.pointer, temperature: Float(temperature), weight: 0.75,
            gradientWeight: 0.25, dz: dz.pointer)
        func divergence(_ z: [Double]) -> Double {
            let p = Reference.softmax(z.map { $0 / temperature }, columns: columns)
            return temperature * temperature * zip(q, p).reduce(0) { $0 + $1.0 * logarithm($1.0 / $1.1) }
        }
        #expect(abs(loss - 0.75 * divergence(z)) < 1e-5)
        // By central differences, beside what stood there.
        let gradient = dz.values.map { (Double($0) - 0.5) / 0.25 }
        #expect(gradientError(at: z, gradient: gradient, of: divergence) < 2e-4)
        #expect(dz.isIntact && pq.isIntact)
        // A student that says the same has nothing to learn.
        let same = GuardedFloats(teacher), none = GuardedFloats([Double](repeating: 0, count: columns))
        let rest = SoftmaxKernels.addDistillation(
            same.pointer, columns: columns, q: pq.pointer, temperature: Float(temperature), weight: 1,
            gradientWeight: 1, dz: none.pointer)
        #expect(abs(rest) < 1e-5 && none.values.allSatisfy { abs($0) < 1e-5 })
    }

    @Test("softened probabilities add up")
    func softened() {
        var data = TestData(5)
        let (rows, columns) = (4, 6)
        let logits = (0..<3).map { _ in data.floats(rows * columns, in: -8...8) }
        let sum = AlignedBuffer([Float](repeating: .nan, count: rows * columns))
        for (index, z) in logits.enumerated() {
            SoftmaxKernels.addSoftened(
                AlignedBuffer(z), rows: rows, columns: columns, temperature: 2.5, share: 1 / 3, keeps: index > 0,
                sum: sum)
        }
        let each = logits.map { Reference.softmax($0.map { Double($0) / 2.5 }, columns: columns) }
        let mean = (0..<rows * columns).map { i in each.reduce(0) { $0 + $1[i] } / 3 }
        #expect(relativeDistance(sum.array, mean) < 1e-6)
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
            let z = GuardedFloats(row)
            // A temporary would be gone before its floats are read.
            withExtendedLifetime(z) {
                #expect(SoftmaxKernels.argmax(z.pointer, columns: row.count) == best)
            }
        }
    }
}
