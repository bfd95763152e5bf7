import Foundation
import Tensors
import Testing
import Workers

@testable import Datasets

@Suite struct TestTimeAugmentationTests {
    private let height = 7, width = 9

    private func images(_ count: Int) throws -> ImageSet {
        var random = RandomStream(RandomAddress(seed: 8, purpose: .test))
        return try ImageSet(
            images: (0..<count * height * width).map { _ in UInt8(truncatingIfNeeded: random.nextWord()) },
            labels: [UInt8](repeating: 0, count: count), height: height, width: width, classCount: 2,
            classNames: ["a", "b"])
    }

    private func views(
        _ data: ImageSet, _ augmentation: TestTimeAugmentation, threads: Int = 1
    ) throws -> [[Float]] {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let views = try ImageViews(data, augmentation, normalization: nil, pool: pool)
        return (0..<views.count).map { view in
            let batch = AlignedBuffer<Float>(count: data.images.count)
            views.fill(batch, range: 0..<data.count, view: view)
            return batch.array
        }
    }

    /// Bilinear, zero outside, in Double: the output at q is the input at `c + R(−θ)(q − c − t)/s`.
    private func warped(_ pixels: [UInt8], rotation: Double, scale: Double, x: Double, y: Double) -> [Double] {
        let angle = rotation * .pi / 180, centerX = Double(width - 1) / 2, centerY = Double(height - 1) / 2
        func pixel(_ column: Int, _ row: Int) -> Double {
            (0..<width).contains(column) && (0..<height).contains(row) ? Double(pixels[row * width + column]) / 255 : 0
        }
        return (0..<height * width).map { place in
            let u = Double(place % width) - centerX - x, v = Double(place / width) - centerY - y
            let fromX = centerX + (cos(angle) * u + sin(angle) * v) / scale
            let fromY = centerY + (-sin(angle) * u + cos(angle) * v) / scale
            let column = fromX.rounded(.down), row = fromY.rounded(.down)
            let fx = fromX - column, fy = fromY - row, c = Int(column), r = Int(row)
            return (1 - fy) * ((1 - fx) * pixel(c, r) + fx * pixel(c + 1, r))
                + fy * ((1 - fx) * pixel(c, r + 1) + fx * pixel(c + 1, r + 1))
        }
    }

    @Test func theListIsFixedAndAgreesWithPlainLoops() throws {
        let data = try images(3), size = height * width
        let augmentation = TestTimeAugmentation(translation: 1.5, rotation: 12, scale: 0.2)
        #expect(augmentation.viewCount == 9)
        let expected: [(Double, Double, Double, Double)] = [
            (0, 1, 0, 0), (0, 1, -1.5, 0), (0, 1, 1.5, 0), (0, 1, 0, -1.5), (0, 1, 0, 1.5), (-12, 1, 0, 0),
            (12, 1, 0, 0), (0, 0.8, 0, 0), (0, 1.2, 0, 0),
        ]
        let found = try views(data, augmentation)
        #expect(found.count == expected.count)
        for (view, (rotation, scale, x, y)) in zip(found, expected) {
            for image in 0..<3 {
                let part = Array(view[image * size..<(image + 1) * size])
                let reference = warped(
                    Array(data.images[image * size..<(image + 1) * size]), rotation: rotation, scale: scale, x: x, y: y)
                // Float coordinates below 16 err by some 2e-6 of a pixel, pixels differ by at most 1.
                #expect(zip(part, reference).allSatisfy { abs(Double($0) - $1) < 2e-5 }, "\(rotation) \(scale) \(x)")
            }
        }
        for threads in 2...3 { #expect(try views(data, augmentation, threads: threads) == found) }
    }

    @Test func nothingIsTheImageItselfAndWholeShiftsAreExact() throws {
        let data = try images(2)
        let plain = data.images.map { Float($0) / 255 }
        #expect(try views(data, TestTimeAugmentation()) == [plain])
        let right = try views(data, TestTimeAugmentation(translation: 2))[2]
        for index in right.indices {
            let x = index % width
            #expect(right[index] == (x < 2 ? 0 : plain[index - 2]))
        }
        let mirrored = try views(data, TestTimeAugmentation(translation: 2, horizontalFlip: true))
        #expect(mirrored.count == 10)
        #expect(mirrored[2] == right)
        for index in right.indices {
            let x = index % width
            #expect(mirrored[5][index] == plain[index - x + width - 1 - x])
            #expect(mirrored[7][index] == (x < 2 ? 0 : mirrored[5][index - 2]))
        }
        let counts: [(Float, Float, Float, Int)] = [
            (0, 0, 0, 1), (1, 0, 0, 5), (0, 1, 0, 3), (0, 0, 0.1, 3), (0, 2, 0.1, 5),
        ]
        for (translation, rotation, scale, count) in counts {
            let augmentation = TestTimeAugmentation(translation: translation, rotation: rotation, scale: scale)
            #expect(augmentation.viewCount == count)
        }
    }
}
