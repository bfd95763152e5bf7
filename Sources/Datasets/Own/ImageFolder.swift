import Formats
import Foundation
import Pictures
import Synchronization
import Tensors
import Workers

/// A data set as a folder of pictures, laid out as ``FolderLayout`` describes.
package enum ImageFolder {
    /// How a picture becomes an image of the set.
    package enum Fitting: Hashable, Sendable {
        /// Unchanged; all pictures must have one size.
        case asIs
        /// Resampled to this size by area averaging, without preserving proportions.
        case resized(width: Int, height: Int)
        /// Prepared as MNIST's digits were: ink found, cropped, scaled and centred (``GlyphPreparation``); pictures
        /// that are already prepared stay unchanged.
        case prepared(width: Int, height: Int)
    }

    /// What gives the size of an image, for remedies: training and conversion read the same data, by other words.
    static let sizeOption = "model.inputShape (datasets convert: --size WIDTHxHEIGHT)"

    /// Reads the data set in the folder at `path`.
    /// - Parameters:
    ///   - classes: A model's classes in order, if any.
    ///   - note: Called with what was skipped or is unusual.
    /// - Throws: ``ConversionProblems`` naming every file that cannot be used; an `InputError` if the folder is not a
    ///   data set.
    package static func read(
        _ path: String, fitting: Fitting, isColour: Bool = false, inverted: Bool = false, classes: [String]? = nil,
        note: (String) -> Void = { _ in }, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> ConvertedData {
        let layout = try FolderLayout(path, classes: classes)
        for text in layout.notes { note(text) }
        return try read(
            layout, fitting: fitting, isColour: isColour, inverted: inverted, note: note, progress: progress)
    }

    /// Reads the pictures of `layout` into memory.
    static func read(
        _ layout: FolderLayout, fitting: Fitting, isColour: Bool = false, inverted: Bool = false,
        note: (String) -> Void, progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> ConvertedData {
        var sets: [FolderLayout.Split: (images: [UInt8], labels: [UInt8])] = [:]
        var size = (height: 0, width: 0, channels: 0), count = 0
        try forEachPicture(
            layout, fitting: fitting, isColour: isColour, inverted: inverted, note: note, progress: progress
        ) { picture in
            count += picture.pixels.count
            guard count <= IDX.largestPayload else {
                throw InputError(
                    picture.file, expected: "8 GiB of pictures at most", received: "more",
                    remedy: "\(sizeOption) makes them smaller; trainer datasets convert --shards takes any number")
            }
            sets[picture.split, default: ([], [])].images += picture.pixels
            sets[picture.split, default: ([], [])].labels.append(picture.label)
            size = (picture.height, picture.width, picture.channels)
        }
        let names = layout.classes.map(ClassName.shown)
        func set(_ split: FolderLayout.Split) throws -> ImageSet? {
            guard let folder = layout.files.first(where: { $0.split == split })?.folder else { return nil }
            guard let (images, labels) = sets[split] else {
                throw InputError(folder, expected: "pictures", received: "none")
            }
            return try ImageSet(
                images: images, labels: labels, height: size.height, width: size.width, channels: size.channels,
                classCount: names.count, classNames: names, place: folder)
        }
        guard let train = try set(.train) else {
            throw InputError(layout.path, expected: "pictures", received: "none")
        }
        return ConvertedData(train: train, validation: try set(.val), test: try set(.test))
    }

    /// A picture as an image of the set.
    struct Picture {
        var file: String
        var split: FolderLayout.Split
        var label: UInt8
        /// `[height, width, channels]`.
        var pixels: [UInt8]
        var height: Int
        var width: Int
        var channels: Int
    }

    /// Calls `body` with the pictures of `layout`, in order.
    static func forEachPicture(
        _ layout: FolderLayout, fitting: Fitting, isColour: Bool, inverted: Bool, note: (String) -> Void,
        progress: (_ done: Int, _ total: Int) -> Void, _ body: (Picture) throws -> Void
    ) throws {
        let reader = PictureReader(fitting: fitting, isColour: isColour, inverted: inverted)
        defer { reader.close() }
        var done = 0
        for (split, _, lists) in layout.files {
            for (label, files) in lists.enumerated() {
                for start in stride(from: 0, to: files.count, by: PictureReader.atOnce) {
                    let some = Array(files[start..<min(start + PictureReader.atOnce, files.count)])
                    for (file, image) in zip(some, reader.images(some, note: note)) {
                        done += 1
                        progress(done, layout.count)
                        guard let image else { continue }
                        try body(
                            Picture(
                                file: file, split: split, label: UInt8(label), pixels: image.pixels,
                                height: image.height, width: image.width, channels: image.channels))
                    }
                }
            }
        }
        try reader.problems.check()
    }

    /// Returns `names` ordered as numbers if all are numbers, else alphabetically.
    static func ordered(_ names: Set<String>) -> [String] {
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        guard numbers.count == names.count else { return names.sorted() }
        return numbers.sorted { ($0.number, $0.name) < ($1.number, $1.name) }.map(\.name)
    }

    // MARK: - Writing

    /// Writes `data` as PNG files `folder/train/CLASS/00001.png`, numbered by their position in the set.
    /// - Throws: an `InputError` if `folder` is not empty or a class name cannot name a folder.
    package static func write(
        _ data: ConvertedData, to folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        if let strange = data.train.classNames.first(where: {
            $0.isEmpty || $0.hasPrefix(".") || $0.contains("/") || $0.contains("\0")
        }) {
            throw InputError(folder, expected: "class names that can be folders", received: strange)
        }
        guard let colour = PNG.Colour(rawValue: data.train.channels) else {
            throw InputError(
                folder, expected: "images of 1 channel or 3, which PNG has colours for",
                received: "\(data.train.channels)", remedy: "--to csv or --to idx")
        }
        try ConversionFiles.makeEmpty(folder)
        let total = data.parts.reduce(0) { $0 + $1.set.count }
        var done = 0
        for (half, set) in data.parts {
            for name in set.classNames { try ConversionFiles.make("\(folder)/\(half)/\(name)") }
            for index in 0..<set.count {
                let pixels = set.bytes(of: index)
                let png = PNG(width: set.width, height: set.height, colour: colour, pixels: pixels)
                let number = Text.padded(index, 5)
                let name = set.classNames[Int(set.labels[index])]
                try ConversionFiles.write(try png.encoded(), to: "\(folder)/\(half)/\(name)/\(number).png")
                done += 1
                progress(done, total)
            }
        }
    }
}

/// Reads pictures into images of one size, several at a time, and collects the problems with them. The result does not
/// depend on the number of threads.
private final class PictureReader: ParallelWork {
    /// The number of pictures in memory at once.
    static let atOnce = 64

    private let fitting: ImageFolder.Fitting
    private let isColour: Bool
    private let inverted: Bool
    private(set) var problems = ConversionProblems()
    /// The size of the first picture, which all others must have.
    private var size: (width: Int, height: Int, file: String)?
    private let pool = WorkerPool(threads: Machine.usableCores)
    private var files: [String] = []
    /// By index of the file: the resulting image, and the notes on it.
    private let results = Mutex<[Int: (image: Result<ColourImage, InputError>, notes: [String])]>([:])

    init(fitting: ImageFolder.Fitting, isColour: Bool, inverted: Bool) {
        (self.fitting, self.isColour, self.inverted) = (fitting, isColour, inverted)
    }

    /// Stops the reader's threads.
    func close() { pool.shutdown() }

    /// Returns the image of each of `files`; nil for a file that cannot be used.
    func images(_ files: [String], note: (String) -> Void) -> [ColourImage?] {
        self.files = files
        pool.run(self, tasks: files.count)
        let results = results.withLock { results in
            defer { results = [:] }
            return results
        }
        return files.indices.map { index in
            guard let (result, notes) = results[index] else { return nil }
            for text in notes { note("\(files[index]): \(text)") }
            do throws(InputError) {
                return try checked(result.get(), file: files[index])
            } catch {
                problems.add(error)
                return nil
            }
        }
    }

    func run(task: Int, worker: Int) {
        var notes: [String] = []
        let image = Result { () throws(InputError) in
            let file = files[task]
            guard isColour else {
                return ColourImage(planes: [try fitted(try ImageDecoder.read(file) { notes.append($0) }, place: file)])
            }
            let picture = try ImageDecoder.readColour(file) { notes.append($0) }
            let image = inverted ? picture.inverted : picture
            guard case .resized(let width, let height) = fitting else { return image }
            return image.resized(width: width, height: height)
        }
        results.withLock { $0[task] = (image, notes) }
    }

    private func checked(_ image: ColourImage, file: String) throws(InputError) -> ColourImage {
        let expected = size ?? (image.width, image.height, file)
        guard (image.width, image.height) == (expected.width, expected.height) else {
            throw InputError(
                file, expected: "\(expected.width)×\(expected.height) pixels, as \(expected.file)",
                received: "\(image.width)×\(image.height)",
                remedy: "\(ImageFolder.sizeOption) resamples all to one size")
        }
        guard image.width <= IDX.largestExtent, image.height <= IDX.largestExtent else {
            throw InputError(
                file, expected: "pictures of at most \(IDX.largestExtent) pixels a side",
                received: "\(image.width)×\(image.height)",
                remedy: "\(ImageFolder.sizeOption) makes them smaller")
        }
        size = expected
        return image
    }

    private func fitted(_ picture: GreyImage, place: String) throws(InputError) -> GreyImage {
        let image = inverted ? picture.inverted : picture
        switch fitting {
        case .asIs: return image
        case .resized(let width, let height):
            return (image.width, image.height) == (width, height) ? image : image.resized(width: width, height: height)
        case .prepared(let width, let height):
            let preparation = GlyphPreparation(height: height, width: width)
            if (image.width, image.height) == (width, height), preparation.isPrepared(image) { return image }
            guard let glyph = Segmentation.glyph(in: image, { $0.single?.glyph }) else {
                throw InputError(
                    place, expected: "a picture of a character", received: "an empty one",
                    remedy: "pictures of other things are taken as they are with data.prepare false")
            }
            return GreyImage(width: width, height: height, pixels: preparation.bytes(glyph))
        }
    }
}
