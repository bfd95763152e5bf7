import Tensors
import Testing

@testable import Datasets

@Suite struct SplitTests {
    @Test(arguments: [0, 0.1, 0.25, 1.0 / 3, 0.9]) func sizesAndStrata(fraction: Double) throws {
        // Classes of 101, 53, 17 and 1 images, mixed.
        let sizes = [101, 53, 17, 1]
        var labels: [UInt8] = []
        for (c, size) in sizes.enumerated() { labels += [UInt8](repeating: UInt8(c), count: size) }
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test))
        labels = stream.permutation(labels.count).map { labels[$0] }

        let (train, validation) = StratifiedSplit.indices(of: labels, fraction: fraction, seed: 7)
        #expect(validation.count == Int((fraction * 172).rounded()))
        #expect((train + validation).sorted() == Array(0..<172))
        #expect(train == train.sorted() && validation == validation.sorted())
        for (c, size) in sizes.enumerated() {
            let part = validation.count { labels[$0] == UInt8(c) }
            #expect(abs(Double(part) - fraction * Double(size)) < 1)
            #expect(part < size)
        }
    }

    @Test func seededAndByClass() throws {
        let labels = (0..<300).map { UInt8($0 % 3) }
        let one = StratifiedSplit.indices(of: labels, fraction: 0.2, seed: 1).validation
        #expect(one == StratifiedSplit.indices(of: labels, fraction: 0.2, seed: 1).validation)
        #expect(one != StratifiedSplit.indices(of: labels, fraction: 0.2, seed: 2).validation)
        #expect(one != Array(0..<60), "not the first ones")
        // A class that grows leaves the choice in others alone.
        let grown = StratifiedSplit.indices(of: labels + [2, 2, 2, 2, 2], fraction: 0.2, seed: 1).validation
        #expect(grown.filter { labels.indices.contains($0) && labels[$0] < 2 } == one.filter { labels[$0] < 2 })
    }

    @Test(arguments: [2, 3, 7, 10]) func foldsAreAPartition(count: Int) {
        let sizes = [101, 53, 17, 1]
        var labels = sizes.enumerated().flatMap { c, size in [UInt8](repeating: UInt8(c), count: size) }
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test))
        labels = stream.permutation(labels.count).map { labels[$0] }
        let folds = StratifiedSplit.folds(of: labels, count: count, seed: 7)
        #expect(folds.count == count && folds.flatMap { $0 }.sorted() == Array(0..<172))
        #expect(folds.allSatisfy { $0 == $0.sorted() && abs($0.count - 172 / count) <= 1 })
        for (c, size) in sizes.enumerated() {
            for fold in folds {
                let part = fold.count { labels[$0] == UInt8(c) }
                #expect(part == size / count || part == size / count + 1)
            }
        }
        #expect(folds == StratifiedSplit.folds(of: labels, count: count, seed: 7))
        #expect(folds != StratifiedSplit.folds(of: labels, count: count, seed: 8))
    }
}
