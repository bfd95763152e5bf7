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
        /// Their files, where they are pictures.
        package var names: [String] = []

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

    /// Batches of one width each and at most so many lines.
    func batchCount(size: Int) -> Int { buckets.reduce(0) { $0 + ($1.texts.count + size - 1) / size } }

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

    /// A column for each character, and one more between two that are equal.
    static func columnsNeeded(_ text: [UInt8]) -> Int {
        text.count + zip(text, text.dropFirst()).count { $0 == $1 }
    }

    /// Checks that every line has the columns that its text needs.
    /// - Parameter columns: by width.
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

    /// The lines of these numbers, numbered anew.
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

    /// The first lines.
    func first(_ count: Int) -> LineSet { subset(Array(0..<min(count, self.count))) }

    /// By number.
    var lengths: [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        for bucket in buckets {
            for (number, text) in zip(bucket.numbers, bucket.texts) { result[number] = UInt8(text.count) }
        }
        return result
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
