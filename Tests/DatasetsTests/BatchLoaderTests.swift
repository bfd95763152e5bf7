import Tensors
import Testing
import Workers

@testable import Datasets

@Suite struct BatchLoaderTests {
    struct Copy: Equatable {
        var images: [Float]
        var labels: [Int32]
    }

    private func epoch(_ loader: BatchLoader, _ epoch: Int, at batch: Int = 0) -> [Copy] {
        loader.start(epoch: epoch, at: batch)
        var copies: [Copy] = []
        while let batch = loader.next() {
            let size = batch.images.count / batch.capacity
            copies.append(
                Copy(
                    images: Array(batch.images.array.prefix(batch.count * size)),
                    labels: Array(batch.labels.array.prefix(batch.count))))
        }
        return copies
    }

    @Test func inOrderWithAShortLastBatch() throws {
        let set = try randomSet(107)
        let loader = BatchLoader(data: set, batchSize: 25, seed: 1, shuffle: false, pool: WorkerPool(threads: 1))
        #expect(loader.batchCount == 5)
        let batches = epoch(loader, 0)
        #expect(batches.map(\.labels.count) == [25, 25, 25, 25, 7])
        #expect(batches.flatMap(\.labels) == set.labels.map { Int32($0) })
        #expect(batches.flatMap(\.images) == set.images.map { Float($0) / 255 })
        #expect(loader.next() == nil)
    }

    @Test func ordersOfEpochs() throws {
        let set = try randomSet(60)
        let loader = BatchLoader(data: set, batchSize: 16, seed: 5, shuffle: true, pool: WorkerPool(threads: 1))
        let first = epoch(loader, 0), second = epoch(loader, 1)
        for batches in [first, second] {
            let rows = batches.flatMap(\.images)
            let images = (0..<60).map { Array(rows[($0 * 20)..<($0 * 20 + 20)]) }
            let order = (0..<60).map { Array(set.images[($0 * 20)..<($0 * 20 + 20)]).map { Float($0) / 255 } }
            #expect(Set(images) == Set(order) && images != order)
        }
        #expect(first != second)
        #expect(epoch(loader, 0) == first)
        var stream = RandomStream(RandomAddress(seed: 5, purpose: .shuffle, major: 1))
        #expect(second.flatMap(\.labels) == stream.permutation(60).map { Int32(set.labels[$0]) })
        // An epoch may be broken off, and begun anywhere.
        loader.start(epoch: 3)
        _ = loader.next()
        #expect(epoch(loader, 1) == second)
        for batch in 0...loader.batchCount {
            #expect(epoch(loader, 1, at: batch) == Array(second.dropFirst(batch)))
        }
    }

    @Test func sameBitsForAnyNumberOfThreads() throws {
        let set = try randomSet(333, height: 12, width: 11, channels: 2)
        var options = AugmentationOptions()
        options.rotation = 30
        options.elastic = .init(alpha: 10, sigma: 2, probability: 0.5)
        options.erasing = .init()
        let augmenter = try Augmenter(options, height: 12, width: 11, channels: 2, seed: 9)
        let epochs = [1, 2, 3].map { threads in
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            let loader = BatchLoader(
                data: set, batchSize: 50, normalization: (0.25, 0.5), augmenter: augmenter, seed: 9, shuffle: true,
                pool: pool)
            return (0..<3).map { epoch(loader, $0) }
        }
        #expect(epochs[0] == epochs[1] && epochs[0] == epochs[2])
        #expect(epochs[0][0] != epochs[0][1])
        // What a batch holds is the augmenter's image, then standardised.
        var stream = RandomStream(RandomAddress(seed: 9, purpose: .shuffle, major: 2))
        let index = stream.permutation(333)[50]
        let output = AlignedBuffer<Float>(count: 264)
        var scratch = augmenter.makeScratch()
        output.withMutableSpan(0..<264) { span in
            let image = Array(set.images[(index * 264)..<(index * 264 + 264)])
            augmenter.apply(image.span, into: &span, epoch: 2, sampleIndex: index, scratch: &scratch)
        }
        #expect(Array(epochs[0][2][1].images.prefix(264)) == output.array.map { ($0 - 0.25) / 0.5 })
    }

    /// Several processes fill a part of each batch each, some of them none of a short one: together the whole.
    @Test func parts() throws {
        let set = try randomSet(83)
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let whole = epoch(BatchLoader(data: set, batchSize: 20, seed: 4, shuffle: true, pool: pool), 1)
        let parts = (0..<4).map { rank in
            let loader = BatchLoader(
                data: set, batchSize: 20, seed: 4, shuffle: true, pool: pool,
                part: { rank * $0 / 4..<(rank + 1) * $0 / 4 })
            loader.start(epoch: 1)
            var totals: [Int] = []
            while let batch = loader.next() { totals.append(batch.total) }
            #expect(totals == [20, 20, 20, 20, 3])
            return epoch(loader, 1)
        }
        #expect(parts[0].last?.labels.isEmpty == true)
        for (number, batch) in whole.enumerated() {
            #expect(batch.images == parts.flatMap { $0[number].images })
            #expect(batch.labels == parts.flatMap { $0[number].labels })
        }
    }

    @Test func standardised() throws {
        let set = try randomSet(10)
        let loader = BatchLoader(
            data: set, batchSize: 100, normalization: (0.1307, 0.3081), seed: 1, shuffle: false,
            pool: WorkerPool(threads: 1))
        let batches = epoch(loader, 0)
        #expect(batches.count == 1)
        #expect(batches[0].images == set.images.map { (Float($0) / 255 - 0.1307) / 0.3081 })
    }

    @Test func filledForEvaluation() throws {
        let set = try randomSet(30)
        let batch = Batch(capacity: 8, imageSize: set.imageSize)
        BatchLoader.fill(batch, from: set, range: 25..<30, normalization: (0.5, 2))
        #expect(batch.count == 5)
        #expect(Array(batch.labels.array.prefix(5)) == set.labels[25...].map { Int32($0) })
        #expect(Array(batch.images.array.prefix(100)) == set.images[500...].map { (Float($0) / 255 - 0.5) / 2 })
    }
}
