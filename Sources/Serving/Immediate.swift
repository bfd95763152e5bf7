import Formats
import Foundation
import Runs
import Tensors

extension Service {
    /// Returns the response to a request that needs no waiting.
    func immediate(_ route: Route, _ request: ServiceRequest) throws(ServiceError) -> ServiceResponse {
        switch route.kind {
        case .page(let name): return try pages.file(name, ifNoneMatch: request.header("if-none-match"))
        case .login:
            if request.method == "POST" { return try login(request) }
            guard access.token != nil else {
                return ServiceResponse(
                    .seeOther, contentType: "text/plain; charset=utf-8", headers: [("Location", "/")], body: [])
            }
            return pages.login(ServiceError(.unauthorized, "expected the token"))
        case .server:
            return ServiceResponse(
                .ok, ["name": "numeral", "version": .string(version), "extensions": .array(["binary_tensor_data"])])
        case .live: return ServiceResponse(.ok, ["live": .boolean(true)])
        case .ready: return ServiceResponse(isReady ? .ok : .unavailable, ["ready": .boolean(isReady)])
        case .repository:
            let state: JSONValue = isReady ? "READY" : "UNAVAILABLE"
            return ServiceResponse(
                .ok, .array(models.map { ["name": .string($0.name), "version": "1", "state": state] }))
        case .model(let name, let version):
            return ServiceResponse(.ok, metadata(models[try model(name, version: version)]))
        case .modelReady(let name, let version):
            let name = models[try model(name, version: version)].name
            return ServiceResponse(isReady ? .ok : .unavailable, ["name": .string(name), "ready": .boolean(isReady)])
        case .metrics:
            let text = metrics.text(waiting: queue.waiting, capacity: queue.capacity)
            return ServiceResponse(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text.utf8))
        case .models: return ServiceResponse(.ok, ["models": .array(models.map { .string($0.name) })])
        case .runs:
            return ServiceResponse(
                .ok, ["runs": runs.list, "canStop": .boolean(access.token != nil)])
        case .events(let run): return try stream(run)
        case .stop(let run): return try stop(run)
        case .file(let run, let name):
            return try runs.file(name, ofRun: run, ifNoneMatch: request.header("if-none-match"))
        case .read, .infer, .unknown: throw Route.notFound
        }
    }

    /// Returns the metadata of a model in the format of the Open Inference Protocol.
    private func metadata(_ model: ServedModel) -> JSONValue {
        func tensor(_ name: String, _ type: String, _ shape: [Int]) -> JSONValue {
            ["name": .string(name), "datatype": .string(type), "shape": .array(shape.map { .integer($0) })]
        }
        return [
            "name": .string(model.name), "versions": .array(["1"]), "platform": "numeral",
            "inputs": .array(
                model.isOfLines ? [] : [tensor(InferRequest.inputName, "FP32", [-1] + model.inputShape.dimensions)]),
            "outputs": .array(
                model.isOfLines
                    ? []
                    : InferRequest.Output.of(model).map {
                        tensor($0.rawValue, $0.datatype, [-1] + $0.extents(model))
                    }),
        ]
    }

    /// Handles the form of the login page: stores the token in a cookie that scripts cannot read.
    private func login(_ request: ServiceRequest) throws(ServiceError) -> ServiceResponse {
        let body = String(decoding: request.body.prefix(4_096), as: UTF8.self)
        let given = body.split(separator: "&").first { $0.hasPrefix("token=") }?.dropFirst("token=".count)
        guard let token = access.token, let given = given?.removingPercentEncoding, AccessPolicy.isSame(given, token)
        else {
            return pages.login(ServiceError(.unauthorized, "that is not the token"), message: "That is not the token.")
        }
        let secure = request.isSecure || access.isOfProxy(request) ? "; Secure" : ""
        return ServiceResponse(
            .seeOther, contentType: "text/plain; charset=utf-8",
            headers: [
                ("Location", "/"),
                ("Set-Cookie", "\(AccessPolicy.cookie)=\(token); Path=/; HttpOnly; SameSite=Strict\(secure)"),
            ], body: [])
    }

    /// Asks the process of a run to stop after the current step, with a checkpoint.
    private func stop(_ name: String) throws(ServiceError) -> ServiceResponse {
        guard access.token != nil else {
            throw ServiceError(
                .forbidden, "stopping a run: expected a service with a token (--token-file) · received one without")
        }
        let run = try runs.run(name)
        do throws(OperationError) {
            try FolderLock.stopHolder(run.url)
        } catch {
            throw ServiceError(.conflict, error.description)
        }
        return ServiceResponse(.ok, ["name": .string(name), "state": "stopping"])
    }
}
