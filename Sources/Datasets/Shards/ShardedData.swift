import Formats
import Tensors

/// A sharded data set in a folder, as ``ShardWriter`` writes it.
struct ShardedData {
    /// The parts; their images stay in the files.
    var data: ConvertedData
    /// The SHA-256 digest of the list of files, which has those of all others.
    var digest: String

    /// Opens the data set and checks every file against its digest and its size.
    /// - Parameter progress: Called with the bytes checked and their total.
    /// - Throws: an `InputError` if a file is missing, damaged, or not the one that the list names.
    init(_ folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws {
        let manifest = try ShardManifest.read(folder)
        let all = manifest.train + manifest.val + manifest.test
        let imageSize = manifest.height * manifest.width * manifest.channels
        let total = all.reduce(0) { $0 + $1.count * imageSize }
        var done = 0
        var files: [PositionedFile] = [], labels: [UInt8] = []
        for shard in all {
            let path = joined(folder, shard.images), labelPath = joined(folder, shard.labels)
            let header = manifest.header(shard.count), expected = header.count + shard.count * imageSize
            let file = try BinaryFile(path)
            guard file.size == expected, try file.read(exactly: header.count) == header else {
                throw InputError(
                    path, expected: "\(expected) bytes, IDX of \(IDX.describe(manifest.extents(shard.count)))",
                    received: "\(file.size) bytes", remedy: Self.remedy)
            }
            try Self.check(file, shard.imagesSHA256)
            let array = try IDX.read(labelPath, .labels)
            guard array.extents[0] == shard.count else {
                throw InputError(labelPath, expected: "\(shard.count) labels", received: "\(array.extents[0])")
            }
            try Self.check(BinaryFile(labelPath), shard.labelsSHA256)
            labels += array.bytes
            files.append(try PositionedFile(path))
            done += shard.count * imageSize
            progress(done, total)
        }
        let store = ShardStore(
            files: files, counts: all.map(\.count), imageSize: imageSize, headerSize: manifest.header(1).count)
        let images = try ImageSet(store, labels: labels, manifest, place: folder)
        var first = 0
        func part(_ shards: [ShardManifest.Shard]) -> ImageSet? {
            let count = shards.reduce(0) { $0 + $1.count }
            defer { first += count }
            return count > 0 ? images.subset(first..<first + count) : nil
        }
        guard let train = part(manifest.train) else {
            throw InputError(joined(folder, ShardManifest.fileName), expected: "training shards", received: "none")
        }
        data = ConvertedData(train: train, validation: part(manifest.val), test: part(manifest.test))
        digest = try BinaryFile(joined(folder, ShardManifest.fileName)).digests([.sha256])[0]
    }

    private static let remedy = "make the shards again: trainer datasets convert --shards"

    private static func check(_ file: BinaryFile, _ expected: String) throws {
        let digest = try file.digests([.sha256])[0]
        guard digest == expected else {
            throw InputError(
                file.place, expected: "sha256 \(printable(expected)), as when the shards were made", received: digest,
                remedy: Self.remedy)
        }
    }
}

extension ImageSet {
    /// Creates a set of the images of a store.
    fileprivate init(
        _ store: ShardStore, labels: [UInt8], _ manifest: ShardManifest, place: String
    ) throws(InputError) {
        guard store.count <= IDX.largestCount else {
            throw InputError(place, expected: "at most \(IDX.largestCount) images", received: "\(store.count)")
        }
        let names = manifest.classNames.map(ClassName.shown)
        let empty = try ImageSet(
            images: [], labels: [], height: manifest.height, width: manifest.width, channels: manifest.channels,
            classCount: names.count, classNames: names, place: place)
        if let index = labels.firstIndex(where: { Int($0) >= names.count }) {
            throw InputError(
                place, expected: "labels in 0...\(names.count - 1)", received: "\(labels[index]) at index \(index)")
        }
        self.init(empty, storage: .stored(store, Array(0..<Int32(store.count))), labels: labels)
    }
}
