import Kernels
import NeuralNetwork
import Tensors
import Testing

/// Ranges of bytes against their definitions.
@Suite struct ActivationHistogramTests {
    private func histogram(_ values: [Float]) throws -> ActivationHistogram {
        let x = AlignedBuffer(values)
        let range = try #require(ActivationHistogram.range(x, count: x.count))
        var result = ActivationHistogram(low: range.low, high: range.high)
        result.add(x, count: x.count)
        return result
    }

    @Test("0 is a byte's number, and every number seen is within half a step of one") func minMax() throws {
        for values: [Float] in [[0, 1, 2, 7.3], [-3, 5, 0.1], [-4, -2], [6, 9], [0, 0], [1e-45, 0], [1e-37, 0]] {
            let scale = try histogram(values).scale(.minMax)
            for value in values {
                let byte = max(0, min(255, (value / scale.scale).rounded() + Float(scale.zeroPoint)))
                #expect(abs((byte - Float(scale.zeroPoint)) * scale.scale - value) <= 0.5001 * scale.scale, "\(values)")
            }
        }
        #expect(try histogram([0, 255]).scale(.minMax) == ByteScale(scale: 1, zeroPoint: 0))
        #expect(try histogram([-127.5, 127.5]).scale(.minMax) == ByteScale(scale: 1, zeroPoint: 128))
    }

    @Test("Percentiles leave a ten-thousandth out at each end, and no more") func percentile() throws {
        var values = (0..<100_000).map { Float($0) / 100_000 }
        values += [40, 50, 60]
        let high = try histogram(values).scale(.percentile)
        // Bins are 60/8192 wide.
        #expect(abs(high.scale * 255 - 1) < 0.01 && high.zeroPoint == 0)
        // 25 of them are more than a ten-thousandth of 100,000.
        let many = try histogram(values + [Float](repeating: 60, count: 22)).scale(.percentile)
        #expect(many.scale * 255 > 50)
        let both = try histogram(values + values.map { -$0 }).scale(.percentile)
        #expect(abs(both.scale * 255 - 2) < 0.04 && abs(Int(both.zeroPoint) - 128) <= 1)
    }

    @Test("By entropy a long thin tail is cut, and a flat range is kept") func entropy() throws {
        var stream = RandomStream(RandomAddress(seed: 1, purpose: .test))
        let body = (0..<50_000).map { _ in abs(Float(stream.normalPair().0)) }
        let tailed = try histogram(body + [60, 80]).scale(.entropy)
        #expect(tailed.scale * 255 < 12 && tailed.scale * 255 > 3)
        let flat = try histogram((0..<50_000).map { Float($0) / 50_000 }).scale(.entropy)
        #expect(flat.scale * 255 > 0.99)
        // Nothing near 0: a range without any value is no range.
        let middle = try histogram((0..<50_000).map { 0.3 + 0.4 * Float($0) / 50_000 }).scale(.entropy)
        #expect(middle.scale * 255 > 0.69)
    }

    @Test("Ranges beyond what bytes can have a scale for are no crash", arguments: CalibrationMethod.allCases)
    func extremes(_ method: CalibrationMethod) throws {
        for values: [Float] in [[-3e38, 3e38], [1e-45, 0], [1e-31, 0], [-3e38, 0], [0, 3e38]] {
            let scale = try histogram(values).scale(method)
            #expect(scale.scale.isFinite && scale.scale >= .leastNormalMagnitude)
        }
    }

    @Test("What is not finite is no range") func notFinite() {
        for value in [Float.nan, .infinity, -.infinity] {
            let x = AlignedBuffer<Float>([1, value, 2])
            #expect(ActivationHistogram.range(x, count: 3) == nil)
        }
    }
}
