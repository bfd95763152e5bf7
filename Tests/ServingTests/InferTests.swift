import Datasets
import Experiments
import Formats
import Foundation
import Recognition
import Tensors
import Testing
import Workers

@testable import Serving

@Suite struct InferTests {
    private static let images: [[UInt8]] = (0..<5).map { image in
        (0..<784).map { UInt8(truncatingIfNeeded: ($0 * (7 + image) + image * 31) % 256) }
    }

    private static func body(_ images: [[UInt8]], extra: String = "", type: String = "UINT8") -> [UInt8] {
        let numbers = images.map {
            "[" + $0.map { type == "UINT8" ? "\($0)" : "\(Float($0) / 255)" }.joined(separator: ",") + "]"
        }
        return Array(
            """
            {"id": "q", "inputs": [{"name": "image", "shape": [\(images.count), 28, 28, 1], "datatype": "\(type)", \
            "data": [\(numbers.joined(separator: ","))]}]\(extra)}
            """.utf8)
    }

    private static func probabilities(_ response: ServiceResponse) -> [Float] {
        let outputs = response.json?["outputs"]?.array ?? []
        let data = outputs.first { $0.object?["name"]?.string == "probabilities" }?.object?["data"]?.array ?? []
        return data.map { if case .number(let number) = $0 { number.float } else { .nan } }
    }

    @Test("Probabilities are those that predict --raw gives, whatever else is in the request") func same() throws {
        let ask = try Asking()
        let box = try BoxModel.load()
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        let reader = try DigitReader(box, pool: pool)
        let expected = Self.images.map { reader.probabilities(of: [$0])[0].map { Float($0) } }
        let together = try ask("POST", "/v2/models/box/infer", [], Self.body(Self.images))
        #expect(together.status == .ok && Self.probabilities(together) == expected.flatMap { $0 })
        #expect(together.json?["id"]?.string == "q")
        for (image, expected) in zip(Self.images, expected) {
            let alone = try ask("POST", "/v2/models/box/versions/1/infer", [], Self.body([image]))
            #expect(Self.probabilities(alone) == expected)
        }
        // 0…255 over 255 in Float is what bytes become.
        let floats = try ask("POST", "/v2/models/box/infer", [], Self.body(Self.images, type: "FP32"))
        #expect(Self.probabilities(floats) == expected.flatMap { $0 })
    }

    @Test("Each image's familiarity is that which predict --raw gives, where the model tells strangers")
    func strangers()
        throws
    {
        let pool = WorkerPool(threads: 1)
        defer { pool.shutdown() }
        let ask = try Asking()
        var options = DataOptions()
        options.source = .sample
        let sample = try DatasetLoader.load(options, seed: 0).loadTest().images.subset([0, 1, 2, 3])
        let digits = sample.eachBytes.map(Array.init) + Self.images
        let expected = try DigitReader(BoxModel.load(), pool: pool).answers(to: digits).map {
            Float($0.familiarity ?? -1)
        }
        let said = try ask("POST", "/v2/models/box/infer", [], Self.body(digits)).json?["outputs"]?.array ?? []
        let names = said.map { $0.object?["name"]?.string }
        #expect(names == ["probabilities", "label", "familiarity"])
        let values = (said.last?.object?["data"]?.array ?? []).map {
            if case .number(let number) = $0 { number.float } else { Float.nan }
        }
        #expect(
            values == expected && expected.prefix(4).allSatisfy { $0 > 0.05 }
                && expected.suffix(5).allSatisfy { $0 < 0.01 })
        let metadata = try ask("GET", "/v2/models/box").text
        #expect(metadata.contains("familiarity"))
    }

    @Test("Binary tensors hold the same numbers") func binary() throws {
        let ask = try Asking()
        let json = try ask("POST", "/v2/models/box/infer", [], Self.body(Self.images))
        let head = Array(
            """
            {"inputs": [{"name": "image", "shape": [5, 28, 28, 1], "datatype": "UINT8", "parameters": \
            {"binary_data_size": 3920}}], "outputs": [{"name": "label"}, {"name": "probabilities", "parameters": {"binary_data": true}}]}
            """.utf8)
        let answer = try ask(
            "POST", "/v2/models/box/infer", [("Inference-Header-Content-Length", "\(head.count)")],
            head + Self.images.flatMap { $0 })
        #expect(answer.status == .ok && answer.contentType == "application/octet-stream")
        let length = Int(answer.headers.first { $0.name == "Inference-Header-Content-Length" }?.value ?? "") ?? 0
        let text = String(decoding: answer.bytes[..<length], as: UTF8.self)
        #expect(text.contains("\"binary_data_size\": 200") && text.contains("\"datatype\": \"BYTES\""))
        let tail = Array(answer.bytes[length...])
        let floats = stride(from: 0, to: tail.count, by: 4).map { i in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(tail[i + $1]) << (8 * UInt32($1)) })
        }
        #expect(floats == Self.probabilities(json) && floats.count == 50)
    }

    @Test(
        "What is not understood is refused with its place",
        arguments: [
            ("{}", "inputs"), ("[]", "body"), ("{\"inputs\": [], \"x\": 1}", "x"), ("{\"inputs\": []}", "inputs"),
            (
                "{\"inputs\": [{\"name\": \"img\", \"shape\": [1, 28, 28, 1], \"datatype\": \"FP32\", \"data\": []}]}",
                "inputs[0].name"
            ),
            (
                "{\"inputs\": [{\"name\": \"image\", \"shape\": [1, 1, 28, 28], \"datatype\": \"FP32\", \"data\": []}]}",
                "inputs[0].shape"
            ),
            (
                "{\"inputs\": [{\"name\": \"image\", \"shape\": [1, 28, 28, 1], \"datatype\": \"FP64\", \"data\": []}]}",
                "inputs[0].datatype"
            ),
            (
                "{\"inputs\": [{\"name\": \"image\", \"shape\": [1, 28, 28, 1], \"datatype\": \"FP32\", \"data\": [0]}]}",
                "784 numbers"
            ),
            (
                "{\"inputs\": [{\"name\": \"image\", \"shape\": [1, 28, 28, 1], \"datatype\": \"FP32\"}]}",
                "inputs[0].data"
            ),
        ]) func refused(_ body: String, _ named: String) throws
    {
        let answer = try Asking()("POST", "/v2/models/box/infer", [], Array(body.utf8))
        #expect(answer.status == .badRequest && answer.error?.contains(named) == true, "\(answer.text)")
    }

    @Test("What MLServer's clients say of a tensor is understood, and anything else refused") func contentType() throws
    {
        let ask = try Asking()
        let body = String(decoding: Self.body([Self.images[0]]), as: UTF8.self)
        func with(_ type: String) -> [UInt8] {
            Array(
                body.replacing("\"data\": [", with: "\"parameters\": {\"content_type\": \"\(type)\"}, \"data\": [").utf8
            )
        }
        #expect(try ask("POST", "/v2/models/box/infer", [], with("np")).status == .ok)
        #expect(try ask("POST", "/v2/models/box/infer", [], with("pd")).error?.contains("content_type") == true)
    }

    @Test("Parameters of other servers are passed over, but for those that would change the answer") func parameters()
        throws
    {
        let ask = try Asking()
        let body = String(decoding: Self.body([Self.images[0]]), as: UTF8.self)
        func with(_ parameters: String) throws -> ServiceResponse {
            try ask(
                "POST", "/v2/models/box/infer", [],
                Array(body.replacing("\"inputs\"", with: "\"parameters\": {\(parameters)}, \"inputs\"").utf8))
        }
        let plain = try with("")
        #expect(plain.status == .ok)
        let others = try with("\"timeout\": 1000, \"priority\": 1, \"sequence_id\": 7, \"sequence_start\": true")
        #expect(others.text == plain.text)
        #expect(try with("\"classification\": 3").error?.contains("classification") == true)
        #expect(try with("\"shared_memory_region\": \"a\"").status == .badRequest)
    }

    @Test("Numbers outside their range are refused") func ranges() throws {
        let ask = try Asking()
        var body = String(decoding: Self.body([Self.images[0]], type: "FP32"), as: UTF8.self)
        body = body.replacingOccurrences(of: "[[0.0,", with: "[[7.5,")
        let answer = try ask("POST", "/v2/models/box/infer", [], Array(body.utf8))
        #expect(answer.status == .badRequest && answer.error?.contains("[0, 1]") == true)
        let outputs = try ask(
            "POST", "/v2/models/box/infer", [], Self.body(Self.images, extra: ", \"outputs\": [{\"name\": \"logits\"}]")
        )
        #expect(outputs.error?.contains("outputs[0].name") == true)
        let twice = ", \"outputs\": [{\"name\": \"label\"}, {\"name\": \"label\"}]"
        let repeated = try ask("POST", "/v2/models/box/infer", [], Self.body(Self.images, extra: twice))
        #expect(repeated.error?.contains("each output once") == true)
        // What a shape claims is not what there is.
        let claims = #"{"inputs": [{"name": "image", "shape": [1048576, 28, 28, 1], "datatype": "FP32", "data": []}]}"#
        #expect(try ask("POST", "/v2/models/box/infer", [], Array(claims.utf8)).error?.contains("numbers") == true)
        let short = try ask("POST", "/v2/models/box/infer", [("Inference-Header-Content-Length", "99999999")], [1])
        #expect(short.status == .badRequest)
    }

    @Test("The server and its models say what they are") func metadata() throws {
        let ask = try Asking()
        #expect(try ask("GET", "/v2").json?["extensions"]?.array == ["binary_tensor_data"])
        let model = try ask("GET", "/v2/models/box")
        #expect(model.text.contains("\"shape\": [-1, 28, 28, 1]") && model.text.contains("[-1, 10]"))
        #expect(try ask("GET", "/v2/models/other").status == .notFound)
        #expect(try ask("POST", "/v2/repository/index").text.contains("\"name\": \"box\""))
        #expect(try ask("GET", "/v2/models/box/versions/2").status == .notFound)
        #expect(try ask("GET", "/v2/health/ready").status == .ok)
        ask.service.drain()
        #expect(try ask("GET", "/v2/health/ready").status == .unavailable)
        #expect(try ask("GET", "/v2/health/live").status == .ok)
    }
}
