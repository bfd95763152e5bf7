import Formats
import Foundation
import NeuralNetwork
import ONNX

/// Collects the nodes and initialisers of an ONNX graph and keeps all names in it unique.
struct ONNXGraphBuilder {
    private(set) var graph = Onnx_GraphProto()
    private var taken: Set<String>

    /// - Parameter reserved: names that only ``add(_:_:name:output:attributes:)`` with exactly that name may use.
    init(name: String, reserved: [String]) {
        graph.name = name
        taken = Set(reserved)
    }

    /// Returns `wanted`, with `_2`, `_3`… appended if it is taken.
    mutating func unique(_ wanted: String) -> String {
        var name = wanted
        var number = 1
        while !taken.insert(name).inserted {
            number += 1
            name = "\(wanted)_\(number)"
        }
        return name
    }

    /// Adds a node with one output, which has the node's name, and returns that name.
    @discardableResult
    mutating func add(
        _ operation: String, _ inputs: [String], name: String, attributes: [Onnx_AttributeProto] = []
    ) -> String {
        var node = Onnx_NodeProto()
        node.opType = operation
        node.name = name
        node.input = inputs
        node.output = [name]
        node.attribute = attributes
        graph.node.append(node)
        return name
    }

    /// Adds a float initialiser and returns its name.
    mutating func floats(_ values: [Float], shape: [Int], name: String) -> String {
        var tensor = Onnx_TensorProto()
        tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
        tensor.dims = shape.map(Int64.init)
        tensor.rawData = LittleEndian.data(values)
        return add(tensor, name: name)
    }

    /// Adds an initialiser of bytes or 32-bit integers and returns its name. Without a shape it is a scalar.
    mutating func whole<Number: FixedWidthInteger>(_ values: [Number], shape: [Int], name: String) -> String {
        var tensor = Onnx_TensorProto()
        let type: Onnx_TensorProto.DataType =
            Number.self == Int8.self ? .int8 : Number.self == UInt8.self ? .uint8 : .int32
        tensor.dataType = Int32(type.rawValue)
        tensor.dims = shape.map(Int64.init)
        tensor.rawData = Data(
            values.flatMap { value in (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } })
        return add(tensor, name: name)
    }

    /// Adds a vector of 64-bit integers and returns its name.
    mutating func integers(_ values: [Int], name: String) -> String {
        var tensor = Onnx_TensorProto()
        tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
        tensor.dims = [Int64(values.count)]
        tensor.int64Data = values.map(Int64.init)
        return add(tensor, name: name)
    }

    private mutating func add(_ tensor: Onnx_TensorProto, name: String) -> String {
        var named = tensor
        named.name = unique(name)
        graph.initializer.append(named)
        return named.name
    }

    /// Declares the graph's input, `[N, …]`.
    mutating func declareInput(_ name: String, _ type: Onnx_TensorProto.DataType, _ extents: [Int], about: String) {
        graph.input.append(Self.value(name, type, extents, about: about))
    }

    /// Declares the graph's output, `[N, …]`.
    mutating func declareOutput(_ name: String, _ extents: [Int], about: String) {
        graph.output.append(Self.value(name, .float, extents, about: about))
    }

    /// Records the shape of an internal value, for people who inspect the graph.
    mutating func note(_ name: String, _ extents: [Int]) {
        graph.valueInfo.append(Self.value(name, .float, extents, about: ""))
    }

    mutating func describe(_ text: String) { graph.docString = text }

    private static func value(
        _ name: String, _ type: Onnx_TensorProto.DataType, _ extents: [Int], about: String
    ) -> Onnx_ValueInfoProto {
        var tensor = Onnx_TypeProto.Tensor()
        tensor.elemType = Int32(type.rawValue)
        var batch = Onnx_TensorShapeProto.Dimension()
        batch.dimParam = "N"
        tensor.shape.dim =
            [batch]
            + extents.map { extent in
                var dimension = Onnx_TensorShapeProto.Dimension()
                dimension.dimValue = Int64(extent)
                return dimension
            }
        var info = Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType = tensor
        if !about.isEmpty { info.docString = about }
        return info
    }
}

extension Onnx_AttributeProto {
    init(_ attribute: (name: String, value: ONNXNode.Attribute)) {
        switch attribute.value {
        case .int(let value): self = .int(attribute.name, value)
        case .float(let value): self = .float(attribute.name, value)
        case .ints(let values): self = .ints(attribute.name, values)
        }
    }

    /// Returns an attribute `name` that holds an integer; likewise for a float and a list of integers.
    static func int(_ name: String, _ value: Int) -> Self {
        var attribute = Self()
        (attribute.name, attribute.type, attribute.i) = (name, .int, Int64(value))
        return attribute
    }

    static func float(_ name: String, _ value: Float) -> Self {
        var attribute = Self()
        (attribute.name, attribute.type, attribute.f) = (name, .float, value)
        return attribute
    }

    static func ints(_ name: String, _ values: [Int]) -> Self {
        var attribute = Self()
        (attribute.name, attribute.type, attribute.ints) = (name, .ints, values.map(Int64.init))
        return attribute
    }
}
