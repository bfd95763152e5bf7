import Foundation

/// A complete request, in a form that any HTTP server can provide.
package struct ServiceRequest: Sendable {
    /// The method in capitals, as it was sent.
    package let method: String
    /// The decoded components of the path: `["v2", "models"]`.
    package let path: [String]
    /// The query in order; a name without `=` has the value "".
    package let query: [(name: String, value: String)]
    /// The headers in the order sent, with names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    /// Whether it came over TLS.
    package let isSecure: Bool

    /// - Parameter target: the target of the request line: a path that begins with `/`, and optionally a query; or such
    ///   a target after a scheme and a host, as for a proxy, which are not looked at.
    /// - Throws: a ``ServiceError`` (400) if the target is not a path or contains invalid escapes.
    package init(
        method: String, target: String, headers: [(name: String, value: String)], body: [UInt8] = [],
        isSecure: Bool = false
    ) throws(ServiceError) {
        self.method = method
        var target = target[...]
        if let scheme = ["http://", "https://"].first(where: { target.lowercased().hasPrefix($0) }) {
            let rest = target.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
            target = rest.hasPrefix("/") ? rest : "/" + rest
        }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, first.hasPrefix("/"), target.utf8.count <= 8_192 else {
            throw ServiceError(.badRequest, "the target: expected a path of at most 8,192 bytes that begins with /")
        }
        var path: [String] = []
        for part in first.split(separator: "/") { path.append(try Self.decoded(part, "the path")) }
        var query: [(name: String, value: String)] = []
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = sides.count > 1 ? sides[1].replacing("+", with: " ") : ""
            query.append((try Self.decoded(sides[0], "the query"), try Self.decoded(Substring(value), "the query")))
        }
        (self.path, self.query) = (path, query)
        self.headers = headers.map { ($0.name.lowercased(), $0.value) }
        (self.body, self.isSecure) = (body, isSecure)
    }

    /// Returns the value of a header that may occur once; of several, the first.
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// Returns the value of a cookie.
    func cookie(_ name: String) -> String? {
        for header in headers where header.name == "cookie" {
            for pair in header.value.split(separator: ";") {
                let sides = pair.split(separator: "=", maxSplits: 1)
                if sides.count == 2, sides[0].trimmingCharacters(in: .whitespaces) == name { return String(sides[1]) }
            }
        }
        return nil
    }

    private static func decoded(_ text: Substring, _ place: String) throws(ServiceError) -> String {
        guard let decoded = text.removingPercentEncoding, !decoded.unicodeScalars.contains(where: { $0.value < 0x20 })
        else { throw ServiceError(.badRequest, "\(place): expected percent-encoded UTF-8 without control characters") }
        return decoded
    }
}
