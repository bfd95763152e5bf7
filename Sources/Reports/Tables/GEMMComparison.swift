import LinearAlgebra
import Runs
import Tensors

/// Rates and results of several libraries for the same products, with the first as the reference.
package struct GEMMComparison: Sendable {
    /// A file and its content.
    package struct File: Sendable {
        package let path: String
        package let record: GEMMRecord

        package init(path: String, record: GEMMRecord) {
            self.path = path
            self.record = record
        }
    }

    /// One product, as measured in every file.
    package struct Row: Sendable {
        package let shape: GEMMShape
        package let files: [GEMMRecord.Row]
        /// The largest `|x − a| / max|a|` of any file's samples `x` against the first file's `a`.
        package let largestDifference: Double
    }

    /// The number of files that fit side by side in 100 columns.
    package static let fileLimit = 6

    package let files: [File]
    package let rows: [Row]

    /// - Throws: an `InputError` if there are too few or too many files, or if their products or thread counts differ.
    package init(_ files: [File]) throws(InputError) {
        guard files.count >= 2, files.count <= Self.fileLimit else {
            throw InputError(
                "trainer gemm compare", expected: "2 to \(Self.fileLimit) files", received: "\(files.count)")
        }
        let first = files[0].record
        let shapes = Set(first.rows.map(\.shape))
        var tables: [[GEMMShape: GEMMRecord.Row]] = []
        for file in files {
            let table = Dictionary(file.record.rows.map { ($0.shape, $0) }, uniquingKeysWith: { first, _ in first })
            let expected = "the \(shapes.count) products of \(files[0].path)"
            let remedy = "run trainer gemm with the same options for each library"
            if let missing = first.rows.first(where: { table[$0.shape] == nil }) {
                throw InputError(file.path, expected: expected, received: "no \(missing.shape)", remedy: remedy)
            }
            if let extra = file.record.rows.first(where: { !shapes.contains($0.shape) }) {
                throw InputError(file.path, expected: expected, received: "\(extra.shape) as well", remedy: remedy)
            }
            guard file.record.threads == first.threads else {
                throw InputError(
                    file.path, expected: "rates on \(first.threads) threads, as in \(files[0].path)",
                    received: "\(file.record.threads)", remedy: "give both the same --threads")
            }
            tables.append(table)
        }
        self.files = files
        rows = first.rows.map { row in
            let all = tables.compactMap { $0[row.shape] }
            let difference = all.dropFirst().map { Self.difference($0.samples, from: row.samples) }.max() ?? 0
            return Row(shape: row.shape, files: all, largestDifference: difference)
        }
    }

    package var threads: Int { files[0].record.threads }
    package var largestDifference: Double { rows.map(\.largestDifference).max() ?? 0 }
    /// The product for which results differ most.
    package var differingShape: GEMMShape {
        rows.max { $0.largestDifference < $1.largestDifference }?.shape ?? GEMMShape(1, 1, 1)
    }

    /// The letters of the files: `A`, `B`…
    var letters: [String] { ["A", "B", "C", "D", "E", "F"].prefix(files.count).map { $0 } }

    private static func difference(_ x: [Float], from a: [Float]) -> Double {
        let scale = a.reduce(0.0) { max($0, Double($1).magnitude) }
        let largest = zip(x, a).reduce(0.0) { max($0, (Double($1.0) - Double($1.1)).magnitude) }
        return largest == 0 ? 0 : largest / max(scale, Double(Float.leastNormalMagnitude))
    }
}
