import TestSupport
import Tensors
import Testing

@testable import Datasets

@Suite struct ImageSetTests {
    @Test func imageSetsAreChecked() throws {
        func message(_ pixels: Int, _ labels: [UInt8], classCount: Int = 3, side: Int = 2) -> String {
            inputError {
                _ = try ImageSet(
                    images: [UInt8](repeating: 0, count: pixels), labels: labels, height: side, width: side,
                    classCount: classCount, classNames: ["a", "b", "c"], place: "images", labelsPlace: "labels")
            }
        }
        #expect(message(7, [0, 1]).contains("expected 2 images of 2×2×1"))
        #expect(message(12, [0, 1]).contains("or 3 images"))
        #expect(message(8, [0, 3]) == "labels: expected labels in 0...2 · received 3 at index 1")
        #expect(message(8, [0, 1], classCount: 4).contains("4 class names"))
        #expect(message(8, [0, 1], side: 0).contains("positive height"))
        #expect(message(8, [0, 1], side: 1 << 33).contains("fit in memory"))
        let set = try randomSet(7)
        let part = set.subset([6, 0])
        #expect(part.labels == [set.labels[6], set.labels[0]])
        #expect(part.images == Array(set.images[120..<140]) + Array(set.images[0..<20]))
        #expect(part.classSizes == [2, 0, 0])
    }

    @Test func pixelMoments() throws {
        let set = try ImageSet(
            images: [0, 255, 255, 0, 51, 102, 153, 204], labels: [0, 0], height: 2, width: 2, classCount: 1,
            classNames: ["a"])
        let values = [0, 1, 1, 0, 0.2, 0.4, 0.6, 0.8]
        let mean = values.reduce(0, +) / 8
        let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 8
        #expect(abs(set.pixelMoments.mean - mean) < 1e-15)
        #expect(abs(set.pixelMoments.standardDeviation - variance.squareRoot()) < 1e-15)
    }

    @Test func digestsTellImagesApart() throws {
        func set(_ pixels: [UInt8], _ labels: [Int], width: Int = 2) throws -> ImageSet {
            try ImageSet(
                pixels: pixels, labels: labels, height: 4 / width, width: width, classNames: ["a", "b"])
        }
        let one = try set([1, 2, 3, 4, 5, 6, 7, 8], [0, 1])
        #expect(try one.digest() == set([1, 2, 3, 4, 5, 6, 7, 8], [1, 0]).digest())
        for other in [try set([1, 2, 3, 4, 5, 6, 7, 9], [0, 1]), one.subset([1, 0]), one.subset([0])] {
            #expect(try one.digest() != other.digest())
        }
        #expect(try one.digest() != set([1, 2, 3, 4, 5, 6, 7, 8], [0, 1], width: 1).digest())
    }
}
