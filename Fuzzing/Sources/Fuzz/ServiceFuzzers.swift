@testable import Formats
import Foundation

@testable import Serving
@testable import Tensors

/// One service of the model in the box, on one thread.
private let served: Service? = parsed {
    var options = Service.Options()
    (options.threads, options.mostPixels, options.runs) = (1, 1 << 14, "/nowhere")
    return try Service(
        models: [ServedModel(path: nil)], access: AccessPolicy(token: nil), options: options, version: "fuzz")
}

private func answer(_ request: ServiceRequest) -> ServiceResponse? {
    let answered = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var response: ServiceResponse?
    served?.respond(to: request) {
        response = $0
        answered.signal()
    }
    return answered.wait(timeout: .now() + 20) == .success ? response : nil
}

extension Fuzzer {
    /// A request as a connection carries it: a line of method and target, headers, an empty line, the body.
    static let service = Fuzzer(
        name: "service",
        seeds: {
            let pixels = "[" + [String](repeating: "0.5", count: 784).joined(separator: ",") + "]"
            let infer =
                #"{"id":"a","inputs":[{"name":"image","shape":[1,28,28,1],"datatype":"FP32","#
                + #""data":\#(pixels)}],"#
                + #""outputs":[{"name":"label","parameters":{"binary_data":true}}]}"#
            let binary =
                #"{"inputs":[{"name":"image","shape":[1,28,28,1],"datatype":"UINT8","parameters":{"binary_data_size":784}}]}"#
            let picture = Array("P5 6 8 255\n".utf8) + (0..<48).map { UInt8($0 % 7 == 3 ? 10 : 240) }
            let form =
                Array("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.pgm\"\r\n\r\n".utf8) + picture
                + Array("\r\n--b--\r\n".utf8)
            func request(_ head: String, _ body: [UInt8] = []) -> [UInt8] {
                Array("\(head)\nHost: localhost\n\n".utf8) + body
            }
            return [
                request("POST /read?segment=1&reject=0.5", picture), request("POST /read?raw", picture),
                request("POST /read\nContent-Type: multipart/form-data; boundary=b", form),
                request("POST /v2/models/box/infer", Array(infer.utf8)),
                request(
                    "POST /v2/models/box/infer\nInference-Header-Content-Length: \(binary.utf8.count)",
                    Array(binary.utf8) + [UInt8](repeating: 9, count: 784)),
                request("GET /v2/models/box/versions/1"), request("GET /runs/a/report.html"),
                request("POST /api/runs/a/stop"),
                request("GET /%64raw.js\nIf-None-Match: \"a\"\nOrigin: http://localhost"),
                request("POST /login", Array("token=abc".utf8)),
            ]
        },
        run: { bytes in
            let end = bytes.indices.first { bytes[$0...].starts(with: [10, 10]) } ?? bytes.count
            let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n")
            let words = (lines.first ?? "").split(separator: " ")
            let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
                let sides = line.split(separator: ":", maxSplits: 1)
                return sides.count == 2 ? (String(sides[0]), sides[1].trimmingCharacters(in: .whitespaces)) : nil
            }
            guard words.count == 2, !words[1].contains("explain") else { return }
            let body = Array(bytes.dropFirst(min(end + 2, bytes.count)))
            guard
                let request = try? ServiceRequest(
                    method: String(words[0]), target: String(words[1]), headers: headers, body: body)
            else { return }
            guard let response = answer(request) else { return require(false, "no answer") }
            require(response.status != .serverError, "a request that the service fails on")
            if response.contentType == "application/json", response.status != .notModified {
                require(
                    parsed { try JSONValue.parse(response.bytes, name: "answer", limit: 1 << 26) } != nil,
                    "an answer that is no JSON")
            }
            // The same again: no request changes what the next is told, but for figures.
            if words[1].hasPrefix("/read") || words[1].hasPrefix("/v2") {
                require(answer(request)?.bytes == response.bytes, "two answers to one request")
            }
        })
}
