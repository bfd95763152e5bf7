import Datasets
import Formats
import Foundation
import Tensors
import Training

/// Named tensors from a file of another library, and what it says of itself.
package struct WeightFile: Sendable {
    /// The file, for errors.
    package var name: String
    package var tensors: [TensorRecord]
    /// Of a safetensors file.
    package var metadata: [String: String]
    /// Whether ``tensors`` are in an order that somebody gave them. Writers of safetensors sort by name; and so an NPZ
    /// file whose names stand in alphabetical order says nothing either.
    package var hasOrder: Bool

    static let meanName = "normalization.mean"
    static let deviationName = "normalization.standard_deviation"

    /// - Parameter keepsOrder: whether the format keeps the order in which tensors were written.
    package init(
        name: String, tensors: [TensorRecord], metadata: [String: String] = [:], keepsOrder: Bool = false
    ) {
        self.name = name
        self.tensors = tensors
        self.metadata = metadata
        let names = tensors.map { Array($0.name.utf8) }
        hasOrder = keepsOrder && !zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
    }

    /// Reads a safetensors or NPZ file, told apart by their first bytes. Numbers of other types than float32 become
    /// float32.
    ///
    /// - Parameter limit: the most bytes that the arrays of a packed file may come to. A safetensors file never holds
    ///   more than its size.
    /// - Throws: an ``InputError`` for a file that is absent, of neither kind (called by its own, with the lines that
    ///   convert it), damaged or over the limit.
    package static func load(path: String, limit: Int) throws(InputError) -> WeightFile {
        if let foreign = try ForeignWeights(path: path) { throw foreign.error() }
        if try NPZ.isArchive(path) {
            return WeightFile(name: path, tensors: try NPZ.read(path: path, limit: limit), keepsOrder: true)
        }
        let file = try SafetensorsFile.decode(try contents(path), name: path, formats: nil)
        return WeightFile(name: path, tensors: file.tensors, metadata: file.metadata)
    }

    /// A whole file.
    static func contents(_ path: String) throws(InputError) -> Data {
        let file = try BinaryFile(path)
        return Data(try file.read(exactly: file.size))
    }

    /// The mean and standard deviation that the file itself gives, if any.
    /// - Throws: an ``InputError`` where they are no finite mean and positive deviation.
    package func normalization() throws(InputError) -> (mean: Float, standardDeviation: Float)? {
        func single(_ name: String) -> String? {
            tensors.first { $0.name == name && $0.values.count == 1 }.map { "\($0.values[0])" }
        }
        let mean = metadata["numeral.mean"] ?? single(Self.meanName)
        let deviation = metadata["numeral.standard_deviation"] ?? single(Self.deviationName)
        guard mean != nil || deviation != nil else { return nil }
        guard let mean, let deviation, let m = Float(mean), let d = Float(deviation), m.isFinite, d.isFinite, d > 0
        else {
            throw InputError(
                "\(name): normalization", expected: "a finite mean and a positive standard deviation",
                received: "\(mean ?? "none") and \(deviation ?? "none")")
        }
        return (m, d)
    }
}
