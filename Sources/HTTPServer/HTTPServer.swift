import NIOCore
import NIOHTTP1
import NIOPosix
import Serving
import Tensors

#if TLS
    import NIOSSL
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The service's HTTP/1.1 server, built on SwiftNIO.
package final class HTTPServer: Sendable {
    private let service: Service
    private let options: ServerOptions
    private let connections: Connections
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel

    /// The maximum size of a request's head, in bytes.
    static let mostHeaderBytes = 32_768
    /// The maximum number of its fields.
    static let mostHeaders = 100
    /// Starts listening.
    /// - Throws: an `OperationError` if the address is in use or not this machine's; an `InputError` for a certificate
    ///   that cannot be used.
    package init(_ service: Service, _ options: ServerOptions, threads: Int) throws {
        var options = options
        options.mostConnections = min(options.mostConnections, max(16, Self.openFiles() - 64))
        self.options = options
        self.service = service
        let (settings, connections) = (options, Connections(options))
        self.connections = connections
        group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let secured = try Self.security(options)
        let limits = NIOHTTPDecoderLimitConfiguration.small(Self.mostHeaderBytes)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.add(channel) else {
                        channel.close(promise: nil)
                        return
                    }
                    try secured(channel)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(
                        withErrorHandling: false, withEncoderConfiguration: .init(),
                        withDecoderLimitConfiguration: limits)
                    try pipeline.addHandler(RequestHandler(service, settings, connections))
                }
            }
        do {
            listener = try bootstrap.bind(host: options.host, port: options.port).wait()
        } catch {
            try? group.syncShutdownGracefully()
            throw Self.failure(error, options)
        }
    }

    /// The address the server listens on.
    package var address: (host: String, port: Int) {
        (listener.localAddress?.ipAddress ?? options.host, listener.localAddress?.port ?? options.port)
    }

    /// Shuts down gracefully: reports that the service is not ready, answers the requests that were sent or are being
    /// sent, each as the last of its connection, and returns when all connections are closed or after
    /// ``ServerOptions/drainSeconds``.
    package func drain() {
        service.drain()
        // Time for connections that the system has already accepted, and for requests in transit on idle ones.
        Self.sleep(0.3)
        try? listener.close().wait()
        Self.sleep(0.7)
        var waited = 0.0
        while connections.count > 0, waited < Double(options.drainSeconds) {
            connections.closeIdle()
            Self.sleep(0.02)
            waited += 0.02
        }
        service.close()
        try? group.syncShutdownGracefully()
    }

    private static func sleep(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }

    /// Raises this process's limit on open files as far as permitted and returns it.
    private static func openFiles() -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 1_024 }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
        _ = getrlimit(resource, &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// Returns a function that adds TLS to a connection, or one that does nothing if there is no certificate.
    private static func security(_ options: ServerOptions) throws -> @Sendable (any Channel) throws -> Void {
        guard let certificate = options.certificate else { return { _ in } }
        #if TLS
            func attempt<Value>(_ option: String, _ file: String, _ expected: String, _ work: () throws -> Value) throws
                -> Value
            {
                do {
                    return try work()
                } catch {
                    throw InputError(option, expected: expected, received: "\(file) (\(error))")
                }
            }
            let (chain, key) = (certificate.chain, certificate.key)
            let certificates = try attempt("--certificate", chain, "a file with a certificate chain in PEM") {
                try NIOSSLCertificate.fromPEMFile(chain).map { NIOSSLCertificateSource.certificate($0) }
            }
            let privateKey = try attempt("--key", key, "a file with a private key in PEM, without a passphrase") {
                try NIOSSLPrivateKey(file: key, format: .pem)
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates, privateKey: .privateKey(privateKey))
            configuration.minimumTLSVersion = .tlsv12
            let context = try attempt("--key", key, "the private key of the certificate in \(chain)") {
                try NIOSSLContext(configuration: configuration)
            }
            return { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
        #else
            throw InputError(
                "--certificate", expected: "a build that speaks TLS", received: "\(certificate.chain) in one without",
                remedy: "swift build -c release --traits TLS --product trainer-serve")
        #endif
    }

    private static func failure(_ error: any Error, _ options: ServerOptions) -> OperationError {
        let code = (error as? IOError)?.errnoCode
        let reasons: [Int32: (String, String)] = [
            EADDRINUSE: ("another program listens there", "choose another --port, or 0 for any"),
            EACCES: ("this user may not listen there", "choose a --port above 1023"),
            EADDRNOTAVAIL: ("that is no address of this machine", "0.0.0.0 is all of them"),
        ]
        let (problem, remedy) = code.flatMap { reasons[$0] } ?? ("\(error)", "")
        return OperationError("listening on \(options.host):\(options.port)", problem: problem, remedy: remedy)
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    fileprivate static func small(_ bytes: Int) -> Self {
        var limits = Self()
        limits.maxHeaderFieldSize = bytes
        limits.maxHeaderListSize = bytes
        limits.maxHeaderFieldCount = HTTPServer.mostHeaders
        return limits
    }
}
