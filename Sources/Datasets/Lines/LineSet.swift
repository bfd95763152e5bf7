import Tensors

/// Lines of text as pictures of one height, padded with paper to a few widths.
package struct LineSet: Sendable {
    /// Lines of one width.
    package struct Bucket: Sendable {
        package let width: Int
        /// Pixels, `[count, height, width]`, from 0 (paper) to 255 (ink).
        package var pixels: [UInt8] = []
        /// The classes of each line, from left to right.
        package var texts: [[UInt8]] = []
        /// The lines' numbers in the set.
        package var numbers: [Int] = []
        /// The lines' files, if they are pictures.
        package var names: [String] = []

        package init(width: Int) { self.width = width }
    }

    package let height: Int
    /// The names of the characters, by class.
    package let classNames: [String]
    package var buckets: [Bucket]

    /// Creates an empty set for lines of these widths, in ascending order.
    package init(height: Int, widths: [Int], classNames: [String]) {
        self.height = height
        self.classNames = classNames
        buckets = widths.map { Bucket(width: $0) }
    }

    package var count: Int { buckets.reduce(0) { $0 + $1.texts.count } }

    /// Returns the number of batches of one width each and at most `size` lines.
    func batchCount(size: Int) -> Int { buckets.reduce(0) { $0 + ($1.texts.count + size - 1) / size } }

    /// The texts of the lines, by number.
    package var texts: [String] {
        var result = [String](repeating: "", count: count)
        for bucket in buckets {
            for (number, text) in zip(bucket.numbers, bucket.texts) { result[number] = self.text(text) }
        }
        return result
    }

    /// Returns classes as text.
    package func text(_ classes: some Sequence<UInt8>) -> String { classes.map { classNames[Int($0)] }.joined() }

    /// Returns the number of columns that a text needs: one per character, and one more between two equal ones.
    package static func columnsNeeded(_ text: [UInt8]) -> Int {
        text.count + zip(text, text.dropFirst()).count { $0 == $1 }
    }

    /// Checks that every line has the columns that its text needs.
    /// - Parameter columns: The number of columns, by width.
    func check(columns: [Int]) throws(InputError) {
        for (bucket, available) in zip(buckets, columns) {
            for (index, text) in bucket.texts.enumerated() {
                let needed = Self.columnsNeeded(text)
                guard needed > available else { continue }
                throw InputError(
                    bucket.names.indices.contains(index) ? bucket.names[index] : "line \(bucket.numbers[index])",
                    expected:
                        "a picture of at least \(needed) of the network's columns, for the text \(self.text(text))",
                    received: "\(available)", remedy: "let the network keep more of the width")
            }
        }
    }

    /// Returns the lines with these numbers, renumbered in that order.
    func subset(_ wanted: [Int]) -> LineSet {
        var result = LineSet(height: height, widths: buckets.map(\.width), classNames: classNames)
        let places = Dictionary(wanted.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { a, _ in a })
        for (b, bucket) in buckets.enumerated() {
            let size = height * bucket.width
            for (index, number) in bucket.numbers.enumerated() {
                guard let place = places[number] else { continue }
                result.buckets[b].pixels += bucket.pixels[(index * size)..<((index + 1) * size)]
                result.buckets[b].texts.append(bucket.texts[index])
                result.buckets[b].numbers.append(place)
                if bucket.names.indices.contains(index) { result.buckets[b].names.append(bucket.names[index]) }
            }
        }
        return result
    }

    /// Returns the first `count` lines.
    func first(_ count: Int) -> LineSet { subset(Array(0..<min(count, self.count))) }

    /// The number of characters of each line, by number.
    var lengths: [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        for bucket in buckets {
            for (number, text) in zip(bucket.numbers, bucket.texts) { result[number] = UInt8(text.count) }
        }
        return result
    }
}

/// The purpose of composed lines.
package enum LineSplit: Sendable {
    /// Training lines of an epoch, counted from 1.
    case training(epoch: Int)
    case validation
    case test

    /// The epoch in the lines' random addresses; those of validation and test are beyond any training epoch.
    var epoch: Int {
        switch self {
        case .training(let epoch): epoch
        case .validation: Int(UInt32.max)
        case .test: Int(UInt32.max) - 1
        }
    }
}
