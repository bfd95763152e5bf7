import Formats
import Tensors

/// Labelled images of one size, as `[N, H, W, C]` arrays: images, rows, columns, channels. They are in memory, or in the
/// files of a sharded data set.
public struct ImageSet: Sendable {
    /// The bytes; images of numbers are rounded to the nearest byte.
    let storage: ImageStorage
    /// Pixels in [0, 1] if they were given as numbers, which networks then see instead of `images`.
    package let numbers: [Float]?
    /// The class of each image, below ``classCount``.
    package let labels: [UInt8]
    /// Several labels of each image, and weights.
    let targets: ImageTargets
    /// The number of rows of an image.
    public let height: Int
    /// The number of columns of an image.
    public let width: Int
    /// The number of values per pixel.
    public let channels: Int
    /// The number of classes, 1...256.
    public let classCount: Int
    /// How many classes there may be.
    private static let classCounts = 1...256
    /// The name of each class.
    public let classNames: [String]

    /// The number of images.
    public var count: Int { labels.count }
    /// The extents as an IDX file has them: `[N, H, W]` for one channel, else `[N, H, W, C]`.
    package var extents: [Int] { IDX.imageExtents(count, height, width, channels: channels) }
    /// The number of values of one image.
    package var imageSize: Int { height * width * channels }

    /// Creates a set of byte images.
    /// - Parameters:
    ///   - place: The name of the images in error messages.
    ///   - labelsPlace: The name of the labels in error messages; `place` if nil.
    /// - Throws: `InputError` if an extent is not positive, the pixels are not as many images as there are labels, a
    ///   label is out of range, or there are not `classCount` names.
    package init(
        images: [UInt8], labels: [UInt8], height: Int, width: Int, channels: Int = 1, classCount: Int,
        classNames: [String], place: String = "images", labelsPlace: String? = nil
    ) throws(InputError) {
        guard height > 0, width > 0, channels > 0 else {
            throw InputError(
                place, expected: "positive height, width and channels", received: "\(height)×\(width)×\(channels)")
        }
        guard classNames.count == classCount else {
            throw InputError(place, expected: "\(classCount) class names", received: "\(classNames.count)")
        }
        try Self.checkClasses(classNames, place: place)
        var size = labels.count
        for extent in [height, width, channels] {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow else {
                throw InputError(
                    place, expected: "images that fit in memory", received: "\(height)×\(width)×\(channels)")
            }
            size = product
        }
        guard size == images.count else {
            throw InputError(
                place, expected: "\(labels.count) images of \(height)×\(width)×\(channels), as there are labels",
                received: "\(images.count) bytes, or \(images.count / (height * width * channels)) images")
        }
        if let index = labels.firstIndex(where: { Int($0) >= classCount }) {
            throw InputError(
                labelsPlace ?? place, expected: "labels in 0...\(classCount - 1)",
                received: "\(labels[index]) at index \(index)")
        }
        storage = .memory(images)
        numbers = nil
        targets = .none
        self.labels = labels
        self.height = height
        self.width = width
        self.channels = channels
        self.classCount = classCount
        self.classNames = classNames
    }

    init(_ set: ImageSet, images: [UInt8], numbers: [Float]?, labels: [UInt8], targets: ImageTargets = .none) {
        self.init(set, storage: .memory(images), numbers: numbers, labels: labels, targets: targets)
    }

    /// Creates a set with the size and classes of `set`.
    init(
        _ set: ImageSet, storage: ImageStorage, numbers: [Float]? = nil, labels: [UInt8], targets: ImageTargets = .none
    ) {
        self.targets = targets
        self.storage = storage
        self.numbers = numbers
        self.labels = labels
        height = set.height
        width = set.width
        channels = set.channels
        classCount = set.classCount
        classNames = set.classNames
    }

    /// Creates a set of other images of the same size, which have no classes: all labels are 0.
    package init(_ set: ImageSet, bytes: [UInt8]) {
        precondition(bytes.count % set.imageSize == 0, "ImageSet: not whole images")
        self.init(
            set, images: bytes, numbers: set.numbers == nil ? nil : bytes.map { Float($0) / 255 },
            labels: [UInt8](repeating: 0, count: bytes.count / set.imageSize))
    }

    /// Returns the same images with other classes, `[count]`, each below ``classCount``.
    package func relabelled(_ labels: [UInt8]) -> ImageSet {
        precondition(
            labels.count == count && labels.allSatisfy { Int($0) < classCount }, "ImageSet: a class for each image")
        return ImageSet(self, storage: storage, numbers: numbers, labels: labels)
    }

    /// - Throws: an `InputError` if there are too many classes, or two of one name.
    package static func checkClasses(_ names: [String], place: String) throws(InputError) {
        guard classCounts.contains(names.count) else {
            throw InputError(
                place, expected: "\(classCounts.lowerBound) to \(classCounts.upperBound) classes",
                received: "\(names.count)")
        }
        var seen = Set<String>()
        if let name = names.first(where: { !seen.insert($0).inserted }) {
            throw InputError(place, expected: "different class names", received: "\(name) twice")
        }
    }

    /// Whether images have the height, width and channels of `other`'s.
    func hasSize(of other: ImageSet) -> Bool {
        (height, width, channels) == (other.height, other.width, other.channels)
    }

    /// The size of an image, for messages.
    var sizeText: String { "\(height)×\(width)" + (channels > 1 ? "×\(channels)" : "") }

    /// Returns a copy of the images at `indices`, in that order.
    /// - Precondition: each index in 0..<count.
    public func subset(_ indices: [Int]) -> ImageSet {
        if case .stored(let store, let numbers) = storage {
            return ImageSet(
                self, storage: .stored(store, indices.map { numbers[$0] }), labels: indices.map { labels[$0] },
                targets: targets.subset(indices))
        }
        let images = images
        var pixels: [UInt8] = []
        pixels.reserveCapacity(indices.count * imageSize)
        var values: [Float] = []
        var classes: [UInt8] = []
        classes.reserveCapacity(indices.count)
        for index in indices {
            precondition(index >= 0 && index < count, "ImageSet: index \(index) out of 0..<\(count)")
            let range = (index * imageSize)..<((index + 1) * imageSize)
            pixels += images[range]
            if let numbers { values += numbers[range] }
            classes.append(labels[index])
        }
        return ImageSet(
            self, images: pixels, numbers: numbers == nil ? nil : values, labels: classes,
            targets: targets.subset(indices))
    }

    /// Returns a copy of these images followed by those of `other`, which have the same size and classes.
    package func joined(with other: ImageSet) -> ImageSet {
        precondition(
            (height, width, channels, classNames) == (other.height, other.width, other.channels, other.classNames)
                && (numbers == nil) == (other.numbers == nil), "ImageSet: halves of one data set")
        if case .stored(let store, let numbers) = storage, case .stored(let otherStore, let others) = other.storage,
            store === otherStore
        {
            return ImageSet(
                self, storage: .stored(store, numbers + others), labels: labels + other.labels,
                targets: targets.joined(with: other.targets))
        }
        return ImageSet(
            self, images: images + other.images, numbers: numbers.flatMap { a in other.numbers.map { a + $0 } },
            labels: labels + other.labels, targets: targets.joined(with: other.targets))
    }

    /// Returns a copy of the images in `range`.
    public func subset(_ range: Range<Int>) -> ImageSet { subset(Array(range)) }

    /// The same images with rows and columns swapped; nil unless they are square byte images of one channel.
    package var transposed: ImageSet? {
        guard height == width, channels == 1, numbers == nil else { return nil }
        return ImageSet(
            self, images: DatasetReader.transposed(images, rows: height, columns: width), numbers: nil, labels: labels,
            targets: targets)
    }

    /// The same images with light and dark inverted.
    package var inverted: ImageSet {
        ImageSet(
            self, images: images.map { 255 - $0 }, numbers: numbers.map { $0.map { 1 - $0 } }, labels: labels,
            targets: targets)
    }

    /// Returns the same images with other class names.
    func named(_ names: [String]) throws(InputError) -> ImageSet {
        let named = try ImageSet(
            images: [], labels: [], height: height, width: width, channels: channels, classCount: classCount,
            classNames: names.map(ClassName.shown), place: "data.classNames")
        return ImageSet(named, storage: storage, numbers: numbers, labels: labels, targets: targets)
    }

    /// The number of images of each class; an image with several labels counts for each of them.
    package var classSizes: [Int] {
        var sizes = [Int](repeating: 0, count: classCount)
        if let labelSets {
            for set in labelSets { for k in 0..<classCount where set >> UInt64(k) & 1 == 1 { sizes[k] += 1 } }
            return sizes
        }
        for label in labels { sizes[Int(label)] += 1 }
        return sizes
    }

    /// The mean and the population standard deviation of all pixels in [0, 1]; exact sums for bytes, zero if empty.
    package var pixelMoments: (mean: Double, standardDeviation: Double) {
        if let numbers { return Self.moments(numbers) }
        var histogram = [Int](repeating: 0, count: 256)
        forEachImage { _, pixels in for i in pixels.indices { histogram[Int(pixels[i])] += 1 } }
        let count = Double(self.count * imageSize)
        guard count > 0 else { return (0, 0) }
        var sum = 0, squares = 0
        for (value, times) in histogram.enumerated() {
            sum += value * times
            squares += value * value * times
        }
        let mean = Double(sum) / count
        return (mean / 255, max(Double(squares) / count - mean * mean, 0).squareRoot() / 255)
    }
}
