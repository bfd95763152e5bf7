import Formats
import Foundation
import Synchronization
import Tensors
import TestSupport

@testable import Serving

/// A service without sockets, asked and waited for.
struct Asking {
    let service: Service

    init(
        models: [String?] = [nil], token: String? = nil, names: [String] = [],
        _ change: (inout Service.Options) -> Void = { _ in }
    ) throws {
        var options = Service.Options()
        options.threads = 2
        change(&options)
        service = try Service(
            models: models.map { try ServedModel(path: $0) }, access: AccessPolicy(token: token, names: names),
            options: options, version: "test")
    }

    func request(
        _ method: String, _ target: String, _ headers: [(String, String)] = [], _ body: [UInt8] = []
    ) throws -> ServiceRequest {
        let host = headers.contains { $0.0.lowercased() == "host" } ? [] : [("Host", "localhost:8080")]
        return try ServiceRequest(
            method: method, target: target, headers: (host + headers).map { (name: $0.0, value: $0.1) }, body: body)
    }

    func callAsFunction(
        _ method: String, _ target: String, _ headers: [(String, String)] = [], _ body: [UInt8] = []
    ) throws -> ServiceResponse {
        let request = try request(method, target, headers, body)
        let answer = Answer()
        service.respond(to: request) { answer.put($0) }
        return answer.take()
    }
}

/// One answer, waited for.
final class Answer: @unchecked Sendable {
    private let condition = NSCondition()
    private var response: ServiceResponse?

    func put(_ response: ServiceResponse) {
        condition.withLock {
            precondition(self.response == nil, "answered twice")
            self.response = response
            condition.broadcast()
        }
    }

    func take() -> ServiceResponse {
        condition.withLock {
            while response == nil { condition.wait() }
            return response ?? ServiceResponse(contentType: "", body: [])
        }
    }
}

extension ServiceResponse {
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONObject? { (try? JSONValue.parse(bytes, name: "answer"))?.object }
    var error: String? { json?["error"]?.string }
}

/// A file of the package's examples.
func example(_ name: String) throws -> [UInt8] {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: package.appendingPathComponent("docs/examples/" + name)))
}
