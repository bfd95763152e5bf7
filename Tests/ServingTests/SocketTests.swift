import Foundation
import TestSupport
import Testing

@testable import HTTPServer
@testable import Serving

/// A connection of bytes, as any client's.
private final class Connection {
    private let descriptor: Int32

    init(_ port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String, _ body: [UInt8] = []) {
        let bytes = Array(text.utf8) + body
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// What comes until so many answers ended or the connection did.
    func receive(answers: Int = .max) -> String {
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if Self.answers(text) >= answers { return text }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return text }
            bytes += buffer[..<count]
        }
    }

    /// Whole answers with a length.
    private static func answers(_ text: String) -> Int {
        var rest = Substring(text), count = 0
        while let end = rest.range(of: "\r\n\r\n") {
            let head = rest[..<end.lowerBound]
            let length =
                head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
                .flatMap { Int($0.dropFirst(16)) } ?? 0
            guard rest[end.upperBound...].utf8.count >= length else { return count }
            rest = Substring(String(decoding: Array(rest[end.upperBound...].utf8.dropFirst(length)), as: UTF8.self))
            count += 1
        }
        return count
    }
}

@Suite struct SocketTests {
    private func withServer(
        _ change: (inout ServerOptions) -> Void = { _ in }, _ body: (HTTPServer, Int) throws -> Void
    ) throws {
        let asking = try Asking { $0.queue = 2_000 }
        var options = ServerOptions()
        options.port = 0
        change(&options)
        let server = try HTTPServer(asking.service, options, threads: 2)
        try body(server, server.address.port)
        server.drain()
    }

    private static let get = "GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"

    private static func read(_ body: [UInt8], _ more: String = "") -> String {
        "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\(more)\r\n"
    }

    @Test("Requests that are pipelined are answered in their order, on one connection") func pipelining() throws {
        try withServer { _, port in
            let three = try example("three.png"), seven = try example("seven.jpg")
            let connection = try Connection(port)
            connection.send(Self.read(three), three)
            connection.send(Self.read(seven), seven)
            connection.send(Self.get + Self.read(three, "Connection: close\r\n"), three)
            let text = connection.receive()
            let found = text.split(separator: "HTTP/1.1 200 OK").map { part in
                part.contains("[\"3\"]") ? "3" : part.contains("[\"7\"]") ? "7" : part.contains("live") ? "live" : "?"
            }
            #expect(found == ["3", "7", "live", "3"])
        }
    }

    @Test("A request that comes byte by byte, or in chunks, is one request") func pieces() throws {
        try withServer { _, port in
            let connection = try Connection(port)
            for byte in Self.get.utf8 {
                connection.send(String(UnicodeScalar(byte)))
                usleep(500)
            }
            #expect(connection.receive(answers: 1).contains("200 OK"))
            let picture = try example("three.png")
            connection.send("POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in stride(from: 0, to: picture.count, by: 1_000) {
                let part = Array(picture[start..<min(start + 1_000, picture.count)])
                connection.send(String(part.count, radix: 16) + "\r\n", part + [13, 10])
            }
            connection.send("0\r\n\r\n")
            #expect(connection.receive(answers: 1).contains("\"3\""))
        }
    }

    @Test("Bodies and heads that are too large are refused, and the connection ends") func sizes() throws {
        try withServer({ $0.mostBody = 2_000 }) { _, port in
            let long = try Connection(port)
            long.send("POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2001\r\n\r\n")
            #expect(long.receive().hasPrefix("HTTP/1.1 413 "))
            let chunked = try Connection(port)
            chunked.send("POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<3 { chunked.send("400\r\n", [UInt8](repeating: 0, count: 1_024) + [13, 10]) }
            #expect(chunked.receive().hasPrefix("HTTP/1.1 413 "))
            let head = try Connection(port)
            head.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + String(repeating: "a", count: 40_000) + "\r\n\r\n")
            #expect(head.receive().hasPrefix("HTTP/1.1 431 "))
            let none = try Connection(port)
            none.send("no request at all\r\n\r\n")
            #expect(none.receive().hasPrefix("HTTP/1.1 400 "))
            // The others do not suffer.
            let sound = try Connection(port)
            sound.send(Self.get)
            #expect(sound.receive(answers: 1).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("Who still sends a body that is too large reads the answer") func largeBodySent() throws {
        try withServer({ $0.mostBody = 2_000 }) { _, port in
            for _ in 0..<5 {
                let connection = try Connection(port)
                connection.send(
                    Self.read([UInt8](repeating: 0, count: 4_000_000)), [UInt8](repeating: 0, count: 4_000_000))
                #expect(connection.receive().hasPrefix("HTTP/1.1 413 "))
            }
        }
    }

    @Test("A wish for another protocol is answered in this one, and ends the connection") func upgrades() throws {
        try withServer { _, port in
            for more in [
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
                "Upgrade: websocket\r\n",
            ] {
                let connection = try Connection(port)
                connection.send("GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\(more)\r\n")
                let text = connection.receive()
                #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("Connection: close"), "\(text)")
            }
        }
    }

    @Test("A body in another coding is refused") func codings() throws {
        try withServer { _, port in
            for coding in ["gzip, chunked", "chunked\r\nTransfer-Encoding: chunked"] {
                let connection = try Connection(port)
                connection.send(
                    "POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: \(coding)\r\n\r\n0\r\n\r\n")
                #expect(connection.receive().hasPrefix("HTTP/1.1 400 "), "\(coding)")
            }
        }
    }

    @Test("What is refused before there is a request is counted") func refusals() throws {
        try withServer { _, port in
            let none = try Connection(port)
            none.send("no request at all\r\n\r\n")
            _ = none.receive()
            let metrics = try Connection(port)
            metrics.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(metrics.receive(answers: 1).contains("{route=\"refused\",status=\"400\"} 1"))
        }
    }

    @Test("Bodies together take no more than there is for them") func memory() throws {
        try withServer({ $0.mostBodies = 3_000 }) { _, port in
            let first = try Connection(port), second = try Connection(port)
            let half = [UInt8](repeating: 65, count: 2_000)
            first.send(Self.read(half + half), half)
            usleep(100_000)
            second.send(Self.read(half), half)
            #expect(second.receive().hasPrefix("HTTP/1.1 503 "))
            first.send("", half)
            #expect(first.receive().hasPrefix("HTTP/1.1 503 "))
            let third = try Connection(port)
            third.send(Self.read(half), half)
            #expect(third.receive(answers: 1).hasPrefix("HTTP/1.1 422 "))
        }
    }

    @Test("Clients that send nothing, or half, are let go") func slow() throws {
        try withServer({ options in
            options.headSeconds = 1
            options.bodySeconds = 1
            options.idleSeconds = 1
        }) { _, port in
            let silent = try Connection(port), half = try Connection(port), idle = try Connection(port)
            half.send(Self.read([1, 2, 3]), [1])
            idle.send(Self.get)
            #expect(silent.receive().isEmpty)
            #expect(half.receive().hasPrefix("HTTP/1.1 408 "))
            #expect(idle.receive().contains("200 OK"))
        }
    }

    @Test("HEAD has the length and no body; what is unchanged is not sent again") func head() throws {
        try withServer { _, port in
            let connection = try Connection(port)
            connection.send("HEAD /style.css HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            let head = connection.receive()
            #expect(
                head.contains("Content-Length: ") && head.hasSuffix("\r\n\r\n") && !head.contains("Content-Length: 0\r")
            )
            let tag = head.split(separator: "\r\n").first { $0.hasPrefix("ETag: ") }?.dropFirst(6) ?? ""
            let again = try Connection(port)
            again.send(
                "GET /style.css HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \(tag)\r\nConnection: close\r\n\r\n")
            #expect(again.receive().hasPrefix("HTTP/1.1 304 "))
        }
    }

    @Test("Every request that was sent before the end is answered") func drain() throws {
        let asking = try Asking { $0.queue = 2_000 }
        var options = ServerOptions()
        options.port = 0
        let server = try HTTPServer(asking.service, options, threads: 2)
        let picture = try example("three.png")
        let connections = try (0..<40).map { _ in try Connection(server.address.port) }
        for connection in connections { connection.send(Self.read(picture), picture) }
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            server.drain()
            ended.signal()
        }
        for connection in connections {
            let text = connection.receive()
            #expect(text.contains("200 OK") && text.contains("\"3\""))
        }
        #expect(ended.wait(timeout: .now() + 20) == .success)
    }

    @Test("An address that is taken is said") func taken() throws {
        try withServer { server, port in
            var options = ServerOptions()
            options.port = port
            let service = try Asking().service
            #expect {
                _ = try HTTPServer(service, options, threads: 1)
            } throws: { "\($0)".contains("another program listens there") }
        }
    }
}
