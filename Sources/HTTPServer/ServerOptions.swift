import Tensors

/// How the server listens, and what it puts up with.
package struct ServerOptions: Sendable {
    /// PEM files.
    package struct Certificate: Sendable {
        package var chain: String
        package var key: String
        package init(chain: String, key: String) { (self.chain, self.key) = (chain, key) }
    }

    package var host = "127.0.0.1"
    /// 0: any that is free.
    package var port = 8080
    /// Bytes of a request's body at most.
    package var mostBody = 1 << 24
    /// Bytes of all bodies that are being received or wait.
    package var mostBodies = 1 << 28
    package var mostConnections = 4_096
    /// Seconds until a new connection has sent its request's head.
    package var headSeconds = 10
    /// Seconds until the body has come.
    package var bodySeconds = 60
    /// Seconds that a connection may be idle between requests.
    package var idleSeconds = 60
    /// Seconds in which some of an answer must be taken.
    package var writeSeconds = 30
    /// Seconds that answers may take after a SIGTERM.
    package var drainSeconds = 30
    package var certificate: Certificate?
    package init() {}
}
