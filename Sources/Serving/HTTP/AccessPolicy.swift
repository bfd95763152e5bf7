import Foundation

/// Who may ask: where there is a token, who knows it; from a browser, the service's own pages alone.
package struct AccessPolicy: Sendable {
    /// Nil: anybody, which is for an address that this machine alone reaches.
    package let token: String?
    /// Host names that lead here, besides `localhost` and addresses in numbers.
    package let names: Set<String>

    /// The cookie that a page keeps the token in.
    static let cookie = "numeral-token"

    package init(token: String?, names: [String] = []) {
        (self.token, self.names) = (token, Set(names.map { $0.lowercased() }))
    }

    /// - Throws: a ``ServiceError``: 403 for a host or an origin that is not ours, 401 without the token.
    func check(_ request: ServiceRequest) throws(ServiceError) {
        try checkHost(request)
        try checkOrigin(request)
        // Whether it lives anybody may know; and the page that asks for the token has its colours.
        let open = [["v2", "health", "live"], ["v2", "health", "ready"], ["login"], ["style.css"], ["icon.svg"]]
        if open.contains(request.path) { return }
        guard allows(request) else {
            throw ServiceError(
                .unauthorized, "expected the service's token · received \(given(request) == nil ? "none" : "another")",
                headers: [("WWW-Authenticate", "Bearer")])
        }
    }

    /// Whether it brings the token, where there is one.
    func allows(_ request: ServiceRequest) -> Bool {
        guard let token else { return true }
        return given(request).map { Self.isSame($0, token) } ?? false
    }

    private func given(_ request: ServiceRequest) -> String? {
        if let header = request.header("authorization") {
            let words = header.split(separator: " ")
            return words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : ""
        }
        return request.cookie(Self.cookie)
    }

    /// In a time that does not say where they differ.
    static func isSame(_ a: String, _ b: String) -> Bool {
        let a = Array(a.utf8), b = Array(b.utf8)
        var difference = a.count ^ b.count
        for index in a.indices { difference |= Int(a[index] ^ (b.isEmpty ? 0 : b[index % b.count])) }
        return difference == 0
    }

    /// A page elsewhere may have its own name lead to this address (DNS rebinding): such a name is not ours.
    private func checkHost(_ request: ServiceRequest) throws(ServiceError) {
        let hosts = request.headers.filter { $0.name == "host" }
        guard hosts.count == 1, let name = Self.name(hosts[0].value) else {
            throw ServiceError(
                .badRequest, "Host: expected one · received \(hosts.count == 1 ? "a damaged one" : "\(hosts.count)")")
        }
        guard name == "localhost" || Self.isAddress(name) || names.contains(name) else {
            throw ServiceError(
                .forbidden, "Host: expected an address, localhost or a name given by --name · received \(name)")
        }
    }

    /// What another site's page has the browser send says so.
    private func checkOrigin(_ request: ServiceRequest) throws(ServiceError) {
        guard let origin = request.header("origin") else { return }
        let host = request.header("host") ?? ""
        guard origin == (request.isSecure ? "https://" : "http://") + host else {
            throw ServiceError(.forbidden, "Origin: expected this service's own pages · received another's")
        }
    }

    /// A host without its port, in small letters.
    private static func name(_ host: String) -> String? {
        let text = host.lowercased()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let name = text.prefix { $0 != ":" }
        return name.isEmpty ? nil : String(name)
    }

    /// An IPv4 or IPv6 address in numbers.
    static func isAddress(_ name: String) -> Bool {
        var four = in_addr(), six = in6_addr()
        return inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
    }
}
