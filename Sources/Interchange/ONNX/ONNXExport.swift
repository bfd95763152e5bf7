import Experiments
import Formats
import Foundation
import NeuralNetwork
import ONNX
import Tensors

/// The type of an exported graph's input, `[N, C, H, W]` in either case.
package enum ONNXInput: String, CaseIterable, Sendable {
    /// Pixels in [0, 1].
    case float
    /// Pixels as stored in image files, 0…255; divided by 255 inside the graph.
    case uint8
}

/// A trained network as an ONNX model: normalisation, layers and softmax in one graph with a free batch size.
///
/// The input is `input [N, C, H, W]`, the output `probabilities [N, K]`. Nodes and their values are named like the
/// configuration's layers, initialisers like the model's tensors. Kernels have ONNX's layout (`[out, in, kH, kW]`;
/// dense `[in, out]`). Before a `flatten`, the image is transposed to `[N, H, W, C]`, the order in which the dense
/// weights were trained. Dropout has no effect at inference and is omitted.
///
/// IR version 7 and operator set 13 (ONNX 1.8, November 2020) are the oldest whose softmax has its usual meaning, so
/// that every runtime still in use can read the model. Source: ONNX, "Open Neural Network Exchange Intermediate
/// Representation Specification", https://onnx.ai.
package struct ONNXExport: Sendable {
    package static let irVersion = 7
    package static let operatorSet = 13
    package static let inputName = Graph.inputName
    /// The name of the output; it becomes `probabilities_2` if a layer has this name.
    package static let outputName = "probabilities"
    /// Protobuf's limit on the size of a message, less room for everything but the weights.
    private static let byteLimit = Int(Int32.max) - 1 << 24

    package var input = ONNXInput.float
    /// The version of the program that writes the file.
    package var producerVersion = ""
    /// Further metadata of the model, such as the test accuracy, under keys of its own.
    package var metadata: [String: String] = [:]

    package init() {}

    /// Returns the bytes of the model file; the same bytes for the same model.
    ///
    /// The metadata contain `classes` (a JSON array), `numeral.config` (the configuration) and `numeral.input`.
    /// - Throws: an ``InputError`` if the weights exceed protobuf's 2 GiB, or the network reads lines of text.
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
