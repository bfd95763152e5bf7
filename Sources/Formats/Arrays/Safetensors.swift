import Foundation
import Tensors

/// A named array of numbers, row-major.
package struct TensorRecord: Hashable, Sendable {
    package var name: String
    /// The sizes of the axes; empty for a scalar.
    package var shape: [Int]
    /// The elements, as many as the product of `shape`.
    package var values: [Float]
    /// The storage format in a file: `float32`, or `int8` for integers in −128…127.
    package var format: NumberFormat

    package init(name: String, shape: [Int], values: [Float], format: NumberFormat = .float32) {
        precondition(format == .float32 || format == .int8, "a tensor is written as float32 or int8")
        self.name = name
        self.shape = shape
        self.values = values
        self.format = format
    }
}

/// A file in the safetensors format: named tensors and a map of strings, with no executable content.
///
/// ```
/// 8 bytes   n, length of the header, little-endian
/// n bytes   JSON: {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
/// the rest  the tensors' bytes, little-endian, without gaps; offsets count from here
/// ```
/// Source: Hugging Face, "Safetensors: format", https://huggingface.co/docs/safetensors.
package struct SafetensorsFile: Hashable, Sendable {
    /// Free-form text about the model; written sorted by key.
    package var metadata: [String: String]
    /// The tensors, in the order of their bytes in the file.
    package var tensors: [TensorRecord]

    /// The maximum header size that is read: 100 MB, as in the reference implementation.
    static let headerLimit = 100_000_000
    static let metadataKey = "__metadata__"

    package init(metadata: [String: String] = [:], tensors: [TensorRecord] = []) {
        self.metadata = metadata
        self.tensors = tensors
    }

    // MARK: Writing

    /// Returns the encoded file. Equal contents give equal bytes: metadata is sorted by key, tensors keep their order,
    /// and the header is padded with spaces to a multiple of 8 bytes.
    ///
    /// - Precondition: names are unique and not `__metadata__`; each tensor has as many values as its shape requires.
    package func encoded() -> Data {
        let header = encodedHeader()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + header.count + 4 * tensors.reduce(0) { $0 + $1.values.count })
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: header.count >> shift)) }
        bytes += header
        for tensor in tensors {
            if tensor.format == .int8 {
                bytes += tensor.values.map { UInt8(bitPattern: Int8($0)) }
            } else {
                LittleEndian.append(tensor.values, to: &bytes)
            }
        }
        return Data(bytes)
    }

    private func encodedHeader() -> [UInt8] {
        var entries: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
            entries.append("\"\(Self.metadataKey)\":{\(pairs.joined(separator: ","))}")
        }
        var names: Set<String> = [Self.metadataKey]
        var begin = 0
        for tensor in tensors {
            precondition(names.insert(tensor.name).inserted, "SafetensorsFile: the name \(tensor.name) is taken")
            precondition(
                tensor.shape.allSatisfy { $0 >= 0 } && tensor.shape.reduce(1, *) == tensor.values.count,
                "SafetensorsFile: \(tensor.name) has shape \(tensor.shape) but \(tensor.values.count) values")
            let end = begin + tensor.format.size * tensor.values.count
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let entry =
                "{\"dtype\":\"\(tensor.format.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(end)]}"
            entries.append("\(Self.quoted(tensor.name)):\(entry)")
            begin = end
        }
        var header = Array("{\(entries.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
        return header
    }

    /// Returns `text` as a JSON string: quotes, backslashes and control characters are escaped, everything else is
    /// unchanged.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
