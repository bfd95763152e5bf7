/// The resource that a request asks for.
struct Route: Sendable {
    enum Kind: Sendable {
        case page(String), login, read
        case server, live, ready, repository
        case model(String, version: String?), modelReady(String, version: String?), infer(String, version: String?)
        case metrics, models, runs, events(String), stop(String), file(run: String, String)
        case unknown
    }

    let kind: Kind

    init(_ request: ServiceRequest) {
        kind =
            switch request.path.count {
            case 0: .page("index.html")
            case 1: Self.word(request.path[0])
            default: Self.longer(request.path)
            }
    }

    private static func word(_ word: String) -> Kind {
        switch word {
        case "runs": .page("runs.html")
        case "login": .login
        case "read": .read
        case "v2": .server
        case "metrics": .metrics
        default: .page(word)
        }
    }

    private static func longer(_ path: [String]) -> Kind {
        switch (path[0], path.count) {
        case ("v2", _): inference(Array(path.dropFirst()))
        case ("api", 2) where path[1] == "models": .models
        case ("api", 2) where path[1] == "runs": .runs
        case ("api", 4) where path[1] == "runs" && path[3] == "events": .events(path[2])
        case ("api", 4) where path[1] == "runs" && path[3] == "stop": .stop(path[2])
        case ("runs", 3): .file(run: path[1], path[2])
        default: .unknown
        }
    }

    private static func inference(_ path: [String]) -> Kind {
        if path == ["health", "live"] { return .live }
        if path == ["health", "ready"] { return .ready }
        if path == ["repository", "index"] { return .repository }
        guard path.count >= 2, path[0] == "models" else { return .unknown }
        let hasVersion = path.count >= 4 && path[2] == "versions"
        let version = hasVersion ? path[3] : nil
        switch Array(path.dropFirst(hasVersion ? 4 : 2)) {
        case []: return .model(path[1], version: version)
        case ["ready"]: return .modelReady(path[1], version: version)
        case ["infer"]: return .infer(path[1], version: version)
        default: return .unknown
        }
    }

    /// The label for metrics: one of a fixed few.
    var name: String {
        switch kind {
        case .page: "page"
        case .login: "login"
        case .read: "read"
        case .server, .repository, .model, .modelReady, .models: "metadata"
        case .live, .ready: "health"
        case .infer: "infer"
        case .metrics: "metrics"
        case .runs, .file: "runs"
        case .events: "events"
        case .stop: "stop"
        case .unknown: "unknown"
        }
    }

    /// Whether the response is shown to a person.
    var isPage: Bool {
        switch kind {
        case .page(let name): name.hasSuffix(".html")
        case .file: true
        default: false
        }
    }

    private var isPost: Bool {
        switch kind {
        case .read, .infer, .stop, .login, .repository: true
        default: false
        }
    }

    /// - Throws: a ``ServiceError`` (404, 405).
    func checkMethod(_ request: ServiceRequest) throws(ServiceError) {
        if case .unknown = kind { throw Self.notFound }
        var allowed = isPost ? ["POST"] : ["GET", "HEAD"]
        if case .login = kind { allowed += ["GET", "HEAD"] }
        guard allowed.contains(request.method) else {
            throw ServiceError(
                .methodNotAllowed, "expected \(allowed.joined(separator: " or ")) · received another method",
                headers: [("Allow", allowed.joined(separator: ", "))])
        }
    }

    static var notFound: ServiceError {
        ServiceError(.notFound, "nothing is here; /openapi.json says what is where")
    }
}
