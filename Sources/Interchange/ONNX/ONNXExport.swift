import Experiments
import Formats
import Foundation
import NeuralNetwork
import ONNX
import Tensors

/// What the input of an exported graph holds. Either way it is `[N, C, H, W]`.
package enum ONNXInput: String, CaseIterable, Sendable {
    /// Pixels in [0, 1].
    case float
    /// Pixels as an image file gives them, 0…255; divided by 255 inside the graph.
    case uint8
}

/// A trained network as an ONNX model: normalisation, layers and softmax in one graph with a free batch size.
///
/// Input `input [N, C, H, W]`, output `probabilities [N, K]`. Nodes and the values they give are called like the
/// configuration's layers, initialisers like the model's tensors, kernels lie as ONNX has them (`[out, in, kH, kW]`;
/// dense `[in, out]`). Before a `flatten` the image is brought to `[N, H, W, C]`, the order that the dense weights
/// were trained in. Dropout does nothing at inference and is left out.
///
/// IR version 7 and operator set 13 (ONNX 1.8, November 2020): the oldest whose softmax means what it says, so that
/// every runtime still in use reads it. Source: ONNX, "Open Neural Network Exchange Intermediate Representation
/// Specification", https://onnx.ai.
package struct ONNXExport: Sendable {
    package static let irVersion = 7
    package static let operatorSet = 13
    package static let inputName = Graph.inputName
    /// A layer of that name would make it `probabilities_2`.
    package static let outputName = "probabilities"
    /// Protobuf's limit on one message, with room for all but the weights.
    private static let byteLimit = Int(Int32.max) - 1 << 24

    package var input = ONNXInput.float
    /// Of the program that writes.
    package var producerVersion = ""
    /// More of what is known about the model, as the test accuracy; keys of its own.
    package var metadata: [String: String] = [:]

    package init() {}

    /// The bytes of the model file; the same for the same model.
    ///
    /// The metadata hold `classes` (a JSON array), `numeral.config` (the configuration) and `numeral.input`.
    /// - Throws: an ``InputError`` where the weights pass protobuf's 2 GiB.
    package func encoded(_ model: SavedModel) throws(InputError) -> Data {
        guard !model.graph.readsLines else {
            throw InputError(
                "the model", expected: "a network of single images", received: "one that reads lines of text",
                remedy: "export its weights as safetensors or npz")
        }
        guard model.graph.parameterCount + model.graph.stateCount <= Self.byteLimit / 4 else {
            throw InputError(
                "the model", expected: "at most \(Self.byteLimit / 4) weights, protobuf's limit for one file",
                received: "\(model.graph.parameterCount)", remedy: "export it as safetensors")
        }
        var proto = Onnx_ModelProto()
        proto.irVersion = Int64(Self.irVersion)
        var operators = Onnx_OperatorSetIdProto()
        (operators.domain, operators.version) = ("", Int64(Self.operatorSet))
        proto.opsetImport = [operators]
        (proto.producerName, proto.producerVersion) = ("numeral", producerVersion)
        proto.docString = about(model)
        proto.metadataProps = properties(model).sorted { $0.key < $1.key }.map { key, value in
            var entry = Onnx_StringStringEntryProto()
            (entry.key, entry.value) = (key, value)
            return entry
        }
        var writer = ONNXGraphWriter(model: model, input: input)
        proto.graph = writer.write(inputNote: inputNote(model))
        do {
            return try proto.serializedData()
        } catch {
            throw InputError("the model", expected: "something protobuf can hold", received: "\(error)")
        }
    }

    private func properties(_ model: SavedModel) -> [String: String] {
        let own = [
            "classes": JSONValue.array(model.classNames.map { .string($0) }).text,
            "numeral.config": model.experiment.jsonText,
            "numeral.input": inputNote(model),
        ]
        return metadata.merging(own) { _, new in new }
    }

    private func about(_ model: SavedModel) -> String {
        "\(model.experiment.name): \(model.graph.parameterCount) parameters, \(model.graph.classCount) classes "
            + "(names in the metadata), trained by Numeral."
    }

    private func inputNote(_ model: SavedModel) -> String {
        let range = input == .float ? "float32 in [0, 1] (a byte of the image divided by 255)" : "uint8, 0...255"
        let layout = model.graph.inputShape.isImage ? "[N, C, H, W]" : "[N, C]"
        return "\(layout) pixels, \(range)"
            + (model.normalization == nil ? "" : "; mean and standard deviation are applied inside")
    }
}
