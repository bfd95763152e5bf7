import Formats
import Foundation
import Tensors
import TestSupport
import Testing
import Workers

@testable import Datasets

/// Sharded data sets: the images of the files are those that were written, in every use, and no damage goes unseen.
@Suite struct ShardTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shards-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    /// 60 images for training and 20 for testing, at least three shards of the first.
    private func write(_ folder: String) throws -> ConvertedData {
        let digits = try SampleDigits.test.get()
        let data = ConvertedData(train: digits.subset(0..<60), test: digits.subset(60..<80))
        try ShardWriter(folder, shardBytes: 20_000).write(data)
        return data
    }

    /// What a list claims may not be more than can be counted.
    @Test func listsOfTooMuchAreRefused() {
        func list(_ side: Int, _ channels: Int, count: Int, shards: Int) -> [UInt8] {
            let shard = #"{"images": "i", "labels": "l", "count": \#(count), "imagesSHA256": "0", "labelsSHA256": "0"}"#
            let all = [String](repeating: shard, count: shards).joined(separator: ", ")
            let size = #""height": \#(side), "width": \#(side), "channels": \#(channels)"#
            return Array(#"{"version": 1, "classNames": ["a", "b"], \#(size), "train": [\#(all)]}"#.utf8)
        }
        #expect(throws: Never.self) { try ShardManifest.parse(list(28, 1, count: 60_000, shards: 3), path: "s") }
        for (side, channels, count, shards) in [
            (4096, 256, 100_000_000, 22), (4096, 128, 1, 1), (28, 1, 100_000_000, 2),
        ] {
            let bytes = list(side, channels, count: count, shards: shards)
            #expect(throws: InputError.self) { try ShardManifest.parse(bytes, path: "s") }
        }
    }

    @Test func theFilesHoldWhatWasWritten() throws {
        try withFolder { folder in
            let data = try write(folder + "/s"), read = try ShardedData(folder + "/s").data
            #expect(try ShardManifest.read(folder + "/s").train.count == 3)
            #expect(read.train.isStored && read.train.images == data.train.images)
            #expect(read.train.labels == data.train.labels && read.train.classNames == data.train.classNames)
            #expect(read.test?.images == data.test?.images && read.validation == nil)
            // Single images and parts of the set are those of the set in memory.
            let order = [59, 0, 25, 26, 31]
            #expect(read.train.subset(order).images == data.train.subset(order).images)
            #expect(read.train.subset(order).subset([2, 4]).bytes(of: 1) == data.train.bytes(of: 31))
            #expect(
                read.train.subset(0..<9).joined(with: read.train.subset(50..<60)).images
                    == data.train.subset(0..<9).joined(with: data.train.subset(50..<60)).images)
            #expect(read.train.pixelMoments == data.train.pixelMoments)
            // Another tool would find plain IDX files.
            let shard = try IDX.read(folder + "/s/train-00001-images-idx3-ubyte", .images)
            #expect(shard.bytes == data.train.subset(25..<50).images)
        }
    }

    @Test(arguments: [1, 2]) func batchesAreThoseFromMemory(threads: Int) throws {
        try withFolder { folder in
            let data = try write(folder + "/s"), read = try ShardedData(folder + "/s").data
            let pool = WorkerPool(threads: threads)
            defer { pool.shutdown() }
            var options = AugmentationOptions()
            options.rotation = 10
            func batches(_ set: ImageSet) throws -> [[Float]] {
                let loader = BatchLoader(
                    data: set, batchSize: 16, normalization: (0.1, 0.3),
                    augmenter: try Augmenter(options, height: 28, width: 28, channels: 1, seed: 7), seed: 5,
                    shuffle: true, pool: pool)
                var result: [[Float]] = []
                for epoch in 1...2 {
                    loader.start(epoch: epoch)
                    while let batch = loader.next() {
                        try loader.checkReading()
                        result.append(batch.images.array + batch.labels.array.map(Float.init))
                    }
                }
                return result
            }
            #expect(try batches(read.train) == batches(data.train))
        }
    }

    @Test func aFileChangedAfterwardsIsNoticed() throws {
        try withFolder { folder in
            _ = try write(folder + "/s")
            let read = try ShardedData(folder + "/s").data
            #expect(try read.train.bytes(of: 59).max() != 0 && (read.train.checkReading(), true).1)
            let path = folder + "/s/train-00002-images-idx3-ubyte"
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.truncate(atOffset: 100)
            #expect(read.train.bytes(of: 59) == [UInt8](repeating: 0, count: 784))
            let error = #expect(throws: InputError.self) { try read.test?.checkReading() }
            #expect(error?.place == path && error?.received.hasPrefix("its end") == true)
        }
    }

    @Test(arguments: [
        "train-00001-images-idx3-ubyte", "train-00000-labels-idx1-ubyte", "test-00000-images-idx3-ubyte",
    ]) func aChangedByteIsRefused(name: String) throws {
        try withFolder { folder in
            _ = try write(folder + "/s")
            let url = URL(fileURLWithPath: folder + "/s/" + name)
            var bytes = try Data(contentsOf: url)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: url)
            let error = #expect(throws: InputError.self) { _ = try ShardedData(folder + "/s") }
            #expect(error?.place == url.path && error?.expected.contains("sha256") == true)
            try bytes.dropLast(5).write(to: url)
            #expect(throws: InputError.self) { _ = try ShardedData(folder + "/s") }
            try FileManager.default.removeItem(at: url)
            #expect(throws: InputError.self) { _ = try ShardedData(folder + "/s") }
        }
    }

    @Test(arguments: [
        ("\"width\": 28", "\"width\": 0", "width"), ("\"version\": 1", "\"version\": 2", "version"),
        ("train-00000-images", "../train-00000-images", "shards.json"), ("\"count\": 25", "\"count\": 2500", "images"),
        ("\"height\": 28", "\"height\": 29", "images"), ("\"height\"", "\"hight\"", "hight"),
    ]) func listsThatCannotBeAreRefused(old: String, new: String, place: String) throws {
        try withFolder { folder in
            _ = try write(folder + "/s")
            let path = folder + "/s/shards.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try #require(text.contains(old))
            try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: InputError.self) { _ = try ShardedData(folder + "/s") }
            #expect(error?.place.contains(place) == true, "\(String(describing: error))")
        }
    }

    @Test func nothingIsLeftOfAWriterThatDoesNotFinish() throws {
        try withFolder { folder in
            var writer: ShardWriter? = try ShardWriter(folder + "/s", shardBytes: 100)
            try writer?.add([1, 2, 3, 4], label: 0, to: .train, height: 2, width: 2, channels: 1)
            writer = nil
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names == ["s"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/s").isEmpty)
            _ = try write(folder + "/s")
            #expect(throws: InputError.self) { _ = try ShardWriter(folder + "/s", shardBytes: 100) }
        }
    }

    /// Training finds the folder as it finds others, and splits it alike.
    @Test func aFolderOfShardsIsDataOfOnesOwn() throws {
        try withFolder { folder in
            let data = try write(folder + "/s")
            _ = try ConversionFiles.writeIDX(data, to: folder + "/i", gzip: false)
            func load(_ name: String) throws -> LoadedData {
                var options = DataOptions()
                options.directory = folder + "/" + name
                options.validationFraction = 0.2
                return try DatasetLoader.load(options, seed: 3)
            }
            let shards = try load("s"), files = try load("i")
            #expect(shards.train.isStored && !files.train.isStored)
            #expect(shards.train.images == files.train.images && shards.validation.images == files.validation.images)
            #expect((shards.mean, shards.standardDeviation) == (files.mean, files.standardDeviation))
            #expect(try shards.loadTest().images.images == files.loadTest().images.images)
            #expect(shards.digests["train: shards.json"]?.count == 64)
        }
    }
}
