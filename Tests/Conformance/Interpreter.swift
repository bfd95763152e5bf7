import NeuralNetwork
import ONNX
import Tensors

/// How a test ended.
enum Outcome {
    case passed
    case refused(String)
    case failed(String)
}

/// Runs the nodes of a test vector one after the other through this project's operations.
enum Interpreter {
    /// Operators that have a counterpart here, or are asked after often enough to deserve an answer.
    static let operators: Set<String> = [
        "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "Gemm", "MatMul",
        "Relu", "LeakyRelu", "PRelu", "ConvTranspose", "Gelu", "HardSwish", "Tanh", "Sigmoid", "Softmax", "LogSoftmax",
        "Dropout", "Flatten",
        "Add", "Sum",
        "Mul", "Concat", "SoftmaxCrossEntropyLoss", "Adam", "Momentum", "Adagrad",
    ]
    /// Operators that must have passed something.
    static let required = operators

    /// ONNX's own tolerances for these vectors (onnx.backend.test.runner).
    static let relative: Float = 1e-3, absolute: Float = 1e-7

    static func run(_ test: Case) -> Outcome {
        do {
            guard !test.dataSets.isEmpty else { return .refused("no data") }
            for data in test.dataSets {
                if let problem = try compare(test, data) { return .failed(problem) }
            }
            return .passed
        } catch let refusal as Refusal {
            return .refused(refusal.reason)
        } catch let error as InputError {
            return .refused(error.description)
        } catch {
            return .failed("\(error)")
        }
    }

    private static func compare(_ test: Case, _ data: Case.DataSet) throws -> String? {
        var values: [String: Value] = [:]
        for tensor in test.graph.initializer { values[tensor.name] = try Value(tensor) }
        let names = test.graph.input.map(\.name).filter { values[$0] == nil }
        guard names.count >= data.inputs.count else { return "more inputs than the graph has" }
        for (name, tensor) in zip(names, data.inputs) { values[name] = try Value(tensor) }
        for node in test.graph.node {
            let inputs = try node.input.filter { !$0.isEmpty }.map { name in
                guard let value = values[name] else { throw Refusal("an input that is absent: \(name)") }
                return value
            }
            for (name, value) in zip(node.output.filter { !$0.isEmpty }, try evaluate(node, inputs, test.operatorSet)) {
                values[name] = value
            }
        }
        for (info, tensor) in zip(test.graph.output, data.outputs) {
            let expected = try Value(tensor)
            guard let found = values[info.name] else { return "no output \(info.name)" }
            guard found.shape == expected.shape else {
                return "\(info.name): expected shape \(expected.shape), received \(found.shape)"
            }
            for (index, (a, b)) in zip(found.data, expected.data).enumerated()
            where !(abs(a - b) <= absolute + relative * abs(b)) && a.bitPattern != b.bitPattern {
                return "\(info.name)[\(index)]: expected \(b), received \(a)"
            }
        }
        return nil
    }

    private static func evaluate(_ node: Onnx_NodeProto, _ inputs: [Value], _ operatorSet: Int) throws -> [Value] {
        switch node.opType {
        case "Conv": return [try Windows.convolution(node, inputs)]
        case "MaxPool", "AveragePool": return [try Windows.pooling(node, inputs)]
        case "GlobalAveragePool", "GlobalMaxPool": return [try Windows.globalPooling(node, inputs)]
        case "BatchNormalization":
            return try Layers.batchNormalization(node, inputs, operatorSet: operatorSet)
        case "Gemm": return [try Layers.gemm(node, inputs)]
        case "MatMul": return [try Layers.matMul(inputs)]
        case "Relu": return [try Layers.elementwise(.relu, inputs)]
        case "PRelu": return [try Layers.prelu(inputs)]
        case "ConvTranspose": return [try Windows.transposedConvolution(node, inputs)]
        case "LeakyRelu":
            return [try Layers.elementwise(.leakyRelu(negativeSlope: node.float("alpha", 0.01)), inputs)]
        case "Gelu":
            let kind = node.text("approximate", "none")
            return [try Layers.elementwise(kind == "tanh" ? .tanhGelu : .gelu, inputs)]
        case "HardSwish": return [try Layers.elementwise(.hardSwish, inputs)]
        case "Tanh": return [try Layers.elementwise(.tanh, inputs)]
        case "Sigmoid": return [try Layers.elementwise(.sigmoid, inputs)]
        case "Softmax": return [try Layers.softmax(node, inputs, operatorSet: operatorSet)]
        case "LogSoftmax": return [try Losses.logSoftmax(node, inputs, operatorSet: operatorSet)]
        case "Dropout": return try Layers.dropout(node, inputs, operatorSet: operatorSet)
        case "Flatten": return [try Layers.flatten(node, inputs)]
        case "Add", "Sum": return [try Layers.joining(.add, inputs, axis: -1)]
        case "Mul": return [try Layers.joining(.multiply, inputs, axis: -1)]
        case "Concat": return [try Layers.joining(.concatenate, inputs, axis: node.int("axis", 1))]
        case "SoftmaxCrossEntropyLoss": return try Losses.softmaxCrossEntropy(node, inputs)
        case "Adagrad", "Adam", "Momentum": return try Optimizers.step(node, inputs)
        default: throw Refusal("\(node.opType) is no operation of this project")
        }
    }
}
