import Evaluation
import Formats
import Foundation
import Tensors
import Training

/// `POST /v2/models/NAME/infer` of the Open Inference Protocol, version 2, with its extension for binary tensors.
///
/// The one input is `image` `[N, H, W, C]`: `FP32` in [0, 1] (0 paper, 1 ink) or `UINT8` in 0…255. The outputs are
/// `probabilities` `[N, K]` `FP32`, calibrated if the model knows its temperature; `label` `[N]` `BYTES`, the name of
/// the most probable class; and, for a model that detects unfamiliar images, `familiarity` `[N]` `FP32`, the share of
/// known images that look at least as strange. Other images in the request, or of other requests that are computed with
/// it, do not change a bit of an image's result.
///
/// Sources: https://github.com/kserve/open-inference-protocol, and Triton's `extension_binary_data.md`.
struct InferRequest: Sendable {
    enum Images: Sendable {
        case floats([Float])
        case bytes([UInt8])
    }

    enum Output: String, CaseIterable, Sendable {
        case probabilities, label, familiarity

        /// Returns the outputs of a model.
        static func of(_ model: ServedModel) -> [Output] {
            model.tellsStrangers ? allCases : [.probabilities, .label]
        }

        var datatype: String { self == .label ? "BYTES" : "FP32" }

        /// Returns the shape of the output without the images' axis.
        func extents(_ model: ServedModel) -> [Int] { self == .probabilities ? [model.classNames.count] : [] }
    }

    /// The results for one image: the calibrated probabilities `[K]`, and the familiarity, nil if not requested.
    typealias Answer = (probabilities: [Double], familiarity: Double?)

    /// Echoed in the response.
    private let id: String?
    let count: Int
    private let imageSize: Int
    private let images: Images
    private let outputs: [(kind: Output, isBinary: Bool)]

    /// The maximum size of the JSON that is parsed, in bytes.
    static let mostJSON = 1 << 24
    static let inputName = "image"
    static let lengthHeader = "inference-header-content-length"

    /// - Throws: a ``ServiceError`` (400) that names the invalid member.
    init(_ request: ServiceRequest, model: ServedModel) throws(ServiceError) {
        guard !model.isOfLines else {
            throw ServiceError(.badRequest, "\(model.name) reads lines of text: POST /read?segment&model=\(model.name)")
        }
        var (json, binary) = (request.body[...], request.body[request.body.endIndex...])
        if let length = request.header(Self.lengthHeader) {
            guard let length = Int(length), (0...request.body.count).contains(length) else {
                throw ServiceError(
                    .badRequest,
                    "\(Self.lengthHeader): expected bytes of the body that are JSON · received another number")
            }
            (json, binary) = (request.body[..<length], request.body[length...])
        }
        let root: JSONObject
        do throws(InputError) {
            let value = try JSONValue.parse(Array(json), name: "body", limit: Self.mostJSON)
            root = try Member(value, "body").object(["id", "parameters", "inputs", "outputs"])
            id = try root["id"].map { id throws(InputError) in try Member(id, "id").string() }
            let parameters = try root["parameters"].map { value throws(InputError) in
                try Member(value, "parameters").object(["binary_data_output", "content_type"], others: Self.others)
            }
            try Self.checkContentType(parameters, "parameters")
            let isBinary = try parameters?["binary_data_output"].map { value throws(InputError) in
                try Member(value, "parameters.binary_data_output").boolean()
            }
            outputs = try Self.outputs(root["outputs"], of: model, isBinary: isBinary ?? false)
            (count, images) = try Self.images(root["inputs"], binary, shape: model.inputShape)
        } catch {
            throw ServiceError(.badRequest, error.description)
        }
        imageSize = model.inputShape.count
    }

    /// Whether a parameter that is not known may be given: the protocol leaves them open, and clients send some of their
    /// own servers' (`timeout`, `priority`). Those that would change what is read or answered may not.
    private static func others(_ name: String) -> Bool {
        !name.hasPrefix("shared_memory") && name != "classification"
    }

    /// Accepts the content type `np` that MLServer's clients send: tensors are taken as numbers.
    private static func checkContentType(_ parameters: JSONObject?, _ place: String) throws(InputError) {
        guard let value = parameters?["content_type"] else { return }
        let type = try Member(value, "\(place).content_type").string()
        guard type == "np" else { throw InputError("\(place).content_type", expected: "np", received: type) }
    }

    private static func outputs(
        _ value: JSONValue?, of model: ServedModel, isBinary: Bool
    ) throws(InputError) -> [(kind: Output, isBinary: Bool)] {
        let known = Output.of(model)
        guard let value else { return known.map { ($0, isBinary) } }
        var result: [(kind: Output, isBinary: Bool)] = []
        for (index, element) in try Member(value, "outputs").array().enumerated() {
            let place = "outputs[\(index)]"
            let object = try Member(element, place).object(["name", "parameters"])
            let name = try Member(object["name"], "\(place).name").string()
            guard let kind = Output(rawValue: name), known.contains(kind) else {
                throw InputError(
                    "\(place).name", expected: known.map(\.rawValue).joined(separator: " or "), received: name)
            }
            let parameters = try object["parameters"].map { value throws(InputError) in
                try Member(value, "\(place).parameters").object(["binary_data"], others: Self.others)
            }
            let own = try parameters?["binary_data"].map { value throws(InputError) in
                try Member(value, "\(place).parameters.binary_data").boolean()
            }
            guard !result.contains(where: { $0.kind == kind }) else {
                throw InputError("\(place).name", expected: "each output once", received: "\(name) twice")
            }
            result.append((kind, own ?? isBinary))
        }
        return result
    }

    private static func images(
        _ value: JSONValue?, _ binary: ArraySlice<UInt8>, shape: Shape
    ) throws(InputError) -> (Int, Images) {
        let inputs = try Member(value, "inputs").array()
        guard inputs.count == 1 else {
            throw InputError("inputs", expected: "one, \(inputName)", received: "\(inputs.count)")
        }
        let input = try Member(inputs[0], "inputs[0]").object(["name", "shape", "datatype", "parameters", "data"])
        let name = try Member(input["name"], "inputs[0].name").string()
        guard name == inputName else { throw InputError("inputs[0].name", expected: inputName, received: name) }
        let extents = try Member(input["shape"], "inputs[0].shape").integers()
        guard extents.count == 4, extents[0] > 0, Array(extents.dropFirst()) == shape.dimensions, extents[0] <= 1 << 20
        else {
            throw InputError(
                "inputs[0].shape", expected: "[N, \(shape.dimensions.map(String.init).joined(separator: ", "))]",
                received: "\(extents)")
        }
        let count = extents[0] * shape.count
        let type = try Member(input["datatype"], "inputs[0].datatype").string()
        guard type == "FP32" || type == "UINT8" else {
            throw InputError("inputs[0].datatype", expected: "FP32 in [0, 1] or UINT8 in 0…255", received: type)
        }
        let parameters = try input["parameters"].map { value throws(InputError) in
            try Member(value, "inputs[0].parameters").object(["binary_data_size", "content_type"], others: Self.others)
        }
        try checkContentType(parameters, "inputs[0].parameters")
        guard let size = parameters?["binary_data_size"] else {
            guard binary.isEmpty else {
                throw InputError(
                    "inputs[0].parameters", expected: "binary_data_size of the bytes after the JSON", received: "none")
            }
            return (extents[0], try decoded(Member(input["data"], "inputs[0].data"), type, count))
        }
        let bytes = try Member(size, "inputs[0].parameters.binary_data_size").integer()
        let expected = type == "FP32" ? 4 * count : count
        guard bytes == expected, binary.count == expected, input["data"] == nil else {
            throw InputError(
                "inputs[0].parameters.binary_data_size",
                expected: "\(expected) bytes after the JSON, and no data in it",
                received: "\(bytes), and \(binary.count) bytes\(input["data"] == nil ? "" : " and data")")
        }
        guard type == "FP32" else { return (extents[0], .bytes(Array(binary))) }
        let tensor = Array(binary)
        let floats = (0..<count).map { NumberFormat.float32.value(tensor, at: 4 * $0) }
        try check(floats)
        return (extents[0], .floats(floats))
    }

    /// Returns the tensor from flat or nested arrays in row-major order.
    private static func decoded(_ data: Member, _ type: String, _ count: Int) throws(InputError) -> Images {
        var numbers: [JSONNumber] = []
        // The shape is what the request claims; memory is for what it holds.
        try data.flatten(into: &numbers, most: count)
        guard numbers.count == count else {
            throw InputError(data.place, expected: "\(count) numbers", received: "\(numbers.count)")
        }
        if type == "FP32" {
            let floats = numbers.map(\.float)
            try check(floats)
            return .floats(floats)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for number in numbers {
            guard let value = number.integer, let byte = UInt8(exactly: value) else {
                throw InputError(data.place, expected: "integers in 0…255", received: number.text)
            }
            bytes.append(byte)
        }
        return .bytes(bytes)
    }

    private static func check(_ floats: [Float]) throws(InputError) {
        if let bad = floats.first(where: { !($0 >= 0 && $0 <= 1) }) {
            throw InputError(
                "inputs[0].data", expected: "FP32 in [0, 1]", received: "\(bad)",
                remedy: "divide by 255, or send UINT8")
        }
    }

    /// Computes the images of several requests, as many together as the reader takes at once.
    /// - Parameter done: Called for each request, with the results for its images `[N]`.
    static func answer(_ requests: [InferRequest], _ reader: ModelReader, done: (Int, [Answer]) -> Void) {
        var waiting: [(request: Int, image: Int)] = []
        var answers = requests.map { _ in [Answer]() }
        func compute() {
            for (place, next) in waiting.enumerated() {
                requests[next.request].place(next.image, in: reader.classifier, at: place)
            }
            reader.classifier.classify(count: waiting.count)
            let logits = reader.classifier.lastLogits, features = reader.classifier.lastFeatures
            for (place, next) in waiting.enumerated() {
                answers[next.request].append(
                    reader.reader.answer(
                        logits: logits.part(place, of: waiting.count),
                        features: requests[next.request].wantsFamiliarity
                            ? features?.part(place, of: waiting.count) : nil))
                if answers[next.request].count == requests[next.request].count {
                    done(next.request, answers[next.request])
                }
            }
            waiting.removeAll(keepingCapacity: true)
        }
        for (index, request) in requests.enumerated() {
            for image in 0..<request.count {
                waiting.append((index, image))
                if waiting.count == reader.classifier.capacity { compute() }
            }
        }
        if !waiting.isEmpty { compute() }
    }

    private func place(_ image: Int, in classifier: SingleImageClassifier, at index: Int) {
        let part = (image * imageSize)..<((image + 1) * imageSize)
        switch images {
        case .floats(let floats): classifier.place(floats[part], at: index)
        case .bytes(let bytes): classifier.place(bytes[part], at: index)
        }
    }

    private var wantsFamiliarity: Bool { outputs.contains { $0.kind == .familiarity } }

    /// Returns the response for all images.
    func response(_ answers: [Answer], model: ServedModel) -> ServiceResponse {
        var tensors: [JSONValue] = []
        var binary: [UInt8] = []
        for (kind, isBinary) in outputs {
            var tensor: JSONObject = [
                "name": .string(kind.rawValue), "datatype": .string(kind.datatype),
                "shape": .array(([count] + kind.extents(model)).map { .integer($0) }),
            ]
            let data: [JSONValue]
            let start = binary.count
            switch kind {
            case .probabilities, .familiarity:
                let values = answers.flatMap { answer in
                    (kind == .probabilities ? answer.probabilities : [answer.familiarity ?? 0]).map { Float($0) }
                }
                if isBinary { LittleEndian.append(values, to: &binary) }
                data = isBinary ? [] : values.map { .number(JSONNumber($0)) }
            case .label:
                let names = answers.map { answer in
                    let p = answer.probabilities
                    return model.classNames[p.indices.max { p[$0] < p[$1] || (p[$0] == p[$1] && $0 > $1) } ?? 0]
                }
                if isBinary {
                    for name in names {
                        binary += LittleEndian.bytes(of: UInt32(name.utf8.count)) + Array(name.utf8)
                    }
                }
                data = isBinary ? [] : names.map { .string($0) }
            }
            if isBinary {
                tensor["parameters"] = ["binary_data_size": .integer(binary.count - start)]
            } else {
                tensor["data"] = .array(data)
            }
            tensors.append(.object(tensor))
        }
        var root: JSONObject = ["model_name": .string(model.name), "model_version": "1"]
        if let id { root["id"] = .string(id) }
        root["outputs"] = .array(tensors)
        let text = Array(JSONValue.object(root).text.utf8)
        guard outputs.contains(where: \.isBinary) else {
            return ServiceResponse(contentType: "application/json", body: text)
        }
        return ServiceResponse(
            contentType: "application/octet-stream",
            headers: [("Inference-Header-Content-Length", "\(text.count)")], body: text + binary)
    }
}

extension [Float] {
    /// Returns row `index` of an array of `count` rows.
    fileprivate func part(_ index: Int, of count: Int) -> [Float] {
        let size = self.count / count
        return Array(self[index * size..<(index + 1) * size])
    }
}
