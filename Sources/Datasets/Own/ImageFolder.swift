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

    /// Reads the data set in the folder at `path`.
    /// - Parameters:
    ///   - classes: A model's classes in order, if any.
    ///   - note: Called with what was skipped or is unusual.
    /// - Throws: ``ConversionProblems`` naming every file that cannot be used; an `InputError` if the folder is not a
    ///   data set.
    package static func read(
        _ path: String, fitting: Fitting, inverted: Bool = false, classes: [String]? = nil,
        note: (String) -> Void = { _ in }, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> ConvertedData {
        let layout = try FolderLayout(path, classes: classes)
        for text in layout.notes { note(text) }
        return try read(layout, fitting: fitting, inverted: inverted, note: note, progress: progress)
    }

    /// Reads the pictures of `layout`.
    static func read(
        _ layout: FolderLayout, fitting: Fitting, inverted: Bool = false, note: (String) -> Void,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> ConvertedData {
        let reader = PictureReader(fitting: fitting, inverted: inverted)
        defer { reader.close() }
        var sets: [FolderLayout.Split: (images: [UInt8], labels: [UInt8], folder: String)] = [:]
        var done = 0
        for (split, folder, lists) in layout.files {
            var images: [UInt8] = [], labels: [UInt8] = []
            for (label, files) in lists.enumerated() {
                for start in stride(from: 0, to: files.count, by: PictureReader.atOnce) {
                    let some = files[start..<min(start + PictureReader.atOnce, files.count)]
                    for pixels in reader.pixels(of: Array(some), after: images.count, note: note) {
                        done += 1
                        progress(done, layout.count)
                        guard let pixels else { continue }
                        images += pixels
                        labels.append(UInt8(label))
                    }
                }
            }
            sets[split] = (images, labels, folder)
        }
        try reader.problems.check()
        let size = reader.size
        let names = layout.classes.map(ClassName.shown)
        func set(_ split: FolderLayout.Split) throws -> ImageSet? {
            guard let (images, labels, folder) = sets[split] else { return nil }
            guard !labels.isEmpty, let size else { throw InputError(folder, expected: "pictures", received: "none") }
            return try ImageSet(
                images: images, labels: labels, height: size.height, width: size.width, classCount: names.count,
                classNames: names, place: folder)
        }
        guard let train = try set(.train) else {
            throw InputError(layout.path, expected: "pictures", received: "none")
        }
        return ConvertedData(train: train, validation: try set(.val), test: try set(.test))
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
        try ConversionFiles.makeEmpty(folder)
        let total = data.parts.reduce(0) { $0 + $1.set.count }
        var done = 0
        for (half, set) in data.parts {
            for name in set.classNames { try ConversionFiles.make("\(folder)/\(half)/\(name)") }
            for index in 0..<set.count {
                let pixels = Array(set.images[(index * set.imageSize)..<((index + 1) * set.imageSize)])
                let png = PNG(
                    width: set.width, height: set.height, colour: set.channels == 3 ? .rgb : .grey, pixels: pixels)
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
    private let inverted: Bool
    private(set) var problems = ConversionProblems()
    /// The size of the first picture, which all others must have.
    private(set) var size: (width: Int, height: Int, file: String)?
    private let pool = WorkerPool(threads: Machine.usableCores)
    private var files: [String] = []
    /// By index of the file: the resulting image, and the notes on it.
    private let results = Mutex<[Int: (image: Result<GreyImage, InputError>, notes: [String])]>([:])

    init(fitting: ImageFolder.Fitting, inverted: Bool) { (self.fitting, self.inverted) = (fitting, inverted) }

    /// Stops the reader's threads.
    func close() { pool.shutdown() }

    /// Returns the pixels of each of `files`; nil for a file that cannot be used.
    /// - Parameter count: The number of bytes of the images before them.
    func pixels(of files: [String], after count: Int, note: (String) -> Void) -> [[UInt8]?] {
        self.files = files
        pool.run(self, tasks: files.count)
        let results = results.withLock { results in
            defer { results = [:] }
            return results
        }
        var count = count
        return files.indices.map { index in
            guard let (result, notes) = results[index] else { return nil }
            for text in notes { note("\(files[index]): \(text)") }
            do throws(InputError) {
                let image = try checked(result.get(), file: files[index], after: count)
                count += image.pixels.count
                return image.pixels
            } catch {
                problems.add(error)
                return nil
            }
        }
    }

    func run(task: Int, worker: Int) {
        var notes: [String] = []
        let image = Result { () throws(InputError) in
            try fitted(try ImageDecoder.read(files[task]) { notes.append($0) }, place: files[task])
        }
        results.withLock { $0[task] = (image, notes) }
    }

    private func checked(_ image: GreyImage, file: String, after count: Int) throws(InputError) -> GreyImage {
        let expected = size ?? (image.width, image.height, file)
        guard (image.width, image.height) == (expected.width, expected.height) else {
            throw InputError(
                file, expected: "\(expected.width)×\(expected.height) pixels, as \(expected.file)",
                received: "\(image.width)×\(image.height)",
                remedy: "--size WIDTHxHEIGHT resamples all to one size")
        }
        guard image.width <= IDX.largestExtent, image.height <= IDX.largestExtent,
            count + image.pixels.count <= IDX.largestPayload
        else {
            throw InputError(
                file, expected: "pictures of \(IDX.largestExtent) pixels a side, 8 GiB in all, at most",
                received: "more", remedy: "--size WIDTHxHEIGHT makes them smaller")
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
