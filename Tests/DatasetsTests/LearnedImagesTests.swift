import Foundation
import Tensors
import Testing

@testable import Datasets

/// The sketch of what a network has learned, against sets of the images themselves.
@Suite struct LearnedImagesTests {
    /// Images of 4×2 random bytes.
    private func images(_ count: Int, seed: UInt64) throws -> [[UInt8]] {
        var random = RandomStream(RandomAddress(seed: seed, purpose: .test))
        return (0..<count).map { _ in (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) } }
    }

    private func set(_ images: [[UInt8]]) throws -> ImageSet {
        try ImageSet(
            images: images.flatMap { $0 }, labels: [UInt8](repeating: 0, count: images.count), height: 2, width: 4,
            classCount: 1, classNames: ["a"])
    }

    /// FIPS 180-4's example: SHA-256 of "abc" begins with ba7816bf8f01cfea.
    @Test func aDigestIsTheBeginningOfSHA256() throws {
        let abc = try ImageSet(
            images: Array("abc".utf8), labels: [0], height: 1, width: 3, classCount: 1, classNames: ["a"])
        let text = Data([0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA]).base64EncodedString()
        #expect(try LearnedImages(abc).text == text)
    }

    /// Of few images each is known: the very images are counted, whatever their classes.
    @Test func ofFewImagesEachIsKnown() throws {
        let all = try images(3_000, seed: 1)
        let learned = try LearnedImages(set(Array(all[..<2_000] + all[..<100])))
        let asked = Array(all[1_500...]) + [all[1_999]]
        let overlap = try learned.overlap(with: try set(asked))
        let known = Set(all[..<2_000])
        #expect(overlap == .init(compared: asked.count, learned: asked.count { known.contains($0) }))
        #expect(overlap.learned == 501)
        #expect(try learned.overlap(with: set([])) == .init(compared: 0, learned: 0))
    }

    /// An image of weight 0 has no influence.
    @Test func whatHasNoWeightIsNotLearned() throws {
        let all = try set(images(10, seed: 5))
        let weighted = try all.weighted((0..<10).map { $0 < 4 ? 0 : 1 })
        #expect(try LearnedImages(weighted).overlap(with: all) == .init(compared: 10, learned: 6))
    }

    /// Of many, the images compared are a sample, whose share is that of all; none is taken for another.
    @Test func ofManyImagesASampleIsKnown() throws {
        let all = try images(60_000, seed: 2)
        let learned = try LearnedImages(set(Array(all[..<40_000])))
        let overlap = try learned.overlap(with: set(Array(all[34_000..<54_000])))
        // Of 20,000 images 6,000 were learned; 4,096 of 40,000 are compared: 2,048 expected.
        #expect(abs(Double(overlap.compared) - 2_048) < 5 * 2_048.0.squareRoot())
        #expect(abs(overlap.share - 0.3) < 5 * (0.3 * 0.7 / Double(overlap.compared)).squareRoot())
        let others = try learned.overlap(with: set(Array(all[40_000...])))
        #expect(others.learned == 0 && others.compared > 1_500)
    }

    @Test func aUnionIsTheSketchOfBoth() throws {
        let all = try images(9_000, seed: 3)
        let (a, b) = (try LearnedImages(set(Array(all[..<6_000]))), try LearnedImages(set(Array(all[5_000...]))))
        #expect(try a.union(b) == LearnedImages(set(all)))
        #expect(a.union(nil) == a)
    }

    @Test func theTextIsReadBackAndNothingElseIs() throws {
        let learned = try LearnedImages(set(images(5_000, seed: 4)))
        #expect(try LearnedImages(text: learned.text, name: "a") == learned)
        func bytes(_ numbers: [UInt64]) -> String {
            Data(numbers.flatMap { n in (0..<8).map { UInt8(truncatingIfNeeded: n >> (56 - 8 * $0)) } })
                .base64EncodedString()
        }
        #expect(try LearnedImages(text: "", name: "a").isEmpty)
        #expect(try !LearnedImages(text: bytes([1, 2]), name: "a").isEmpty)
        for text in [
            "no Base64!", Data([1, 2, 3]).base64EncodedString(), bytes([2, 1]), bytes([1, 1]),
            bytes(Array(1...UInt64(LearnedImages.capacity + 1))), String(repeating: "A", count: 1 << 20),
        ] {
            let error = #expect(throws: InputError.self, "\(text.prefix(40))") {
                try LearnedImages(text: text, name: "m: k")
            }
            #expect(error?.place == "m: k")
        }
    }
}
