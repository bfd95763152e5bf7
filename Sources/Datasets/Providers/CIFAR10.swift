import Formats
import Foundation
import Tensors

/// CIFAR-10's "binary version" (A. Krizhevsky 2009): `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` in
/// one folder, each with 10,000 records of a label and 32×32 bytes each of red, green and blue.
public struct CIFAR10: DataProviderKind {
    /// The folder that holds the files.
    public var directory: String

    /// Creates a provider for the files in `directory`.
    public init(directory: String) { self.directory = directory }

    /// `cifar10`.
    public static let type = "cifar10"
    /// The keys of its options.
    public static var options: Section<CIFAR10> {
        Section(
            initial: CIFAR10(directory: ""),
            fields: [
                .key(
                    "directory", \.directory, .text(limit: 4096), isRequired: true,
                    "The folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin.")
            ])
    }

    /// The names of the classes, by label.
    static let classNames = [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]
    private static let side = 32

    /// Loads the five training batches, and the test batch when it is needed.
    public func load() throws -> ProvidedData {
        let directory = directory
        let batches = (1...5).map { "data_batch_\($0).bin" }
        if !FileManager.default.fileExists(atPath: joined(directory, batches[0])),
            FileManager.default.fileExists(atPath: joined(directory, "data_batch_1"))
        {
            throw InputError(
                directory, expected: "CIFAR-10's binary version, data_batch_1.bin", received: "its Python version",
                remedy: "fetch cifar-10-binary.tar.gz from the same page")
        }
        let train = try batches.flatMap { try Self.read(joined(directory, $0)) }
        return ProvidedData(train: try Self.images(train, place: directory)) {
            try Self.images(Self.read(joined(directory, "test_batch.bin")), place: directory)
        }
    }

    /// Reads the records of one file, which must have at least one and only whole ones.
    private static func read(_ path: String) throws -> [UInt8] {
        let file = try BinaryFile(path), record = 1 + side * side * 3
        guard file.size > 0, file.size.isMultiple(of: record), file.size <= 100_000 * record else {
            throw InputError(
                path, expected: "1…100,000 records of \(record) bytes", received: "\(file.size) bytes")
        }
        return try file.read(exactly: file.size)
    }

    /// Converts records, whose channels are stored one after the other, to images `[N, 32, 32, 3]`.
    private static func images(_ records: [UInt8], place: String) throws(InputError) -> ImageSet {
        let area = side * side, record = 1 + 3 * area, count = records.count / record
        var pixels = [UInt8](repeating: 0, count: count * 3 * area), labels = [UInt8](repeating: 0, count: count)
        for image in 0..<count {
            labels[image] = records[image * record]
            for channel in 0..<3 {
                let source = image * record + 1 + channel * area
                for pixel in 0..<area { pixels[(image * area + pixel) * 3 + channel] = records[source + pixel] }
            }
        }
        return try ImageSet(
            images: pixels, labels: labels, height: side, width: side, channels: 3, classCount: classNames.count,
            classNames: classNames, place: place)
    }
}
