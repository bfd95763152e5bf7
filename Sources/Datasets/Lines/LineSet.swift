import Tensors

/// Lines of text as pictures of one height, padded with paper to few widths.
package struct LineSet: Sendable {
    /// Lines of one width.
    package struct Bucket: Sendable {
        package let width: Int
        /// `[count, height, width]`, 0 paper to 255 ink.
        package var pixels: [UInt8] = []
        /// Classes from left to right.
        package var texts: [[UInt8]] = []
        /// The lines' numbers in the set.
        package var numbers: [Int] = []

        package init(width: Int) { self.width = width }
    }

    package let height: Int
    /// Of characters, by class.
    package let classNames: [String]
    package var buckets: [Bucket]

    /// Empty, for lines of these widths, in rising order.
    package init(height: Int, widths: [Int], classNames: [String]) {
        self.height = height
        self.classNames = classNames
        buckets = widths.map { Bucket(width: $0) }
    }

    package var count: Int { buckets.reduce(0) { $0 + $1.texts.count } }

    /// The texts by number, as they are written.
    package var texts: [String] {
        var result = [String](repeating: "", count: count)
        for bucket in buckets {
            for (number, text) in zip(bucket.numbers, bucket.texts) { result[number] = self.text(text) }
        }
        return result
    }

    /// Classes as they are written.
    package func text(_ classes: some Sequence<UInt8>) -> String { classes.map { classNames[Int($0)] }.joined() }
}

/// What lines of text a configuration trains on.
package struct LineData: Sendable {
    package var options: LineOptions
    package let height: Int
    /// In rising order; the last is the network's.
    package let widths: [Int]

    /// - Throws: an `InputError` where the network's width has no such parts, or its height holds no characters.
    package init(_ options: LineOptions, height: Int, width: Int) throws(InputError) {
        guard height >= 8, width >= 8 else {
            throw InputError(
                "model.inputShape", expected: "lines of at least 8×8 pixels", received: "\(height)×\(width)")
        }
        guard width.isMultiple(of: options.widths), width / options.widths >= height else {
            throw InputError(
                "data.lines.widths", expected: "even parts of the network's width \(width), each at least \(height)",
                received: "\(options.widths)")
        }
        self.options = options
        self.height = height
        widths = (1...options.widths).map { $0 * width / options.widths }
    }

    /// `count` lines composed of `characters`, the same for the same seed.
    /// - Parameter split: sets lines of several sets apart.
    package func composed(
        of characters: ImageSet, count: Int, split: LineSplit, seed: UInt64, columns: [Int]
    ) throws(InputError) -> LineSet {
        let composer = try LineComposer(characters, self, seed: seed, columns: columns)
        var set = LineSet(height: height, widths: widths, classNames: characters.classNames)
        var scratch = composer.makeScratch()
        for number in 0..<count {
            let bucket = number % widths.count, size = height * widths[bucket]
            let text = composer.draw(number, epoch: split.epoch, bucket: bucket, scratch: &scratch)
            for i in 0..<size { set.buckets[bucket].pixels.append(UInt8((scratch.pixels[i] * 255).rounded())) }
            set.buckets[bucket].texts.append(text)
            set.buckets[bucket].numbers.append(number)
        }
        return set
    }
}

/// What composed lines are for.
package enum LineSplit: Sendable {
    /// From 1.
    case training(epoch: Int)
    case validation
    case test

    /// In the lines' addresses; those of validation and test are beyond any epoch.
    var epoch: Int {
        switch self {
        case .training(let epoch): epoch
        case .validation: Int(UInt32.max)
        case .test: Int(UInt32.max) - 1
        }
    }
}
