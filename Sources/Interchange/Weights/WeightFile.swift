import Datasets
import Formats
import Foundation
import Tensors
import Training

/// Named tensors from a file of another library, with its metadata.
package struct WeightFile: Sendable {
    /// The path of the file, for error messages.
    package var name: String
    package var tensors: [TensorRecord]
    /// The metadata of a safetensors file.
    package var metadata: [String: String]
    /// Whether the order of ``tensors`` is meaningful. Writers of safetensors sort by name, so the order of an NPZ file
    /// whose names are in alphabetical order says nothing either.
    package var hasOrder: Bool

    static let meanName = "normalization.mean"
    static let deviationName = "normalization.standard_deviation"

    /// - Parameter keepsOrder: whether the format preserves the order in which tensors were written.
    package init(
        name: String, tensors: [TensorRecord], metadata: [String: String] = [:], keepsOrder: Bool = false
    ) {
        self.name = name
        self.tensors = tensors
        self.metadata = metadata
        let names = tensors.map { Array($0.name.utf8) }
        hasOrder = keepsOrder && !zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
    }

    /// Reads a safetensors or NPZ file, distinguished by their first bytes. Numbers of other types are converted to
    /// float32.
    ///
    /// - Parameter limit: the maximum number of bytes of a compressed file's arrays. A safetensors file never contains
    ///   more than its size.
    /// - Throws: an ``InputError`` for a file that is absent, of another format (which is named, with the lines that
    ///   convert it), damaged or over the limit.
    package static func load(path: String, limit: Int) throws(InputError) -> WeightFile {
        if let foreign = try ForeignWeights(path: path) { throw foreign.error() }
        if try NPZ.isArchive(path) {
            return WeightFile(name: path, tensors: try NPZ.read(path: path, limit: limit), keepsOrder: true)
        }
        let file = try SafetensorsFile.decode(try contents(path), name: path, formats: nil)
        return WeightFile(name: path, tensors: file.tensors, metadata: file.metadata)
    }

    /// Returns the contents of a file.
    static func contents(_ path: String) throws(InputError) -> Data {
        let file = try BinaryFile(path)
        return Data(try file.read(exactly: file.size))
    }

    /// The names of the classes that the file itself gives, if any.
    package var classNames: [String]? {
        metadata["numeral.classes"].flatMap { try? JSONValue.parse(Array($0.utf8), name: "") }?.array.flatMap { names in
            let texts = names.compactMap(\.string)
            return texts.count == names.count && Set(texts).count == texts.count ? texts : nil
        }
    }

    /// Returns the mean and standard deviation that the file itself specifies, if any.
    /// - Throws: an ``InputError`` unless they are a finite mean and a positive finite deviation.
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
