import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// An HTTP request whose body is appended to a file, or replaces it if the server cannot resume.
///
/// Foundation calls it on a queue of its own; the downloading thread waits in ``run(_:responseSeconds:idleSeconds:)``.
final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    enum Outcome: Equatable {
        /// The whole body was received.
        case complete
        /// The server never answered: no such host, connection refused, or silence.
        case unreachable(String)
        /// The server answered with something other than the file.
        case refused(String)
        /// The transfer was interrupted.
        case broken(String)
        /// The file could not be written.
        case unwritable(String)
    }

    private let file: FileHandle
    private let resumedAt: Int
    private let largest: Int
    private let progress: @Sendable (_ received: Int, _ total: Int?) -> Void
    // Everything below is guarded by `condition`.
    private let condition = NSCondition()
    private var responded = false
    private var received: Int
    private var total: Int?
    private var failure: Outcome?
    private var finished = false
    private var transportError: String?
    private var lastActivity = Date()

    /// - Parameters:
    ///   - file: Open for writing, its first `resumedAt` bytes already there.
    ///   - largest: The largest number of bytes accepted.
    init(
        into file: FileHandle, resumedAt: Int, largest: Int,
        progress: @escaping @Sendable (_ received: Int, _ total: Int?) -> Void
    ) {
        self.file = file
        self.resumedAt = resumedAt
        self.largest = largest
        self.progress = progress
        received = resumedAt
    }

    /// The number of bytes received in this transfer and written to the file.
    var newBytes: Int { condition.withLock { max(received - resumedAt, 0) } }
    /// Whether the server has answered.
    var hasResponded: Bool { condition.withLock { responded } }

    /// Fetches `url`, and returns when the transfer has completed or failed.
    func run(_ url: URL, responseSeconds: Double, idleSeconds: Double) -> Outcome {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = max(responseSeconds, idleSeconds) + 5
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        var request = URLRequest(url: url)
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        request.setValue("numeral", forHTTPHeaderField: "User-Agent")
        if resumedAt > 0 { request.setValue("bytes=\(resumedAt)-", forHTTPHeaderField: "Range") }
        let task = session.dataTask(with: request)
        let started = Date()
        task.resume()
        let outcome = wait(since: started, responseSeconds, idleSeconds)
        task.cancel()
        session.invalidateAndCancel()
        return outcome
    }

    private func wait(since started: Date, _ responseSeconds: Double, _ idleSeconds: Double) -> Outcome {
        condition.lock()
        defer { condition.unlock() }
        while !finished && failure == nil {
            let deadline =
                responded
                ? lastActivity.addingTimeInterval(idleSeconds) : started.addingTimeInterval(responseSeconds)
            if Date() >= deadline {
                let silence =
                    responded
                    ? Outcome.broken("no byte in \(Int(idleSeconds)) s") : .unreachable("no answer in time")
                // From here on, no received bytes are written.
                failure = silence
                return silence
            }
            _ = condition.wait(until: deadline)
        }
        if let failure { return failure }
        if let transportError { return responded ? .broken(transportError) : .unreachable(transportError) }
        if let total, received < total { return .broken("\(received) of \(total) bytes") }
        return .complete
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        condition.lock()
        accept(response)
        let disposition: URLSession.ResponseDisposition = failure == nil ? .allow : .cancel
        condition.broadcast()
        condition.unlock()
        completionHandler(disposition)
    }

    /// Checks the status, and seeks or truncates the file to where the body begins. Called with the lock held.
    private func accept(_ response: URLResponse) {
        responded = true
        lastActivity = Date()
        guard failure == nil else { return }
        guard let http = response as? HTTPURLResponse else {
            failure = .refused("no HTTP answer")
            return
        }
        let length = http.expectedContentLength >= 0 ? Int(http.expectedContentLength) : nil
        do {
            switch http.statusCode {
            case 206 where resumedAt > 0 && Self.start(of: http) == resumedAt:
                try file.seek(toOffset: UInt64(resumedAt))
                total = length.map { $0 + resumedAt }
            case 200:
                try file.truncate(atOffset: 0)
                received = 0
                total = length
            default:
                failure = .refused("HTTP status \(http.statusCode)")
            }
        } catch {
            failure = .unwritable("\(error)")
        }
        if let total, total > largest { failure = .refused("\(total) bytes, more than the \(largest) expected") }
    }

    /// Returns where a partial body begins, from its Content-Range `bytes 100-199/200`.
    private static func start(of response: HTTPURLResponse) -> Int? {
        guard let range = response.value(forHTTPHeaderField: "Content-Range"), range.hasPrefix("bytes ") else {
            return nil
        }
        return Int(range.dropFirst(6).prefix { $0 != "-" })
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        condition.lock()
        var report: (Int, Int?)?
        if failure == nil, responded {
            lastActivity = Date()
            if received + data.count > largest {
                failure = .refused("more than the \(largest) bytes expected")
            } else {
                do {
                    try file.write(contentsOf: data)
                    received += data.count
                    report = (received, total)
                } catch {
                    failure = .unwritable("\(error)")
                }
            }
        }
        condition.broadcast()
        condition.unlock()
        if let report { progress(report.0, report.1) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        condition.lock()
        finished = true
        if let error { transportError = error.localizedDescription }
        condition.broadcast()
        condition.unlock()
    }
}
