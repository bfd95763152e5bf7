import Formats
import Foundation
import Tensors

/// Writes images one after the other into the shards of a new folder, so that they need not fit in memory together.
///
/// The folder appears, whole, with ``finish(classNames:)``; if that is never reached, nothing is left behind.
package final class ShardWriter {
    private let folder: String
    /// Where files are written until all are complete.
    private let draft: String
    private let shardBytes: Int
    private var manifest = ShardManifest()
    private var parts: [FolderLayout.Split: Part] = [:]
    private var isFinished = false

    /// The images of one part that no shard has yet.
    private struct Part {
        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        var shards: [ShardManifest.Shard] = []
    }

    /// - Parameters:
    ///   - folder: The folder to create, which must be empty or not exist yet.
    ///   - shardBytes: The bytes of pixels of a shard, about.
    /// - Throws: an `InputError` if the folder is not empty, an `OperationError` if it cannot be created.
    package init(_ folder: String, shardBytes: Int) throws {
        self.folder = folder
        self.shardBytes = shardBytes
        try ConversionFiles.makeEmpty(folder)
        draft = folder + ".\(ProcessInfo.processInfo.processIdentifier)"
        try ConversionFiles.makeEmpty(draft)
    }

    deinit { if !isFinished { try? FileManager.default.removeItem(atPath: draft) } }

    /// Appends an image `[height, width, channels]` to a part. All images must have one size.
    package func add(
        _ pixels: some Collection<UInt8>, label: UInt8, to part: FolderLayout.Split, height: Int, width: Int,
        channels: Int
    ) throws {
        precondition(pixels.count == height * width * channels, "ShardWriter: not an image of that size")
        (manifest.height, manifest.width, manifest.channels) = (height, width, channels)
        parts[part, default: Part()].pixels += pixels
        parts[part, default: Part()].labels.append(label)
        if (parts[part]?.pixels.count ?? 0) + pixels.count > shardBytes { try flush(part) }
    }

    /// Writes what is left and the list of the files, and moves the folder to its place.
    package func finish(classNames: [String]) throws {
        for part in parts.keys { try flush(part) }
        manifest.classNames = classNames
        manifest.train = parts[.train]?.shards ?? []
        manifest.val = parts[.val]?.shards ?? []
        manifest.test = parts[.test]?.shards ?? []
        try manifest.write(to: draft)
        do {
            try? FileManager.default.removeItem(atPath: folder)
            try FileManager.default.moveItem(atPath: draft, toPath: folder)
        } catch {
            throw OperationError("moving \(draft) to \(folder)", problem: error.localizedDescription)
        }
        isFinished = true
    }

    /// Writes the images that no shard has yet as one.
    private func flush(_ name: FolderLayout.Split) throws {
        guard var part = parts[name], !part.labels.isEmpty else { return }
        let count = part.labels.count, number = Text.padded(part.shards.count, 5)
        var shard = ShardManifest.Shard()
        shard.count = count
        let images = manifest.header(count) + part.pixels
        let labels = IDX(extents: [count], bytes: part.labels).fileBytes
        shard.images = "\(name.rawValue)-\(number)-images-idx\(manifest.extents(count).count)-ubyte"
        shard.labels = "\(name.rawValue)-\(number)-labels-idx1-ubyte"
        (shard.imagesSHA256, shard.labelsSHA256) = (try Digest.hex(images), try Digest.hex(labels))
        for (bytes, file) in [(images, shard.images), (labels, shard.labels)] {
            try AtomicFile.write(Data(bytes), to: URL(fileURLWithPath: joined(draft, file)))
        }
        part.shards.append(shard)
        (part.pixels, part.labels) = ([], [])
        parts[name] = part
    }
}

extension ShardWriter {
    /// What was written, in words.
    package var summary: String {
        func count(_ shards: [ShardManifest.Shard]) -> String { Text.grouped(shards.reduce(0) { $0 + $1.count }) }
        return "\(count(manifest.train)) training"
            + (manifest.val.isEmpty ? "" : ", \(count(manifest.val)) validation")
            + " and \(count(manifest.test)) test images, \(manifest.width)×\(manifest.height)"
            + (manifest.channels > 1 ? "×\(manifest.channels)" : "")
            + ", \(manifest.classNames.count) classes, "
            + "\(manifest.train.count + manifest.val.count + manifest.test.count) shards"
    }

    /// Writes the pictures of `layout`, one after the other.
    /// - Parameter testFraction: The fraction of each class that becomes the test half, if there is none.
    package func write(
        _ layout: FolderLayout, fitting: ImageFolder.Fitting, isColour: Bool, inverted: Bool, testFraction: Double,
        note: (String) -> Void, progress: (_ done: Int, _ total: Int) -> Void
    ) throws {
        var isTest: [Bool] = []
        if !layout.files.contains(where: { $0.split == .test }), testFraction > 0,
            let train = layout.files.first(where: { $0.split == .train })
        {
            let labels = train.files.enumerated().flatMap { label, files in files.map { _ in UInt8(label) } }
            let parts = StratifiedSplit.indices(of: labels, fraction: testFraction, seed: 0)
            isTest = [Bool](repeating: false, count: labels.count)
            for index in parts.validation { isTest[index] = true }
        }
        var trained = 0
        try ImageFolder.forEachPicture(
            layout, fitting: fitting, isColour: isColour, inverted: inverted, note: note, progress: progress
        ) { picture in
            var part = picture.split
            if part == .train, !isTest.isEmpty {
                if isTest[trained] { part = .test }
                trained += 1
            }
            try add(
                picture.pixels, label: picture.label, to: part, height: picture.height, width: picture.width,
                channels: picture.channels)
        }
        try finish(classNames: layout.classes.map(ClassName.shown))
    }

    /// Writes `data`, which is in memory.
    package func write(_ data: ConvertedData) throws {
        for (half, set) in data.parts {
            guard let part = FolderLayout.Split(rawValue: half) else { continue }
            for index in 0..<set.count {
                try add(
                    set.bytes(of: index), label: set.labels[index], to: part, height: set.height, width: set.width,
                    channels: set.channels)
            }
        }
        try finish(classNames: data.train.classNames)
    }
}
