import Datasets
import Tensors
import Testing

@testable import Training

@Suite("Weights of classes")
struct ClassWeightTests {
    private func images() throws -> ImageSet {
        let labels = [0, 0, 0, 0, 0, 1, 1, 3, 0, 1]
        return try ImageSet(
            pixels: [UInt8](repeating: 0, count: 10), labels: labels, height: 1, width: 1,
            classNames: ["a", "b", "c", "d"])
    }

    /// scikit-learn 1.7: `compute_class_weight("balanced", classes=[0, 1, 3], y=labels)` gives `10/(3·n)` for three classes;
    /// here the empty class counts among K, and its own weight has no image to act on.
    @Test("balanced, given, neither")
    func weights() throws {
        let images = try images()
        #expect(try ClassWeights.weights(nil, for: images) == nil)
        let balanced = try #require(try ClassWeights.weights(.balanced, for: images))
        #expect(balanced == [10 / 24, 10 / 12, 2.5, 2.5])
        #expect(try ClassWeights.weights(.given(["d": 4, "a": 0.5]), for: images) == [0.5, 1, 1, 4])
        #expect(throws: InputError.self) { try ClassWeights.weights(.given(["e": 1]), for: images) }
    }
}
