import Tensors
import Testing
import Workers

@testable import Datasets

@Suite struct ImageResizeTests {
    /// The mean over a fine grid of points: an area, counted.
    private func counted(
        _ image: [Float], _ height: Int, _ width: Int, _ channels: Int, _ rows: Int, _ columns: Int
    ) -> [Double] {
        // Whole numbers of points for each pixel of both images.
        let fineRows = height * rows, fineColumns = width * columns
        var sums = [Double](repeating: 0, count: rows * columns * channels)
        for y in 0..<fineRows {
            for x in 0..<fineColumns {
                let from = (y / rows * width + x / columns) * channels
                let to = (y / height * columns + x / width) * channels
                for c in 0..<channels { sums[to + c] += Double(image[from + c]) }
            }
        }
        return sums.map { $0 / Double(height * width) }
    }

    @Test(arguments: [(28, 28, 1, 14, 14), (28, 28, 1, 20, 17), (7, 9, 3, 5, 4), (5, 5, 2, 5, 5), (6, 8, 1, 1, 1)])
    func areasAreAveraged(_ h: Int, _ w: Int, _ c: Int, _ rows: Int, _ columns: Int) {
        var random = RandomStream(RandomAddress(seed: 3, purpose: .test))
        let image = (0..<h * w * c).map { _ in random.uniform() }
        var output = [Float](repeating: .nan, count: rows * columns * c)
        var span = output.mutableSpan
        ImageResize(fromHeight: h, fromWidth: w, channels: c, height: rows, width: columns)
            .apply(image.span, into: &span)
        let expected = counted(image, h, w, c, rows, columns)
        #expect(zip(output, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
        if rows == h, columns == w { #expect(output == image) }
    }

    /// A loader's images are the augmented ones made smaller, and labels as before.
    @Test func loadersResizeWhatTheyAugment() throws {
        let set = try randomSet(21, height: 8, width: 6)
        var options = AugmentationOptions()
        options.rotation = 15
        options.mixup = .init(alpha: 1, probability: 0.5)
        let augmenter = try Augmenter(options, height: 8, width: 6, channels: 1, seed: 2)
        let resize = ImageResize(fromHeight: 8, fromWidth: 6, channels: 1, height: 4, width: 3)
        func batch(_ resize: ImageResize?) throws -> Batch {
            let loader = BatchLoader(
                data: set, batchSize: 21, normalization: (0.1, 0.3), augmenter: augmenter, resize: resize, seed: 2,
                shuffle: true, pool: WorkerPool(threads: 1))
            loader.start(epoch: 5)
            return try #require(loader.next())
        }
        let whole = try batch(nil), small = try batch(resize)
        #expect(whole.labels.array == small.labels.array && whole.labelShares.array == small.labelShares.array)
        #expect(small.images.count == 21 * 12)
        let images = whole.images.array
        for index in 0..<21 {
            var output = [Float](repeating: 0, count: 12)
            var span = output.mutableSpan
            resize.apply(Array(images[index * 48..<(index + 1) * 48]).span, into: &span)
            #expect(Array(small.images.array[index * 12..<(index + 1) * 12]) == output)
        }
    }
}
