import Tensors

/// The server's address, certificate and limits.
package struct ServerOptions: Sendable {
    /// The paths of a certificate chain and its private key, both PEM files.
    package struct Certificate: Sendable {
        package var chain: String
        package var key: String
        package init(chain: String, key: String) { (self.chain, self.key) = (chain, key) }
    }

    package var host = "127.0.0.1"
    /// The port; 0 for any free one.
    package var port = 8080
    /// The maximum size of a request's body, in bytes.
    package var mostBody = 1 << 24
    /// The maximum total size of the bodies that are being received or are waiting, in bytes.
    package var mostBodies = 1 << 28
    package var mostConnections = 4_096
    /// The time within which a new connection must send its first request's head, in seconds.
    package var headSeconds = 10
    /// The time within which a request's body must arrive, in seconds.
    package var bodySeconds = 60
    /// The time a connection may be idle between requests, in seconds.
    package var idleSeconds = 60
    /// The time within which the client must accept a response's body, or one chunk of a stream, in seconds.
    package var writeSeconds = 30
    /// The time for which input is still discarded after a response that came before it, in seconds.
    package var lingerSeconds = 2
    /// The time that responses may take after a SIGTERM, in seconds.
    package var drainSeconds = 30
    package var certificate: Certificate?
    package init() {}
}
