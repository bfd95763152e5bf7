import Formats
import Foundation

/// A response of the service, for any HTTP server to send.
package struct ServiceResponse: Sendable {
    package enum Status: Int, Sendable {
        case ok = 200, seeOther = 303, notModified = 304, badRequest = 400, unauthorized = 401, forbidden = 403,
            notFound = 404, methodNotAllowed = 405, requestTimeout = 408, conflict = 409, tooLarge = 413,
            unsupported = 415, unprocessable = 422, tooMany = 429, headersTooLarge = 431, serverError = 500,
            unavailable = 503
    }

    package enum Body: Sendable {
        case bytes([UInt8])
        /// Sent as the events arrive, until the stream ends.
        case stream(any EventSource)
    }

    package var status: Status
    package var contentType: String
    /// Headers other than the content's type and length and the security headers of every response.
    package var headers: [(name: String, value: String)] = []
    package var body: Body
    /// A content security policy in place of that of pages.
    package var policy: String?

    package init(
        _ status: Status = .ok, contentType: String, headers: [(name: String, value: String)] = [], body: [UInt8]
    ) {
        (self.status, self.contentType, self.headers, self.body) = (status, contentType, headers, .bytes(body))
    }

    /// Creates a response of JSON on one line.
    init(_ status: Status = .ok, _ json: JSONValue) {
        self.init(status, contentType: "application/json", body: Array((json.text + "\n").utf8))
    }

    init(stream: any EventSource) {
        self.init(contentType: "text/event-stream", headers: [("Cache-Control", "no-store")], body: [])
        body = .stream(stream)
    }

    /// Returns the media type of a file by its extension; nil for one that is not shown.
    static func mediaType(ofFile name: String) -> String? {
        switch URL(fileURLWithPath: name).pathExtension {
        case "html": "text/html; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "csv": "text/csv; charset=utf-8"
        case "txt": "text/plain; charset=utf-8"
        case "json": "application/json"
        case "jsonl": "application/x-ndjson"
        case "svg": "image/svg+xml"
        default: nil
        }
    }

    /// The bytes of the body; empty for a stream.
    package var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }

    /// All headers except the content's length. A page may load only the service's own files; it may not be framed, and
    /// its type may not be guessed.
    package var allHeaders: [(name: String, value: String)] {
        let page =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        return [
            ("Content-Type", contentType), ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", policy ?? page), ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ] + headers
    }
}

/// The reason why a request is not answered as asked: a status and a line of text.
package struct ServiceError: Error, Sendable {
    package let status: ServiceResponse.Status
    package let message: String
    /// Additional headers, for 401, 405, 429 and 503.
    package let headers: [(name: String, value: String)]

    package init(
        _ status: ServiceResponse.Status, _ message: String, headers: [(name: String, value: String)] = []
    ) {
        (self.status, self.message, self.headers) = (status, message, headers)
    }

    /// `{"error": …}`, as in the Open Inference Protocol.
    package var response: ServiceResponse {
        var response = ServiceResponse(status, ["error": .string(message)])
        response.headers = headers
        return response
    }
}

/// A source of bytes that arrive over time. Called by one thread at a time.
package protocol EventSource: AnyObject, Sendable {
    /// Returns what has arrived since the last call, possibly nothing, and whether that is all.
    func next() -> (bytes: [UInt8], isLast: Bool)
}
