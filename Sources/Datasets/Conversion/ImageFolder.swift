import Formats
import Foundation
import Pictures
import Tensors

/// A data set as a folder of pictures: a folder for each class, in `train` and `test` or alone.
///
/// Classes are the folders' names: in the order of their numbers where all are whole numbers, else of their letters; the
/// names of both halves together. Pictures of a class are taken in the order of their names. Files whose names begin
/// with a dot, and files beside the class folders, are passed over.
package enum ImageFolder {
    /// How a picture becomes an image of the set.
    package enum Fitting: Hashable, Sendable {
        /// As it is; all must be of one size.
        case asIs
        /// Resampled to this size by area means, proportions not kept.
        case resized(width: Int, height: Int)
        /// As MNIST's digits were: ink found, cropped, fitted and centred (``GlyphPreparation``).
        case prepared(width: Int, height: Int)
    }

    private struct Half {
        var images: [UInt8] = []
        var labels: [UInt8] = []
    }

    /// Reads the data set in the folder at `path`.
    /// - Throws: ``ConversionProblems`` naming every file that cannot be taken; an `InputError` where the folder is none.
    package static func read(
        _ path: String, fitting: Fitting, inverted: Bool = false,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> ConvertedData {
        let halves = ["train", "test"].filter { isFolder(path + "/" + $0) }
        guard halves != ["test"] else {
            throw InputError(path, expected: "a folder train beside the folder test", received: "none")
        }
        let roots = halves.isEmpty ? [path] : halves.map { path + "/" + $0 }
        let classes = ordered(Set(try roots.flatMap { try subfolders($0) }))
        guard classes.count >= 2, classes.count <= 256 else {
            throw InputError(
                path, expected: "2 to 256 folders of pictures, one for each class", received: "\(classes.count)")
        }
        let listed = try roots.map { root in
            try classes.map { name in isFolder(root + "/" + name) ? try files(root + "/" + name) : [] }
        }
        let total = listed.joined().reduce(0) { $0 + $1.count }
        var problems = ConversionProblems()
        var size: (width: Int, height: Int, file: String)?
        var read: [Half] = []
        var done = 0
        for files in listed {
            var half = Half()
            for (label, files) in files.enumerated() {
                for file in files {
                    do {
                        let image = try fitted(try ImageDecoder.read(file), fitting, inverted: inverted, place: file)
                        let expected = size ?? (image.width, image.height, file)
                        guard (image.width, image.height) == (expected.width, expected.height) else {
                            throw InputError(
                                file, expected: "\(expected.width)×\(expected.height) pixels, as \(expected.file)",
                                received: "\(image.width)×\(image.height)",
                                remedy: "--size WIDTHxHEIGHT resamples all to one size")
                        }
                        guard image.width <= IDX.largestExtent, image.height <= IDX.largestExtent,
                            half.images.count + image.pixels.count <= IDX.largestPayload
                        else {
                            throw InputError(
                                file, expected: "pictures of \(IDX.largestExtent) pixels a side, 8 GiB in all, at most",
                                received: "more", remedy: "--size WIDTHxHEIGHT makes them smaller")
                        }
                        size = expected
                        half.images += image.pixels
                        half.labels.append(UInt8(label))
                    } catch let error as InputError {
                        problems.add(error)
                    }
                    done += 1
                    progress(done, total)
                }
            }
            read.append(half)
        }
        try problems.check()
        let sets = try zip(read, roots).map { half, root in
            guard !half.labels.isEmpty, let size else {
                throw InputError(root, expected: "pictures", received: "none")
            }
            return try ImageSet(
                images: half.images, labels: half.labels, height: size.height, width: size.width,
                classCount: classes.count, classNames: classes, place: root)
        }
        return ConvertedData(train: sets[0], test: sets.count > 1 ? sets[1] : nil)
    }

    private static func fitted(
        _ image: GreyImage, _ fitting: Fitting, inverted: Bool, place: String
    ) throws(InputError) -> GreyImage {
        let image = inverted ? image.inverted : image
        switch fitting {
        case .asIs: return image
        case .resized(let width, let height): return image.resized(width: width, height: height)
        case .prepared(let width, let height):
            guard let map = InkMap(image), let glyph = Segmentation(map).single?.glyph else {
                throw InputError(place, expected: "a picture of a character", received: "an empty one")
            }
            return GreyImage(
                width: width, height: height, pixels: GlyphPreparation(height: height, width: width).bytes(glyph))
        }
    }

    // MARK: - Folders

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    private static func names(_ path: String) throws(InputError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
        } catch {
            throw InputError(path, expected: "a folder that can be read", received: error.localizedDescription)
        }
    }

    private static func subfolders(_ path: String) throws(InputError) -> [String] {
        try names(path).filter { isFolder(path + "/" + $0) }
    }

    private static func files(_ path: String) throws(InputError) -> [String] { try names(path).map { path + "/" + $0 } }

    /// By number where all are numbers, else by letters.
    static func ordered(_ names: Set<String>) -> [String] {
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        guard numbers.count == names.count else { return names.sorted() }
        return numbers.sorted { ($0.number, $0.name) < ($1.number, $1.name) }.map(\.name)
    }

    // MARK: - Writing

    /// Writes `data` as PNG files `folder/train/CLASS/00001.png`, numbered by their place in the set.
    /// - Throws: an `InputError` where `folder` holds something already or a class's name is no folder's.
    package static func write(
        _ data: ConvertedData, to folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        if let strange = data.train.classNames.first(where: {
            $0.isEmpty || $0.hasPrefix(".") || $0.contains("/") || $0.contains("\0")
        }) {
            throw InputError(folder, expected: "class names that can be folders", received: strange)
        }
        try ConversionFiles.makeEmpty(folder)
        let total = data.train.count + (data.test?.count ?? 0)
        var done = 0
        for (half, set) in [("train", data.train), ("test", data.test)] {
            guard let set else { continue }
            for name in set.classNames { try ConversionFiles.make("\(folder)/\(half)/\(name)") }
            for index in 0..<set.count {
                let pixels = Array(set.images[(index * set.imageSize)..<((index + 1) * set.imageSize)])
                let png = PNG(
                    width: set.width, height: set.height, colour: set.channels == 3 ? .rgb : .grey, pixels: pixels)
                let number = String(repeating: "0", count: max(0, 5 - "\(index)".count)) + "\(index)"
                let name = set.classNames[Int(set.labels[index])]
                try ConversionFiles.write(try png.encoded(), to: "\(folder)/\(half)/\(name)/\(number).png")
                done += 1
                progress(done, total)
            }
        }
    }
}
