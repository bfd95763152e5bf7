import Formats
import Foundation
import Tensors

/// The list of a sharded data set's files, `shards.json` in its folder.
///
/// A shard is a pair of IDX files, which other tools read too: images of bytes, `[n, H, W]` or `[n, H, W, C]`, and their
/// labels, `[n]`. The parts are `train`, and `val` and `test` if there are any; the images of a part are those of its
/// shards in order.
struct ShardManifest: Sendable {
    static let fileName = "shards.json"
    static let version = 1

    /// One pair of files.
    struct Shard: Sendable {
        var images = ""
        var labels = ""
        var count = 0
        /// The SHA-256 digests of the two files.
        var imagesSHA256 = ""
        var labelsSHA256 = ""
    }

    var version = Self.version
    var classNames: [String] = []
    var height = 0
    var width = 0
    var channels = 1
    var train: [Shard] = []
    var val: [Shard] = []
    var test: [Shard] = []

    /// The extents of a shard of `count` images.
    func extents(_ count: Int) -> [Int] { IDX.imageExtents(count, height, width, channels: channels) }

    /// The bytes before the pixels of a shard of `count` images.
    func header(_ count: Int) -> [UInt8] { IDX.header(of: .ubyte, extents(count)) }

    static func isIn(_ folder: String) -> Bool { DatasetFileNames.isFile(joined(folder, fileName)) }

    /// Reads the manifest in `folder`.
    /// - Throws: an `InputError` if it is none, its sizes are out of range, or its files are not beside it.
    static func read(_ folder: String) throws(InputError) -> ShardManifest {
        let path = joined(folder, fileName), file = try BinaryFile(path)
        return try parse(try file.read(exactly: min(file.size, limit + 1)), path: path)
    }

    /// Parses a manifest; `path` names it in messages.
    static func parse(_ bytes: [UInt8], path: String) throws(InputError) -> ShardManifest {
        let json = try JSONValue.parse(bytes, name: path, limit: limit)
        let manifest = try section.codec.decode(json, ConfigurationPath(text: path))
        let shards = manifest.train + manifest.val + manifest.test
        guard manifest.height * manifest.width * manifest.channels <= Int(Int32.max),
            shards.reduce(0, { $0 + $1.count }) <= IDX.largestCount
        else {
            throw InputError(
                path, expected: "at most \(IDX.largestCount) images of at most \(Int32.max) values", received: "more")
        }
        for shard in shards {
            for name in [shard.images, shard.labels] where name.contains("/") || name.hasPrefix(".") {
                throw InputError(path, expected: "names of files beside it", received: printable(name))
            }
        }
        return manifest
    }

    private static let limit = 1 << 24

    /// Writes the manifest into `folder`.
    func write(to folder: String) throws {
        try AtomicFile.write(
            JSONValue.object(Self.section.encode(self)).prettyText,
            to: URL(fileURLWithPath: joined(folder, Self.fileName)))
    }

    private static var section: Section<ShardManifest> {
        let names = Codec.array(Codec<String>.text(limit: 256), count: 2...256, expected: "2 to 256 names")
        let extent = Codec<Int>.integer(1...IDX.largestExtent)
        let shards = Codec.array(shard.codec, count: 0...60_000, expected: "at most 60,000 shards")
        return Section(
            initial: ShardManifest(),
            fields: [
                .key("version", \.version, .integer(version...version), isRequired: true, "The format's version."),
                .key("classNames", \.classNames, names, isRequired: true, "The names of the classes."),
                .key("height", \.height, extent, isRequired: true, "Rows of an image."),
                .key("width", \.width, extent, isRequired: true, "Columns of an image."),
                .key("channels", \.channels, .integer(1...256), "Values of a pixel."),
                .key("train", \.train, shards, isRequired: true, "The shards of the training images."),
                .key("val", \.val, shards, "The shards of the validation images."),
                .key("test", \.test, shards, "The shards of the test images."),
            ])
    }

    private static var shard: Section<Shard> {
        let name = Codec<String>.text(limit: 255), digest = Codec<String>.text(limit: 64)
        return Section(
            initial: Shard(),
            fields: [
                .key("images", \.images, name, isRequired: true, "The IDX file of images."),
                .key("labels", \.labels, name, isRequired: true, "The IDX file of labels."),
                .key("count", \.count, .integer(1...IDX.largestCount), isRequired: true, "The number of images."),
                .key("imagesSHA256", \.imagesSHA256, digest, isRequired: true, "The digest of the images' file."),
                .key("labelsSHA256", \.labelsSHA256, digest, isRequired: true, "The digest of the labels' file."),
            ])
    }
}
