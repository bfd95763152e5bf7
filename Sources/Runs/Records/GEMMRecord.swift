import Formats
import Foundation
import LinearAlgebra
import Tensors
import Training

/// The measurements of `trainer gemm`, in a file for comparing libraries.
package struct GEMMRecord: Sendable, Codable, Equatable {
    /// One matrix product.
    package struct Row: Sendable, Codable, Equatable {
        package var m, n, k: Int
        package var transA, transB: Bool
        /// What the product is used for: `square`, `conv2d_1 forward`.
        package var uses: [String]
        package var gflopsOne: Double
        package var gflopsAll: Double
        /// Elements of the result for inputs that depend only on the shape, to compare libraries by.
        package var samples: [Float]
        /// The samples' largest difference from sums in Double, relative to the largest of these.
        package var largestError: Double

        package init(_ measurement: GEMMMeasurement, uses: [String]) {
            let shape = measurement.shape
            (m, n, k, transA, transB) = (shape.m, shape.n, shape.k, shape.transA, shape.transB)
            self.uses = uses
            gflopsOne = measurement.gflopsOne
            gflopsAll = measurement.gflopsAll
            samples = measurement.samples
            largestError = measurement.largestError
        }

        package var shape: GEMMShape { GEMMShape(m, n, k, transA: transA, transB: transB) }

        /// The problem with the row; nil if there is none.
        fileprivate var problem: String? {
            guard m >= 1, n >= 1, k >= 1, m <= Int32.max, n <= Int32.max, k <= Int32.max else {
                return "extents \(m)×\(n)×\(k)"
            }
            guard gflopsOne > 0, gflopsAll > 0 else { return "a rate that is not positive" }
            let expected = min(GEMMBenchmark.sampleCount, m * n)
            return samples.count == expected ? nil : "\(samples.count) samples instead of \(expected)"
        }
    }

    /// The version of the file's format.
    package static let currentFormat = 1

    package var format: Int
    package var backend: String
    package var version: String?
    package var core: String?
    package var machine: EnvironmentRecord.Processor
    /// The number of threads of `gflopsAll`.
    package var threads: Int
    package var rows: [Row]

    package init(blas: EnvironmentRecord.BLAS, machine: EnvironmentRecord.Processor, threads: Int, rows: [Row]) {
        format = Self.currentFormat
        (backend, version, core) = (blas.backend, blas.version, blas.core)
        self.machine = machine
        self.threads = threads
        self.rows = rows
    }

    private enum CodingKeys: String, CodingKey { case format, backend, version, core, machine, threads, rows }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(format, forKey: .format)
        try container.encode(backend, forKey: .backend)
        try container.encode(version, forKey: .version)
        try container.encode(core, forKey: .core)
        try container.encode(machine, forKey: .machine)
        try container.encode(threads, forKey: .threads)
        try container.encode(rows, forKey: .rows)
    }

    /// Writes the file.
    package func write(to url: URL) throws(OperationError) {
        try AtomicFile.write(try JSONText.encode(self, named: url.lastPathComponent), to: url)
    }

    /// Reads a file written by ``write(to:)``.
    /// - Throws: an `InputError` that names the file and what is wrong with it.
    package static func load(path: String) throws(InputError) -> GEMMRecord {
        let expected = "a file written by trainer gemm --json"
        guard FileManager.default.fileExists(atPath: path) else {
            throw InputError(path, expected: expected, received: "no such file")
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw InputError(path, expected: expected, received: AtomicFile.reason(error))
        }
        let record: GEMMRecord
        do {
            record = try JSONDecoder().decode(GEMMRecord.self, from: data)
        } catch {
            throw InputError(path, expected: expected, received: reason(error))
        }
        guard record.format == currentFormat else {
            throw InputError(
                path, expected: "format \(currentFormat)", received: "format \(record.format)",
                remedy: "measure again with this version")
        }
        guard !record.rows.isEmpty else { throw InputError(path, expected: "at least one row", received: "none") }
        var seen = Set<GEMMShape>()
        for (index, row) in record.rows.enumerated() {
            if let problem = row.problem {
                throw InputError("\(path): rows[\(index)]", expected: "a measured product", received: problem)
            }
            guard seen.insert(row.shape).inserted else {
                throw InputError("\(path): rows[\(index)]", expected: "each shape once", received: "\(row.shape) again")
            }
        }
        return record
    }

    /// Returns one line on why a file could not be decoded.
    private static func reason(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.reduce("") { text, key in
                key.intValue.map { "\(text)[\($0)]" } ?? (text.isEmpty ? "" : text + ".") + key.stringValue
            }
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            return "no \"\(place(context.codingPath + [key]))\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "a value of another type at \"\(place(context.codingPath))\""
        default: return "something that is not JSON"
        }
    }
}
