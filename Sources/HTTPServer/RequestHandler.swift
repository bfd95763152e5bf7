import NIOCore
import NIOHTTP1
import NIOPosix
import Serving
import Synchronization
import Tensors

/// The handler of one connection. It collects whole requests, within limits of size and time, and sends the service's
/// responses in order. Pipelined requests wait in NIO's handler before this one, which stops reading meanwhile.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        case receiving(HTTPRequestHead, [UInt8])
        /// The response is being prepared or sent.
        case answering
        /// The response was the connection's last; further input is ignored.
        case closing
    }

    private let service: Service
    private let options: ServerOptions
    private let connections: Connections
    private let isSecure: Bool
    private var state = State.idle
    /// The bytes of ``Connections`` that the current request holds.
    private var takenBytes = 0
    /// Whether the client may still be sending when it has the last answer.
    private var lingers = false
    private var timer: Scheduled<Void>?
    private let isGone = Gone()

    /// Whether the client has disconnected, for the threads that answer.
    private final class Gone: Sendable {
        let flag = Atomic<Bool>(false)
    }

    init(_ service: Service, _ options: ServerOptions, _ connections: Connections) {
        (self.service, self.options, self.connections) = (service, options, connections)
        isSecure = options.certificate != nil
    }

    // MARK: - Connection

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { wait(options.headSeconds, context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        wait(options.headSeconds, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone.flag.store(true, ordering: .relaxed)
        timer?.cancel()
        connections.give(bytes: takenBytes)
        takenBytes = 0
        connections.remove(context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What comes after what was refused is no request either.
        if lingers { return }
        guard error is HTTPParserError, case .idle = state else {
            context.close(promise: nil)
            return
        }
        let status: ServiceResponse.Status =
            (error as? HTTPParserError) == .headerOverflow ? .headersTooLarge : .badRequest
        let message =
            status == .headersTooLarge
            ? "the head: expected at most \(HTTPServer.mostHeaderBytes) bytes and \(HTTPServer.mostHeaders) fields · received more"
            : "expected an HTTP/1.1 request · received bytes that are none"
        refuse(ServiceError(status, message), nil, context)
    }

    /// Closes the connection after `seconds`, unless another timer is started before.
    private func wait(_ seconds: Int, _ context: ChannelHandlerContext) {
        timer?.cancel()
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: context.value.eventLoop)
        timer = context.value.eventLoop.scheduleTask(in: .seconds(Int64(seconds))) {
            handler.value.expire(context.value)
        }
    }

    private func expire(_ context: ChannelHandlerContext) {
        if case .receiving(let head, _) = state {
            refuse(
                ServiceError(.requestTimeout, "the body did not come within \(options.bodySeconds) s"), head, context)
        } else {
            context.close(promise: nil)
        }
    }

    // MARK: - Request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle): begin(head, context)
        case (.body(let buffer), .receiving(let head, var bytes)):
            state = .idle
            guard bytes.count + buffer.readableBytes <= options.mostBody else { return refuse(tooLarge, head, context) }
            guard take(buffer.readableBytes) else { return refuse(noRoom, head, context) }
            bytes.append(contentsOf: buffer.readableBytesView)
            state = .receiving(head, bytes)
        case (.end, .receiving(let head, let bytes)): ask(head, bytes, context)
        default: break
        }
    }

    private var tooLarge: ServiceError {
        ServiceError(.tooLarge, "the body: expected at most \(options.mostBody) bytes · received more")
    }

    private var noRoom: ServiceError {
        ServiceError(
            .unavailable, "the bodies that are being received take all the memory there is for them",
            headers: [("Retry-After", "1")])
    }

    private func take(_ bytes: Int) -> Bool {
        guard connections.take(bytes: bytes) else { return false }
        takenBytes += bytes
        return true
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        connections.mark(context.channel, isBusy: true)
        wait(options.bodySeconds, context)
        // Whoever reads a coded body as a plain one reads another body than a proxy before it.
        let codings = head.headers[canonicalForm: "transfer-encoding"]
        guard codings.isEmpty || codings.map({ $0.lowercased() }) == ["chunked"] else {
            return refuse(
                ServiceError(.badRequest, "Transfer-Encoding: expected chunked alone · received others"), head, context)
        }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard length <= options.mostBody else { return refuse(tooLarge, head, context) }
        if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
            context.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(length, 1 << 20))
        state = .receiving(head, bytes)
    }

    /// Passes the request to the service.
    private func ask(_ head: HTTPRequestHead, _ bytes: [UInt8], _ context: ChannelHandlerContext) {
        state = .answering
        timer?.cancel()
        let request: ServiceRequest
        do {
            request = try ServiceRequest(
                method: head.method.rawValue, target: head.uri, headers: head.headers.map { ($0.name, $0.value) },
                body: bytes, isSecure: isSecure)
        } catch {
            service.refused(error)
            return send(error.response, head, context)
        }
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context, head), eventLoop: loop)
        let isGone = isGone
        service.respond(to: request, isCancelled: { isGone.flag.load(ordering: .relaxed) }) { response in
            if loop.inEventLoop {
                bound.value.0.send(response, bound.value.2, bound.value.1)
            } else {
                loop.execute { bound.value.0.send(response, bound.value.2, bound.value.1) }
            }
        }
    }

    /// Responds before the request is complete and ends the connection.
    private func refuse(_ error: ServiceError, _ head: HTTPRequestHead?, _ context: ChannelHandlerContext) {
        state = .closing
        lingers = true
        timer?.cancel()
        var head = head ?? HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        head.headers.replaceOrAdd(name: "connection", value: "close")
        service.refused(error)
        send(error.response, head, context)
    }

    /// Ends a refused connection: what the client is still sending is discarded for a moment, since a connection that is
    /// closed with unread input is reset, and the client may never see the answer.
    private func linger(_ context: ChannelHandlerContext) {
        guard !isSecure else { return context.close(promise: nil) }
        wait(options.lingerSeconds, context)
        context.close(mode: .output, promise: nil)
    }

    // MARK: - Answer

    private func send(_ response: ServiceResponse, _ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var headers = HTTPHeaders(response.allHeaders.map { ($0.name, $0.value) })
        // NIO's decoder stops after a request to change the protocol, which is not granted.
        let changesProtocol = request.method == .CONNECT || request.headers.contains(name: "upgrade")
        let isLast = !request.isKeepAlive || !service.isReady || changesProtocol
        if changesProtocol { lingers = true }
        headers.add(name: "Connection", value: isLast ? "close" : "keep-alive")
        if case .bytes(let bytes) = response.body, response.status != .notModified {
            headers.add(name: "Content-Length", value: "\(bytes.count)")
        }
        let status = HTTPResponseStatus(statusCode: response.status.rawValue)
        let head = HTTPServerResponsePart.head(
            HTTPResponseHead(version: request.version, status: status, headers: headers))
        wait(options.writeSeconds, context)
        switch response.body {
        case .bytes(let bytes):
            let hasBody = request.method != .HEAD && !bytes.isEmpty && response.status != .notModified
            if hasBody { context.write(wrapOutboundOut(head), promise: nil) }
            flush(hasBody ? .body(.byteBuffer(ByteBuffer(bytes: bytes))) : head, context) { handler, context in
                handler.end(isLast: isLast, context)
            }
        case .stream(let source):
            flush(head, context) { handler, context in
                if request.method == .HEAD {
                    handler.end(isLast: isLast, context)
                } else {
                    handler.pump(source, context)
                }
            }
        }
    }

    /// Writes `part` and continues once the system has accepted all of it, so that a client that keeps sending requests
    /// without reading gets no responses ahead.
    private func flush(
        _ part: HTTPServerResponsePart, _ context: ChannelHandlerContext,
        then next: @escaping (RequestHandler, ChannelHandlerContext) -> Void
    ) {
        let bound = NIOLoopBound((self, context, next), eventLoop: context.eventLoop)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { result in
            let (handler, context, next) = bound.value
            if case .success = result { next(handler, context) } else { context.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(part), promise: written)
    }

    /// Ends the response and makes the connection ready for its next request, if there may be one.
    private func end(isLast: Bool, _ context: ChannelHandlerContext) {
        connections.give(bytes: takenBytes)
        takenBytes = 0
        if isLast {
            state = .closing
        } else {
            state = .idle
            connections.mark(context.channel, isBusy: false)
            wait(options.idleSeconds, context)
        }
        flush(.end(nil), context) { handler, context in
            if isLast { handler.lingers ? handler.linger(context) : context.close(promise: nil) }
        }
    }

    /// Sends a stream as it grows, polling the source twice a second on another thread, since it may read files.
    private func pump(_ source: any EventSource, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        timer?.cancel()
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { source.next() }.whenComplete { result in
            let (handler, context) = bound.value
            guard context.channel.isActive, case .success(let (bytes, isLast)) = result else { return }
            func goOn(_ handler: RequestHandler, _ context: ChannelHandlerContext) {
                if isLast || !handler.service.isReady { return handler.end(isLast: true, context) }
                loop.scheduleTask(in: .milliseconds(500)) { bound.value.0.pump(source, bound.value.1) }
            }
            guard !bytes.isEmpty else { return goOn(handler, context) }
            // A client that reads nothing for this long is disconnected.
            handler.wait(handler.options.writeSeconds, context)
            handler.flush(.body(.byteBuffer(ByteBuffer(bytes: bytes))), context, then: goOn)
        }
    }
}
