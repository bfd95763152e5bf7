import Tensors

/// The lines of text that a configuration trains on.
package struct LineData: Sendable {
    package var options: LineOptions
    package let height: Int
    /// The widths of lines, ascending; the last is the network's.
    package let widths: [Int]
    /// Lines that are pictures of real writing; nil if they are composed of the data's characters.
    package var stored: StoredSets?

    /// The sets of lines that are pictures.
    package struct StoredSets: Sendable {
        package var train: LineSet
        /// May be empty.
        package var validation: LineSet
        package var test: LineSet
    }

    /// - Throws: an `InputError` if the network's width has no such parts, or its height is too small for characters.
    package init(_ options: LineOptions, height: Int, width: Int) throws(InputError) {
        guard height >= 8, width >= 8 else {
            throw InputError(
                "model.inputShape", expected: "lines of at least 8×8 pixels", received: "\(height)×\(width)")
        }
        guard width.isMultiple(of: 16 * options.widths), width / options.widths >= height else {
            throw InputError(
                "data.lines.widths",
                expected: "even parts of the network's width \(width), each a multiple of 16 and at least \(height)",
                received: "\(options.widths)")
        }
        self.options = options
        self.height = height
        widths = (1...options.widths).map { $0 * width / options.widths }
    }

    /// The number of training lines per epoch.
    package var trainingCount: Int { stored?.train.count ?? options.count }

    /// Returns the number of batches per epoch.
    package func batchCount(size: Int) -> Int {
        stored?.train.batchCount(size: size) ?? (options.count + size - 1) / size
    }

    /// Returns the source of training lines.
    /// - Parameters:
    ///   - characters: The characters that lines are composed of.
    ///   - columns: The number of columns of the network's output, by width.
    /// - Throws: an `InputError` if a line has too few columns for its text, or the characters are not grey.
    package func source(
        of characters: ImageSet, seed: UInt64, columns: [Int]
    ) throws(InputError) -> any LineSource {
        guard let stored else { return try LineComposer(characters, self, seed: seed, columns: columns) }
        try stored.train.check(columns: columns)
        return StoredLines(stored.train, options, seed: seed)
    }

    /// Returns the validation lines; nil if there are none.
    package func validation(
        of characters: ImageSet, seed: UInt64, columns: [Int]
    ) throws(InputError) -> LineSet? {
        if let stored {
            try stored.validation.check(columns: columns)
            return stored.validation.count == 0 ? nil : stored.validation
        }
        guard characters.count > 0 else { return nil }
        return try composed(
            of: characters, count: options.validationCount, split: .validation, seed: seed, columns: columns)
    }

    /// Returns the test lines.
    package func test(of characters: ImageSet, seed: UInt64, columns: [Int]) throws(InputError) -> LineSet {
        if let stored {
            try stored.test.check(columns: columns)
            return stored.test
        }
        return try composed(of: characters, count: options.testCount, split: .test, seed: seed, columns: columns)
    }

    /// Returns some lines as training sees them in its first epoch.
    package func samples(of characters: ImageSet, count: Int, seed: UInt64, columns: [Int]) throws(InputError)
        -> LineSet
    {
        if let stored { return stored.train.first(count) }
        return try composed(of: characters, count: count, split: .training(epoch: 1), seed: seed, columns: columns)
    }

    /// Returns `count` lines composed of `characters`, the same for the same seed.
    /// - Parameter split: Keeps the lines of several sets apart.
    func composed(
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
