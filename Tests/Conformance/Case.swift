import Foundation
import ONNX
import Tensors

/// A tensor of a test vector.
struct Value {
    /// `float`, `int64`, … by ONNX's names.
    var type: Onnx_TensorProto.DataType
    var shape: [Int]
    /// As float32, whatever the type.
    var data: [Float]

    init(_ shape: [Int], _ data: [Float]) {
        (type, self.shape, self.data) = (.float, shape, data)
    }

    /// - Throws: a ``Refusal`` for types that no operation here takes, or a damaged tensor.
    init(_ tensor: Onnx_TensorProto) throws {
        type = Onnx_TensorProto.DataType(rawValue: Int(tensor.dataType)) ?? .undefined
        shape = tensor.dims.map { Int($0) }
        let raw = [UInt8](tensor.rawData)
        func numbers<Bits: FixedWidthInteger>(_ type: Bits.Type) -> [Bits] {
            let size = Bits.bitWidth / 8
            return (0..<raw.count / size).map { index in
                (0..<size).reduce(Bits.zero) { $0 | Bits(truncatingIfNeeded: raw[index * size + $1]) << (8 * $1) }
            }
        }
        switch type {
        case .float:
            data = raw.isEmpty ? tensor.floatData : numbers(UInt32.self).map { Float(bitPattern: $0) }
        case .double:
            data = (raw.isEmpty ? tensor.doubleData : numbers(UInt64.self).map { Double(bitPattern: $0) }).map {
                Float($0)
            }
        case .int64: data = (raw.isEmpty ? tensor.int64Data : numbers(Int64.self)).map { Float($0) }
        case .int32: data = (raw.isEmpty ? tensor.int32Data : numbers(Int32.self)).map { Float($0) }
        case .bool: data = raw.isEmpty ? tensor.int32Data.map { Float($0) } : raw.map { Float($0) }
        default: throw Refusal("numbers of type \(type); the engine computes in float32")
        }
        guard data.count == shape.reduce(1, *) else { throw Refusal("a tensor whose values do not fill its shape") }
    }

    var count: Int { data.count }

    /// The same numbers as rows of the extents along `axis`: `[rest, shape[axis]]`, the rest in its old order.
    func rows(along axis: Int) -> [Float] {
        let inner = shape[(axis + 1)...].reduce(1, *), extent = shape[axis]
        return (0..<count).map { index in
            let row = index / extent, column = index % extent
            return data[(row / inner * extent + column) * inner + row % inner]
        }
    }

    /// The reverse of ``rows(along:)``.
    static func from(rows: [Float], along axis: Int, shape: [Int]) -> Value {
        let inner = shape[(axis + 1)...].reduce(1, *), extent = shape[axis]
        var value = Value(shape, rows)
        for (index, number) in rows.enumerated() {
            let row = index / extent, column = index % extent
            value.data[(row / inner * extent + column) * inner + row % inner] = number
        }
        return value
    }
}

/// Why a test is not run: something that this project does not do, and says so.
struct Refusal: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// One test vector: a model and what it makes of some inputs.
struct Case {
    struct DataSet {
        var inputs: [Onnx_TensorProto]
        var outputs: [Onnx_TensorProto]
    }

    let name: String
    let model: Onnx_ModelProto
    let dataSets: [DataSet]

    var graph: Onnx_GraphProto { model.graph }
    /// Of ONNX's own domain, or else the first.
    var operatorSet: Int {
        Int((model.opsetImport.first { $0.domain.isEmpty } ?? model.opsetImport.first)?.version ?? 0)
    }

    /// Reads `folder/model.onnx` and `folder/test_data_set_*/{input,output}_*.pb`.
    init(_ folder: URL) throws {
        name = folder.lastPathComponent
        model = try Onnx_ModelProto(serializedBytes: Data(contentsOf: folder.appendingPathComponent("model.onnx")))
        let sets = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasPrefix("test_data_set_")
        }
        dataSets = try sets.sorted().map { set in
            let folder = folder.appendingPathComponent(set)
            return DataSet(inputs: try Self.tensors(folder, "input"), outputs: try Self.tensors(folder, "output"))
        }
    }

    private static func tensors(_ folder: URL, _ kind: String) throws -> [Onnx_TensorProto] {
        var tensors: [Onnx_TensorProto] = []
        while true {
            let file = folder.appendingPathComponent("\(kind)_\(tensors.count).pb")
            guard FileManager.default.fileExists(atPath: file.path) else { return tensors }
            tensors.append(try Onnx_TensorProto(serializedBytes: Data(contentsOf: file)))
        }
    }
}

extension Onnx_NodeProto {
    func attribute(_ name: String) -> Onnx_AttributeProto? { attribute.first { $0.name == name } }
    func int(_ name: String, _ otherwise: Int) -> Int { attribute(name).map { Int($0.i) } ?? otherwise }
    func float(_ name: String, _ otherwise: Float) -> Float { attribute(name)?.f ?? otherwise }
    func ints(_ name: String) -> [Int]? { attribute(name).map { $0.ints.map { Int($0) } } }
    func text(_ name: String, _ otherwise: String) -> String {
        attribute(name).map { String(decoding: $0.s, as: UTF8.self) } ?? otherwise
    }

    /// Refuses a node whose `name` is anything but `value`.
    func require(_ name: String, _ value: Int, _ why: String) throws {
        let found = int(name, value)
        guard found == value else { throw Refusal("\(name) = \(found): \(why)") }
    }

    /// Outputs that somebody asked for.
    var outputCount: Int { output.filter { !$0.isEmpty }.count }
}
