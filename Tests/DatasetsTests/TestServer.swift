import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A small HTTP server on 127.0.0.1 that answers as a test tells it. The only pointers in these tests are the ones
/// that sockets want.
final class TestServer: Sendable {
    struct Request: Sendable, Equatable {
        var path: String
        var rangeStart: Int?
    }
    struct Answer: Sendable {
        var status = 200
        var headers: [String] = []
        var body: [UInt8]
        /// Bytes of the body after which the connection is cut, though all were promised.
        var cutAfter: Int? = nil
        /// Accepts and says nothing.
        var isSilent = false
    }

    let port: UInt16
    private let descriptor: Int32
    private let log = Mutex<[Request]>([])

    var base: String { "http://127.0.0.1:\(port)/" }
    var requests: [Request] { log.withLock { $0 } }

    init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        #if canImport(Darwin)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        descriptor = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in serve(descriptor, answer) }.start()
    }

    /// Ends the server: later connections are refused.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private func serve(_ descriptor: Int32, _ answer: @Sendable (Request) -> Answer) {
        while true {
            let connection = accept(descriptor, nil, nil)
            if connection < 0 { return }
            let request = Self.request(connection)
            log.withLock { $0.append(request) }
            let answer = answer(request)
            if answer.isSilent { continue }
            var head = "HTTP/1.1 \(answer.status) Answer\r\nContent-Length: \(answer.body.count)\r\n"
            for header in answer.headers { head += header + "\r\n" }
            let bytes =
                Array((head + "Connection: close\r\n\r\n").utf8)
                + answer.body.prefix(answer.cutAfter ?? answer.body.count)
            var sent = 0
            while sent < bytes.count {
                let rest = Array(bytes[sent...])
                let count = send(connection, rest, rest.count, Int32(MSG_NOSIGNAL))
                if count <= 0 { break }
                sent += count
            }
            shutdown(connection, Int32(SHUT_WR))
            close(connection)
        }
    }

    private static func request(_ connection: Int32) -> Request {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while !text.contains("\r\n\r\n") {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { break }
            text += String(decoding: buffer.prefix(count), as: UTF8.self)
        }
        let lines = text.components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
        return Request(
            path: words.count > 1 ? String(words[1].dropFirst()) : "",
            rangeStart: range.flatMap { Int($0.dropFirst("range: bytes=".count).prefix { $0 != "-" }) })
    }
}

extension TestServer.Answer {
    /// What a good server sends of `file`: a part from `request.rangeStart` on where that was asked for.
    static func file(_ file: [UInt8], _ request: TestServer.Request) -> TestServer.Answer {
        guard let start = request.rangeStart else { return TestServer.Answer(body: file) }
        guard start < file.count else { return TestServer.Answer(status: 416, body: []) }
        return TestServer.Answer(
            status: 206, headers: ["Content-Range: bytes \(start)-\(file.count - 1)/\(file.count)"],
            body: Array(file[start...]))
    }
}
