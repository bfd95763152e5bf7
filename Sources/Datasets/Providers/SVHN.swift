import Formats
import Foundation
import Tensors

/// The Street View House Numbers as single digits ("format 2": Y. Netzer and others 2011): `train_32x32.mat`,
/// `test_32x32.mat` and, if asked for, `extra_32x32.mat` in one folder. Each has `X`, bytes `[32, 32, 3, N]`, and `y`,
/// `[N, 1]`, where 10 stands for the digit 0.
public struct SVHN: DataProviderKind {
    /// The folder that holds the files.
    public var directory: String
    /// Whether the 531,131 easier digits of `extra_32x32.mat` are trained on too.
    public var extra: Bool

    /// Creates a provider for the files in `directory`.
    public init(directory: String, extra: Bool = false) { (self.directory, self.extra) = (directory, extra) }

    /// `svhn`.
    public static let type = "svhn"
    /// The keys of its options.
    public static var options: Section<SVHN> {
        Section(
            initial: SVHN(directory: ""),
            fields: [
                .key(
                    "directory", \.directory, .text(limit: 4096), isRequired: true,
                    "The folder of train_32x32.mat and test_32x32.mat."),
                .key("extra", \.extra, .boolean, "Whether extra_32x32.mat is trained on too."),
            ])
    }

    /// Loads the training digits, and the test digits when they are needed.
    public func load() throws -> ProvidedData {
        let directory = directory
        var train = try Self.read(joined(directory, "train_32x32.mat"))
        if extra {
            let path = joined(directory, "extra_32x32.mat"), more = try Self.read(path)
            guard more.hasSize(of: train) else {
                throw InputError(
                    path, expected: "images of \(train.sizeText), as the others", received: more.sizeText)
            }
            train = train.joined(with: more)
        }
        return ProvidedData(train: train) { try Self.read(joined(directory, "test_32x32.mat")) }
    }

    private static func read(_ path: String) throws -> ImageSet {
        let file = try MATFile(path)
        guard let x = file.matrices["X"], let y = file.matrices["y"] else {
            throw InputError(
                path, expected: "matrices X and y",
                received: printable(file.matrices.keys.sorted().joined(separator: ", ")))
        }
        guard x.type == .uint8, x.extents.count == 4 || x.extents.count == 3, x.extents[2] == 3,
            x.extents[..<2].allSatisfy({ (1...IDX.largestExtent).contains($0) })
        else {
            throw InputError(
                path, expected: "X as bytes [32, 32, 3, N]", received: "\(x.type) \(IDX.describe(x.extents))")
        }
        let (height, width) = (x.extents[0], x.extents[1]), area = height * width
        // MATLAB leaves out a last extent of 1.
        let count = x.extents.count == 4 ? x.extents[3] : 1
        guard y.count == count, count > 0 else {
            throw InputError(path, expected: "\(count) labels y, as X has images", received: "\(y.count)")
        }
        var labels = [UInt8](repeating: 0, count: count)
        for index in 0..<count {
            guard let label = UInt8(exactly: y.number(index)), (1...10).contains(label) else {
                throw InputError(
                    path, expected: "labels in 1…10", received: "\(y.number(index)) at index \(index)")
            }
            labels[index] = label % 10
        }
        // From [row, column, channel, image], the row fastest, to [image, row, column, channel], the channel fastest.
        var pixels = [UInt8](repeating: 0, count: x.bytes.count)
        for image in 0..<count {
            let start = image * 3 * area
            for channel in 0..<3 {
                for column in 0..<width {
                    for row in 0..<height {
                        pixels[start + (row * width + column) * 3 + channel] =
                            x.bytes[start + channel * area + column * height + row]
                    }
                }
            }
        }
        return try ImageSet(
            images: pixels, labels: labels, height: height, width: width, channels: 3, classCount: 10,
            classNames: ImageSet.digits, place: path)
    }
}
