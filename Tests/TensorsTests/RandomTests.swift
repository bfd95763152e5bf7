import Tensors
import TestSupport
import Testing

@Suite("Random numbers")
struct RandomTests {
    @Test("Philox 4×32-10 gives Random123's known answers")
    func knownAnswers() {
        // kat_vectors of Random123 1.14.0, lines "philox4x32 10".
        let ones = UInt32.max
        let vectors: [(SIMD4<UInt32>, SIMD2<UInt32>, SIMD4<UInt32>)] = [
            (SIMD4(0, 0, 0, 0), SIMD2(0, 0), SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)),
            (
                SIMD4(ones, ones, ones, ones), SIMD2(ones, ones),
                SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
            ),
            (
                SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), SIMD2(0xA409_3822, 0x299F_31D0),
                SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
            ),
        ]
        for (counter, key, words) in vectors { #expect(Philox.block(counter: counter, key: key) == words) }
    }

    @Test("an address is the counter (draw, minor, major, purpose · 2^24 + stream) under the seed")
    func address() {
        let address = RandomAddress(
            seed: 0x299F_31D0_A409_3822, purpose: .augmentation, major: 0x1319_8A2E, minor: 0x85A3_08D3,
            stream: 0x70_7344)
        #expect(
            address.block(0x243F_6A88)
                == Philox.block(
                    counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
                    key: SIMD2(0xA409_3822, 0x299F_31D0)))
        #expect(address.block(0x243F_6A88) == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test("a purpose keeps its number: it is part of every address")
    func purposes() {
        let numbers: [(RandomPurpose, UInt32)] = [
            (.initialization, 1), (.shuffle, 2), (.augmentation, 3), (.dropout, 4), (.split, 5), (.bootstrap, 6),
            (.test, 7), (.principalAxes, 16), (.corruption, 17), (.mixing, 18), (.lines, 19), (.sweep, 24),
        ]
        for (purpose, number) in numbers { #expect(purpose.rawValue == number) }
    }

    @Test("a stream hands out the words of its blocks in order")
    func order() {
        let address = RandomAddress(seed: 5, purpose: .test)
        var stream = RandomStream(address), again = RandomStream(address)
        let words: [UInt32] = (0..<12).map { _ in stream.nextWord() }
        let blocks: [UInt32] = (0..<12).map { address.block(UInt32($0 / 4))[$0 % 4] }
        #expect(words == blocks)
        let pair = UInt64(words[1]) << 32 | UInt64(words[0])
        #expect(again.next() == pair)
    }

    @Test("uniform numbers: range, mean, variance and sixteen equal bins within five deviations")
    func uniform() {
        var stream = RandomStream(RandomAddress(seed: 6, purpose: .test))
        let count = 160_000
        var bins = [Int](repeating: 0, count: 16), sum = 0.0, squares = 0.0, outside = 0
        for _ in 0..<count {
            let u = stream.uniform()
            if u < 0 || u >= 1 { outside += 1 }
            bins[Int(u * 16)] += 1
            sum += Double(u)
            squares += Double(u * u)
        }
        #expect(outside == 0)
        let n = Double(count)
        #expect(abs(sum / n - 0.5) < 5 * (1 / 12 / n).squareRoot())
        #expect(abs(squares / n - 1 / 3) < 5 * (4 / 45 / n).squareRoot())
        #expect(bins.allSatisfy { abs(Double($0) - n / 16) < 5 * (n / 16).squareRoot() })
        var high = RandomStream(RandomAddress(seed: 7, purpose: .test))
        #expect((0..<1000).allSatisfy { _ in (2...3).contains(high.uniform(in: 2...3)) })
        #expect(high.uniform(in: 4...4) == 4)
    }

    @Test("integers: every value below the bound as often, none beyond", arguments: [1, 2, 3, 10, 1000])
    func integers(_ bound: Int) {
        var stream = RandomStream(RandomAddress(seed: 8, purpose: .test))
        let count = 200 * bound
        var seen = [Int](repeating: 0, count: bound)
        for _ in 0..<count { seen[stream.integer(below: bound)] += 1 }
        #expect(seen.allSatisfy { abs(Double($0) - 200) < 5.5 * 200.0.squareRoot() })
    }

    @Test("a bound just past half of 2^32 rejects what would bias it")
    func unbiased() {
        // Without rejection, values 0…3 mod 4 of 3·2^30 would come as 2:1:1; with it, thirds of the range are equal.
        var stream = RandomStream(RandomAddress(seed: 9, purpose: .test))
        let bound = 3 << 30, count = 60_000
        var thirds = [0, 0, 0], residues = [0, 0, 0]
        for _ in 0..<count {
            let value = stream.integer(below: bound)
            thirds[value >> 30] += 1
            residues[value % 3] += 1
        }
        let limit = 5 * (Double(count) * 2 / 9).squareRoot()
        #expect(thirds.allSatisfy { abs(Double($0) - Double(count) / 3) < limit })
        #expect(residues.allSatisfy { abs(Double($0) - Double(count) / 3) < limit })
    }

    @Test("a permutation holds every number once, and every place equally often", arguments: [0, 1, 2, 5, 100])
    func permutation(_ count: Int) {
        var stream = RandomStream(RandomAddress(seed: 10, purpose: .test))
        #expect(stream.permutation(count).sorted() == Array(0..<count))
        guard count == 5 else { return }
        var places = [Int](repeating: 0, count: 25)
        for _ in 0..<5000 {
            for (place, value) in stream.permutation(5).enumerated() { places[place * 5 + value] += 1 }
        }
        #expect(places.allSatisfy { abs(Double($0) - 1000) < 5 * 800.0.squareRoot() })
    }

    @Test("normal numbers: mean, variance, fourth moment and correlation of the pair")
    func normal() {
        var stream = RandomStream(RandomAddress(seed: 11, purpose: .test))
        let count = 100_000
        var sum = 0.0, squares = 0.0, fourth = 0.0, product = 0.0
        for _ in 0..<count {
            let (a, b) = stream.normalPair()
            sum += a + b
            squares += a * a + b * b
            fourth += a * a * a * a + b * b * b * b
            product += a * b
        }
        let n = Double(2 * count)
        #expect(abs(sum / n) < 5 / n.squareRoot())
        #expect(abs(squares / n - 1) < 5 * (2 / n).squareRoot())
        #expect(abs(fourth / n - 3) < 5 * (96 / n).squareRoot())
        #expect(abs(product / Double(count)) < 5 / Double(count).squareRoot())
    }
}
