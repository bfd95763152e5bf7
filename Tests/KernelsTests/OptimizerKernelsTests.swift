import Kernels
import Tensors
import Testing

@Suite("Optimizer kernels")
struct OptimizerKernelsTests {
    /// Ranges of every length up to 70, off every alignment, with canaries around.
    static let ranges: [Range<Int>] = [0..<0, 3..<4, 0..<16, 1..<16, 5..<22, 7..<39, 2..<50, 9..<79]

    private func numbers() -> [Float] {
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test))
        return (0..<80).map { _ in stream.uniform(in: -4...4) }
    }

    @Test(
        "scale, clamp and average change their range alone, to the same bits as one element at a time",
        arguments: ranges)
    func elementwise(range: Range<Int>) {
        let x = numbers(), y = Array(x.reversed())
        let scaled = AlignedBuffer(x), clamped = AlignedBuffer(x), averaged = AlignedBuffer(x)
        OptimizerKernels.scale(range, x: scaled, by: 0.3)
        OptimizerKernels.clamp(range, x: clamped, bound: 1.25)
        OptimizerKernels.average(range, a: averaged, w: AlignedBuffer(y), rate: 0.1)
        for i in 0..<80 {
            let inside = range.contains(i)
            #expect(scaled[i] == (inside ? x[i] * 0.3 : x[i]))
            #expect(clamped[i] == (inside ? max(-1.25, min(1.25, x[i])) : x[i]))
            #expect(averaged[i] == (inside ? x[i] + (y[i] - x[i]) * 0.1 : x[i]))
        }
    }

    @Test("the sum of squares is exact on integers and close to a plain sum elsewhere", arguments: ranges)
    func sumOfSquares(range: Range<Int>) {
        let integers = AlignedBuffer((0..<80).map { Float($0 - 40) })
        let exact = range.reduce(0) { $0 + ($1 - 40) * ($1 - 40) }
        #expect(OptimizerKernels.sumOfSquares(range, x: integers) == Double(exact))
        let x = numbers()
        let plain = range.reduce(0.0) { $0 + Double(x[$1]) * Double(x[$1]) }
        #expect(abs(OptimizerKernels.sumOfSquares(range, x: AlignedBuffer(x)) - plain) <= 1e-14 * plain)
        // Squares beyond Float's range and below its precision.
        let extreme = AlignedBuffer<Float>([1e30, 1e-30, 1e30])
        #expect(abs(OptimizerKernels.sumOfSquares(0..<3, x: extreme) / 2e60 - 1) < 1e-6)
    }

    @Test("finds a single NaN or infinity at any place", arguments: [Float.nan, .infinity, -.infinity])
    func isFinite(bad: Float) {
        let x = numbers() + [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude]
        #expect(OptimizerKernels.isFinite(0..<83, x: AlignedBuffer(x)))
        for place in 0..<83 {
            let buffer = AlignedBuffer(x)
            buffer[place] = bad
            #expect(!OptimizerKernels.isFinite(0..<83, x: buffer))
            #expect(OptimizerKernels.isFinite(0..<place, x: buffer))
            #expect(OptimizerKernels.isFinite(place + 1..<83, x: buffer))
        }
    }

    @Test("clamping bounds infinities and leaves NaN")
    func clampExtremes() {
        let buffer = AlignedBuffer<Float>([.infinity, -.infinity, .nan, 0.5])
        OptimizerKernels.clamp(0..<4, x: buffer, bound: 1)
        #expect(buffer[0] == 1 && buffer[1] == -1 && buffer[2].isNaN && buffer[3] == 0.5)
    }
}
