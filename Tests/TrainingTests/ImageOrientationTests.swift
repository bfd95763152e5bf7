import Datasets
import Testing

@testable import Training

@Suite struct ImageOrientationTests {
    /// 2×2 images with one bright corner off the diagonal.
    private func set(_ places: [Int]) throws -> ImageSet {
        try ImageSet(
            images: places.flatMap { place in (0..<4).map { $0 == place ? 255 : 0 } },
            labels: [UInt8](repeating: 0, count: places.count), height: 2, width: 2, classCount: 2,
            classNames: ["a", "b"])
    }

    /// A model that is sure where the upper right is bright.
    private func model(_ images: ImageSet) -> [Float] {
        (0..<images.count).flatMap { images.images[4 * $0 + 1] > 0 ? [0.9, 0.1] : [0.6, 0.4] as [Float] }
    }

    @Test func theShareOfImagesThatAreSurerTransposed() throws {
        #expect(ImageOrientation.surerTransposed(try set([1, 1, 1, 2]), probabilities: model) == 0.25)
        #expect(ImageOrientation.surerTransposed(try set([2, 2, 1, 2]), probabilities: model) == 0.75)
        // What looks the same both ways counts for neither.
        #expect(ImageOrientation.surerTransposed(try set([0, 3]), probabilities: model) == 0)
        let oblong = try ImageSet(
            images: [0, 0], labels: [0], height: 1, width: 2, classCount: 2, classNames: ["a", "b"])
        #expect(ImageOrientation.surerTransposed(oblong, probabilities: model) == nil)
    }

    @Test func mostIsMoreThanHalf() {
        #expect(ImageOrientation.note(nil) == nil && ImageOrientation.note(0.5) == nil)
        #expect(ImageOrientation.note(0.83)?.hasPrefix("the model is surer of 83 % of these images") == true)
    }
}
