import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Datasets

/// `count` random images of `height`×`width` in `classCount` classes taken by turns.
func randomSet(
    _ count: Int, height: Int = 5, width: Int = 4, channels: Int = 1, classCount: Int = 3
) throws -> ImageSet {
    try ImageSet(
        images: randomBytes(count * height * width * channels, UInt32(count)),
        labels: (0..<count).map { UInt8($0 % classCount) }, height: height, width: width, channels: channels,
        classCount: classCount, classNames: (0..<classCount).map { "class \($0)" })
}

/// A small data set in four IDX files, by role.
struct SmallFiles {
    var images: [DatasetRole: IDX] = [:]
    /// Of the record that they make up.
    var record: DatasetRecord

    /// - Parameters:
    ///   - labels: By role `trainLabels` and `testLabels`.
    ///   - template: Gives all but names, digests and mirrors.
    init(_ name: String = "mnist", labels: [DatasetRole: IDX], side: Int = 3, mirrors: [String] = []) throws {
        images = labels
        for (role, other, number) in [
            (DatasetRole.trainImages, DatasetRole.trainLabels, UInt32(1)), (.testImages, .testLabels, 2),
        ] {
            let count = labels[other]?.extents[0] ?? 1
            images[role] = IDX(extents: [count, side, side], bytes: randomBytes(count * side * side, number))
        }
        var files: [DatasetRole: DatasetFile] = [:]
        for role in DatasetRole.allCases {
            guard let array = images[role] else { continue }
            let packed = try Gzip.compress(array.fileBytes)
            files[role] = DatasetFile(
                name: "\(role.rawValue)-idx", sha256: try DatasetReader.digest(of: array),
                publishedSHA256: try Digest.hex(packed), publishedBytes: packed.count)
        }
        record = DatasetRecord(
            name: name, title: "a small \(name)", classNames: DatasetCatalog.digits, trainCount: 20, testCount: 10,
            licence: "none", files: files, mirrors: mirrors)
    }

    /// Twenty training and ten test images of ten classes.
    static func digits(mirrors: [String] = []) throws -> SmallFiles {
        try SmallFiles(
            labels: [
                .trainLabels: IDX(extents: [20], bytes: (0..<20).map { UInt8($0 % 10) }),
                .testLabels: IDX(extents: [10], bytes: (0..<10).map { UInt8($0) }),
            ], mirrors: mirrors)
    }

    /// The files as they are published, by name.
    func published() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for (role, array) in images {
            files[record.file(role).publishedName] = try Gzip.compress(array.fileBytes)
        }
        return files
    }

    /// Places without any network, that know this record under the name `mnist`.
    func locations(cache: TemporaryFolder, environment: String? = nil) -> DatasetLocations {
        DatasetLocations(
            environmentDirectory: environment, cacheDirectory: cache.path, systemDirectories: [],
            allowsDownload: false, records: [.mnist: record])
    }
}
