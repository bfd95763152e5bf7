import Foundation
import Tensors

/// The 5,000 MNIST training images that ship with the package: 500 per class, in a fixed stratified split of 3,500 for
/// training, 500 for validation and 1,000 for testing, stored in that order. They were made by
/// `Tests/Oracles/make_sample.py`.
enum Sample {
    static let trainRange = 0..<3_500
    static let validationRange = 3_500..<4_000
    static let testRange = 4_000..<5_000

    static let record = DatasetRecord(
        name: DatasetName.mnist.rawValue, title: "MNIST sample", classNames: DatasetCatalog.digits,
        trainCount: 3_500, testCount: 1_000, licence: DatasetCatalog.mnist.licence,
        files: [
            .trainImages: DatasetFile(
                name: "images-idx3-ubyte", sha256: "7bcd617a63a58752fa6dd034a1ad358f544d8358e030c2e0d2fd73046d85e125"),
            .trainLabels: DatasetFile(
                name: "labels-idx1-ubyte", sha256: "e18e6fe44bbeb980f85a745210a0a269a8bb7b98201e0f223576115fd7d5dc6c"),
        ], mirrors: [])

    /// Reads all 5,000 images and checks their digests.
    /// - Throws: `InputError` if the package's resources are missing or damaged.
    static func load() throws -> DatasetReader.Half {
        let folder = joined(Bundle.module.bundlePath, "sample")
        var files: [DatasetRole: FoundDataset.File] = [:]
        for (role, file) in record.files { files[role] = .plain(joined(folder, file.publishedName)) }
        let found = FoundDataset(directory: folder, files: files)
        return try DatasetReader(record: record).half(of: found, images: .trainImages, labels: .trainLabels)
    }
}
