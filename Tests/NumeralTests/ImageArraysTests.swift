import Numeral
import Testing
import Workers

@testable import Datasets

@Suite struct ImageArraysTests {
    private func line(_ make: () throws -> ImageSet) -> String? {
        (#expect(throws: InputError.self) { _ = try make() })?.description
    }

    @Test func arraysThatAreNoImagesAreRefused() {
        #expect(
            line { try ImageSet(pixels: [UInt8](repeating: 0, count: 9), labels: [0, 1], height: 2, width: 2) }
                == "pixels: expected 2 images of 2×2×1, as there are labels · received 9 bytes, or 2 images")
        #expect(
            line { try ImageSet(pixels: [UInt8](repeating: 0, count: 8), labels: [0, 10], height: 2, width: 2) }
                == "labels[1]: expected a class in 0…9 · received 10")
        #expect(
            line { try ImageSet(pixels: [UInt8](repeating: 0, count: 8), labels: [-1, 0], height: 2, width: 2) }
                == "labels[0]: expected a class in 0…9 · received -1")
        #expect(
            line { try ImageSet(pixels: [0, 0.5, .nan, 1] as [Float], labels: [0], height: 2, width: 2) }
                == "pixels[2]: expected a number in [0, 1] · received nan")
        #expect(
            line { try ImageSet(pixels: [0, 0, 0, 255] as [Float], labels: [0], height: 2, width: 2) }
                == "pixels[3]: expected a number in [0, 1] · received 255.0 · bytes go in as [UInt8], or divided by 255"
        )
        #expect(
            line { try ImageSet(pixels: [0, 0, -1, 1] as [Float], labels: [0], height: 2, width: 2) }
                == "pixels[2]: expected a number in [0, 1] · received -1.0")
        #expect(
            line { try ImageSet(pixels: [0] as [UInt8], labels: [0], height: 1, width: 1, classNames: ["a", "a"]) }
                == "classNames: expected different class names · received a twice")
        #expect(
            line { try ImageSet(pixels: [0] as [UInt8], labels: [0], height: 1, width: 1, classNames: ["a"]) }
                == "classNames: expected 2 to 256 names · received 1")
        #expect(
            line { try ImageSet(pixels: [] as [UInt8], labels: [], height: 0, width: 1) }?
                .hasPrefix("pixels: expected positive height") == true)
    }

    /// What a network sees of numbers: themselves, standardised by their own moments, augmented like bytes.
    @Test func numbersReachTheNetworkAsTheyAre() throws {
        let values: [Float] = [0, 0.3, 1 / 3, 1, 0.123_456_7, 0.9, 0.5, 0.25]
        let set = try ImageSet(pixels: values, labels: [0, 1], height: 2, width: 2)
        let batch = Batch(capacity: 2, imageSize: 4)
        BatchLoader.fill(batch, from: set, range: 0..<2, normalization: nil)
        #expect(batch.images.array == values)
        let doubles = values.map(Double.init)
        let mean = doubles.reduce(0, +) / 8
        let deviation = (doubles.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 8).squareRoot()
        #expect(abs(set.pixelMoments.mean - mean) < 1e-15)
        #expect(abs(set.pixelMoments.standardDeviation - deviation) < 1e-15)
        BatchLoader.fill(batch, from: set, range: 0..<2, normalization: (Float(mean), Float(deviation)))
        #expect(batch.images.array == values.map { ($0 - Float(mean)) / Float(deviation) })
        #expect(set.subset([1]).numbers == Array(values[4...]))
        #expect(set.subset([1]).images == [31, 230, 128, 64])
        #expect(set[1].pixels == [31, 230, 128, 64] && set[1].label == 1)
    }

    /// Numbers that are bytes over 255 come to the bits of the bytes, augmented or not.
    @Test func bytesAndTheirNumbersAgree() throws {
        let (pixels, labels) = Stripes.pixels(20, seed: 4)
        let bytes = try Stripes.images(20, seed: 4)
        let numbers = try ImageSet(
            pixels: pixels.map { Float($0) / 255 }, labels: labels, height: 12, width: 12, classNames: Stripes.names)
        #expect(numbers.images == bytes.images)
        var options = AugmentationOptions()
        options.rotation = 20
        options.elastic = AugmentationOptions.Elastic(alpha: 5, sigma: 2, probability: 0.5)
        options.erasing = AugmentationOptions.Erasing()
        for augmentation in [nil, options] {
            let augmenter = try augmentation.map { try Augmenter($0, height: 12, width: 12, channels: 1, seed: 5) }
            let batches = [bytes, numbers].map { set -> [Float] in
                let loader = BatchLoader(
                    data: set, batchSize: 20, augmenter: augmenter, seed: 6, shuffle: true,
                    pool: WorkerPool(threads: 1))
                loader.start(epoch: 1)
                return loader.next()?.images.array ?? []
            }
            #expect(batches[0].count == 20 * 144 && batches[0] == batches[1])
        }
    }
}
