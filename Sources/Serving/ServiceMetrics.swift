import Foundation
import Synchronization

/// The service's metrics, in Prometheus's text format.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
final class ServiceMetrics: Sendable {
    /// The upper bounds of the buckets, in seconds.
    private static let bounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]
    private static let sizes = [1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

    private struct Histogram {
        let bounds: [Double]
        var counts: [Int]
        var sum = 0.0

        init(_ bounds: [Double]) { (self.bounds, counts) = (bounds, [Int](repeating: 0, count: bounds.count + 1)) }

        mutating func add(_ value: Double) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }

        func text(_ name: String, _ labels: String) -> String {
            var total = 0, text = ""
            let comma = labels.isEmpty ? "" : labels + ","
            for (index, count) in counts.enumerated() {
                total += count
                text +=
                    "\(name)_bucket{\(comma)le=\"\(index < bounds.count ? "\(bounds[index])" : "+Inf")\"} \(total)\n"
            }
            let braces = labels.isEmpty ? "" : "{\(labels)}"
            return text + "\(name)_sum\(braces) \(sum)\n\(name)_count\(braces) \(total)\n"
        }
    }

    private struct Figures {
        var requests: [String: Int] = [:]
        var seconds: [String: Histogram] = [:]
        var images = Histogram(ServiceMetrics.sizes)
        var refused = 0
        var expired = 0
    }

    private let figures = Mutex(Figures())
    private let started = Date()

    /// - Parameter route: one of a fixed few names, never text from the request.
    func answered(_ route: String, status: Int, seconds: Double) {
        figures.withLock { figures in
            figures.requests["route=\"\(route)\",status=\"\(status)\"", default: 0] += 1
            figures.seconds["route=\"\(route)\"", default: Histogram(Self.bounds)].add(seconds)
        }
    }

    func took(images: Int) { figures.withLock { $0.images.add(Double(images)) } }
    func refused() { figures.withLock { $0.refused += 1 } }
    func expired() { figures.withLock { $0.expired += 1 } }

    func text(waiting: Int, capacity: Int) -> String {
        figures.withLock { figures in
            func head(_ name: String, _ type: String, _ help: String) -> String {
                "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            }
            var text = head("numeral_requests_total", "counter", "Requests answered.")
            for (labels, count) in figures.requests.sorted(by: { $0.key < $1.key }) {
                text += "numeral_requests_total{\(labels)} \(count)\n"
            }
            text += head("numeral_request_seconds", "histogram", "From the whole request to the whole answer.")
            for (labels, histogram) in figures.seconds.sorted(by: { $0.key < $1.key }) {
                text += histogram.text("numeral_request_seconds", labels)
            }
            text += head("numeral_request_images", "histogram", "Pictures in a request.")
            text += figures.images.text("numeral_request_images", "")
            text += head("numeral_queue_waiting", "gauge", "Requests that wait for a thread.")
            text += "numeral_queue_waiting \(waiting)\n"
            text += head("numeral_queue_capacity", "gauge", "Requests that may wait.")
            text += "numeral_queue_capacity \(capacity)\n"
            text += head("numeral_refused_total", "counter", "Requests refused because the queue was full.")
            text += "numeral_refused_total \(figures.refused)\n"
            text += head("numeral_expired_total", "counter", "Requests that waited past their deadline.")
            text += "numeral_expired_total \(figures.expired)\n"
            text += head("numeral_uptime_seconds", "gauge", "Since the start.")
            return text + "numeral_uptime_seconds \(Date().timeIntervalSince(started).rounded())\n"
        }
    }
}
