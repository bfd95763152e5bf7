import Formats
import Tensors

/// The labels given to samples, with the probabilities of classifiers that were not trained on these samples.
package struct LabelledProbabilities: Sendable {
    /// Given classes, `[N]`, each in `0 ..< K`.
    package let labels: [Int]
    /// The probabilities, `[N, K]`, row-major; every row is a distribution over the classes.
    package let probabilities: [Double]
    /// The names of the classes, `[K]`.
    package let classNames: [String]

    /// The maximum number of classes of a table, since counts of class pairs grow with their square.
    package static let mostClasses = 2_000

    /// The number of samples, N.
    package var count: Int { labels.count }
    /// The number of classes, K.
    package var classCount: Int { classNames.count }

    /// - Throws: `InputError` unless N ≥ 1, K ≥ 2, sizes agree, labels are in range, and every row contains numbers in
    ///   [0, 1] with sum 1 (within 0.01).
    package init(
        labels: [Int], probabilities: [Double], classNames: [String], place: String = "probabilities"
    ) throws(InputError) {
        let k = classNames.count
        guard labels.count >= 1, k >= 2 else {
            throw InputError(
                place, expected: "at least one sample of at least two classes",
                received: "\(labels.count) of \(k) classes")
        }
        guard probabilities.count == labels.count * k else {
            throw InputError(
                place, expected: "\(labels.count)·\(k) probabilities", received: "\(probabilities.count)")
        }
        for (row, label) in labels.enumerated() {
            guard label >= 0, label < k else {
                throw InputError("\(place), sample \(row)", expected: "a label in 0...\(k - 1)", received: "\(label)")
            }
            let values = probabilities[(row * k)..<((row + 1) * k)]
            let sum = values.reduce(0, +)
            // NaN fails every comparison.
            guard values.allSatisfy({ $0 >= 0 && $0 <= 1 }), abs(sum - 1) <= 0.01 else {
                throw InputError(
                    "\(place), sample \(row)", expected: "\(k) numbers in [0, 1] with sum 1",
                    received: values.prefix(12).map { "\($0)" }.joined(separator: ", ") + (k > 12 ? ", …" : ""))
            }
        }
        self.labels = labels
        self.probabilities = probabilities
        self.classNames = classNames
    }

    /// Returns the probability that sample `i` is of class `k`.
    package func probability(_ i: Int, _ k: Int) -> Double { probabilities[i * classCount + k] }

    /// Returns the most probable class of sample `i`; the lowest index on a tie.
    package func predicted(_ i: Int) -> Int {
        var best = 0
        for k in 1..<classCount where probability(i, k) > probability(i, best) { best = k }
        return best
    }

    /// The number of samples that were given each class, `[K]`.
    package var classSizes: [Int] {
        var sizes = [Int](repeating: 0, count: classCount)
        for label in labels { sizes[label] += 1 }
        return sizes
    }

    /// Reads the `predictions.csv` of a run, or any table with a column `label` (classes as numbers from 0, or by name)
    /// and a column of probabilities for each class: `p0`, `p1`, …, or every column whose name begins with `p_`,
    /// followed by the name of the class.
    /// - Throws: an `InputError` naming file, line and column.
    package static func read(_ path: String) throws(InputError) -> LabelledProbabilities {
        var table = try TableText.load(path)
        guard let header = try table.nextRow() else {
            throw InputError(path, expected: "a table with a header", received: "an empty file")
        }
        guard let labelColumn = header.firstIndex(of: "label") else {
            throw InputError(
                path, expected: "a column 'label'", received: "columns \(header.joined(separator: ", "))")
        }
        var columns: [Int] = [], names: [String] = []
        while columns.count <= mostClasses, let column = header.firstIndex(of: "p\(columns.count)") {
            names.append("\(columns.count)")
            columns.append(column)
        }
        if columns.isEmpty {
            for (index, name) in header.enumerated() where name.hasPrefix("p_") && name.count > 2 {
                names.append(String(name.dropFirst(2)))
                columns.append(index)
            }
        }
        guard columns.count >= 2 else {
            throw InputError(
                path, expected: "columns p0, p1, … or p_NAME with the classes' probabilities",
                received: "columns \(header.joined(separator: ", "))")
        }
        guard columns.count <= mostClasses, Set(names).count == names.count else {
            throw InputError(
                path, expected: "a column for each of at most \(mostClasses) classes",
                received: columns.count > mostClasses ? "\(columns.count)" : "two of one class")
        }
        var labels: [Int] = [], probabilities: [Double] = []
        while let row = try table.nextRow(columns: header.count) {
            let place = table.place
            guard let label = names.firstIndex(of: row[labelColumn]) ?? Int(row[labelColumn]) else {
                throw InputError("\(place), label", expected: "a class", received: row[labelColumn])
            }
            labels.append(label)
            for column in columns {
                guard let value = Double(row[column]) else {
                    throw InputError(
                        "\(place), \(header[column])", expected: "a probability", received: row[column])
                }
                probabilities.append(value)
            }
        }
        return try LabelledProbabilities(
            labels: labels, probabilities: probabilities, classNames: names, place: path)
    }
}
