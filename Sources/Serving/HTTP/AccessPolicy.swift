import Foundation

/// The access rules: requests must have the token, if there is one, and those of browsers must come from the service's
/// own pages.
package struct AccessPolicy: Sendable {
    /// Nil allows everybody, which is for an address that only this machine can reach.
    package let token: String?
    /// Host names of this service, besides `localhost` and numeric addresses.
    package let names: Set<String>

    /// The cookie in which a page keeps the token.
    static let cookie = "numeral-token"

    package init(token: String?, names: [String] = []) {
        (self.token, self.names) = (token, Set(names.map { $0.lowercased() }))
    }

    /// - Throws: a ``ServiceError``: 403 for a foreign host or origin, 401 without the token.
    func check(_ request: ServiceRequest) throws(ServiceError) {
        try checkHost(request)
        try checkOrigin(request)
        // Health checks are open to everybody, and so are the login page and its styles.
        let open = [["v2", "health", "live"], ["v2", "health", "ready"], ["login"], ["style.css"], ["icon.svg"]]
        if open.contains(request.path) { return }
        guard allows(request) else {
            throw ServiceError(
                .unauthorized, "expected the service's token · received \(given(request) == nil ? "none" : "another")",
                headers: [("WWW-Authenticate", "Bearer")])
        }
    }

    /// Returns whether the request has the token, if there is one.
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

    /// Compares two strings in a time that does not reveal where they differ.
    static func isSame(_ a: String, _ b: String) -> Bool {
        let a = Array(a.utf8), b = Array(b.utf8)
        var difference = a.count ^ b.count
        for index in a.indices { difference |= Int(a[index] ^ (b.isEmpty ? 0 : b[index % b.count])) }
        return difference == 0
    }

    /// Refuses foreign host names: another site may resolve its own name to this address (DNS rebinding).
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

    /// Refuses requests that the browser sends for another site's page, as their `Origin` says.
    private func checkOrigin(_ request: ServiceRequest) throws(ServiceError) {
        let origins = request.headers.filter { $0.name == "origin" }
        guard origins.count < 2 else {
            throw ServiceError(.badRequest, "Origin: expected one · received \(origins.count)")
        }
        guard let origin = origins.first?.value else { return }
        let host = request.header("host") ?? ""
        guard origin == (request.isSecure ? "https://" : "http://") + host || isOfProxy(request) else {
            throw ServiceError(.forbidden, "Origin: expected this service's own pages · received another's")
        }
    }

    /// Whether a browser asked by HTTPS for a name given by `--name`: a proxy before this service ends TLS and passes
    /// the host on.
    func isOfProxy(_ request: ServiceRequest) -> Bool {
        guard !request.isSecure, let host = request.header("host"), let name = Self.name(host) else { return false }
        return names.contains(name) && request.header("origin") == "https://" + host
    }

    /// Returns a host without its port, in lower case.
    private static func name(_ host: String) -> String? {
        let text = host.lowercased()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let name = text.prefix { $0 != ":" }
        return name.isEmpty ? nil : String(name)
    }

    /// Returns whether `name` is a numeric IPv4 or IPv6 address.
    static func isAddress(_ name: String) -> Bool {
        var four = in_addr(), six = in6_addr()
        return inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
    }
}
