import CoreMetrics
import Foundation
import Synchronization

/// What the service reports to swift-metrics, and the text of `/metrics`.
final class ServiceMetrics: Sendable {
    private static let families: [PrometheusMetrics.Family] = [
        .init(name: "numeral_requests_total", kind: .counter, help: "Requests answered."),
        .init(
            name: "numeral_request_seconds", kind: .histogram, help: "From the whole request to the whole answer.",
            bounds: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]),
        .init(
            name: "numeral_request_images", kind: .histogram, help: "Pictures in a request.",
            bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]),
        .init(
            name: "numeral_batch_requests", kind: .histogram, help: "Requests that were computed together.",
            bounds: [1, 2, 4, 8, 16]),
        .init(name: "numeral_queue_waiting", kind: .gauge, help: "Requests that wait for a thread."),
        .init(name: "numeral_queue_capacity", kind: .gauge, help: "Requests that may wait."),
        .init(name: "numeral_refused_total", kind: .counter, help: "Requests refused because the queue was full."),
        .init(name: "numeral_expired_total", kind: .counter, help: "Requests that waited past their deadline."),
        .init(name: "numeral_uptime_seconds", kind: .gauge, help: "Since the start."),
    ]

    private struct Answers: Hashable {
        var route: String
        var status: Int
    }

    private let backend: PrometheusMetrics
    /// Reports to ``backend``, and to the process's back end if it has one.
    private let factory: any MetricsFactory
    private let images, batches: Recorder
    private let refusals, expiries: Counter
    private let waiting, capacity, uptime: Meter
    private let answers = Mutex<[Answers: (count: Counter, seconds: CoreMetrics.Timer)]>([:])
    private let started = Date()

    init() {
        backend = PrometheusMetrics(Self.families)
        factory = MultiplexMetricsHandler(factories: [backend, MetricsSystem.factory])
        images = Recorder(label: "numeral_request_images", factory: factory)
        batches = Recorder(label: "numeral_batch_requests", factory: factory)
        (refusals, expiries) = (
            Counter(label: "numeral_refused_total", factory: factory),
            Counter(label: "numeral_expired_total", factory: factory)
        )
        waiting = Meter(label: "numeral_queue_waiting", factory: factory)
        capacity = Meter(label: "numeral_queue_capacity", factory: factory)
        uptime = Meter(label: "numeral_uptime_seconds", factory: factory)
    }

    /// - Parameter route: one of a fixed few names, never text from the request.
    func answered(_ route: String, status: Int, seconds: Double) {
        let (count, timer) = answers.withLock { answers in
            let key = Answers(route: route, status: status)
            if let known = answers[key] { return known }
            let new = (
                count: Counter(
                    label: "numeral_requests_total", dimensions: [("route", route), ("status", "\(status)")],
                    factory: factory),
                seconds: CoreMetrics.Timer(
                    label: "numeral_request_seconds", dimensions: [("route", route)], factory: factory)
            )
            answers[key] = new
            return new
        }
        count.increment()
        timer.recordSeconds(seconds)
    }

    func took(images: Int) { self.images.record(images) }
    func batched(requests: Int) { batches.record(requests) }
    func refused() { refusals.increment() }
    func expired() { expiries.increment() }

    func text(waiting: Int, capacity: Int) -> String {
        self.waiting.set(waiting)
        self.capacity.set(capacity)
        uptime.set(Date().timeIntervalSince(started).rounded())
        return backend.text
    }
}
