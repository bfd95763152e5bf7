import Kernels
import Tensors
import TestSupport
import Testing

@Suite("Dropout kernels")
struct DropoutTests {
    private func mask(_ address: RandomAddress, count: Int, rate: Float) -> [UInt8] {
        let bytes = AlignedBuffer<UInt8>([UInt8](repeating: 7, count: ElementwiseKernels.maskBytes(count) + 64))
        ElementwiseKernels.dropoutMask(address, count: count, rate: rate, mask: bytes.pointer)
        #expect(bytes.array.suffix(64).allSatisfy { $0 == 7 })
        return Array(bytes.array.prefix(count))
    }

    @Test(
        "the mask is the documented Philox words, one by one", arguments: [1, 15, 16, 127, 128, 129, 1000],
        [0.1, 0.5, 0.999] as [Float])
    func addresses(_ count: Int, _ rate: Float) {
        let places: [(UInt64, UInt32, Int, Int)] = [(0, 0, 0, 0), (0x0123_4567_89AB_CDEF, 70_000, 255, 9)]
        for (seed, step, sample, layer) in places {
            let address = RandomAddress(
                seed: seed, purpose: .dropout, major: step, minor: UInt32(sample), stream: UInt32(layer))
            let expected = Reference.dropoutMask(
                seed: seed, step: step, sample: sample, layer: layer, count: count, rate: rate)
            #expect(mask(address, count: count, rate: rate) == expected.map { $0 ? 1 : 0 })
        }
    }

    @Test("kept as often as asked, within five standard deviations", arguments: [0.1, 0.25, 0.5, 0.9] as [Float])
    func rate(_ rate: Float) {
        let count = 200_000
        let kept = mask(RandomAddress(seed: 3, purpose: .dropout), count: count, rate: rate).reduce(0) { $0 + Int($1) }
        let mean = Double(count) * (1 - Double(rate))
        #expect(abs(Double(kept) - mean) < 5 * (mean * Double(rate)).squareRoot())
    }

    @Test("rate 0 keeps everything; other samples, steps and layers get other masks")
    func independence() {
        #expect(mask(RandomAddress(seed: 3, purpose: .dropout), count: 999, rate: 0).allSatisfy { $0 == 1 })
        let masks = [
            RandomAddress(seed: 3, purpose: .dropout), RandomAddress(seed: 4, purpose: .dropout),
            RandomAddress(seed: 3, purpose: .dropout, major: 1), RandomAddress(seed: 3, purpose: .dropout, minor: 1),
            RandomAddress(seed: 3, purpose: .dropout, stream: 1),
            RandomAddress(seed: 3 | 1 << 40, purpose: .dropout),
        ].map { mask($0, count: 4096, rate: 0.5) }
        for a in masks.indices {
            for b in masks.indices where a < b {
                let equal = zip(masks[a], masks[b]).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
                #expect(abs(equal - 2048) < 5 * 32, "\(a), \(b)")
            }
        }
    }

    @Test("applying a mask: zero or scaled, even over NaN, in place too", arguments: [1, 16, 37])
    func apply(_ count: Int) {
        let bits = (0..<count).map { UInt8($0 % 3 == 0 ? 0 : 1) }, bytes = AlignedBuffer<UInt8>(bits)
        let x = (0..<count).map { $0 % 3 == 0 ? Float.nan : Float($0) }
        let px = GuardedFloats(x), y = GuardedFloats(count: count)
        ElementwiseKernels.applyMask(px.pointer, mask: bytes.pointer, scale: 1.5, count: count, y: y.pointer)
        let expected = (0..<count).map { $0 % 3 == 0 ? 0 : 1.5 * Float($0) }
        #expect(y.values == expected && y.isIntact)
        ElementwiseKernels.applyMask(px.pointer, mask: bytes.pointer, scale: 1.5, count: count, y: px.pointer)
        #expect(px.values == expected && px.isIntact)
    }
}
