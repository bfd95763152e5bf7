import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps counters, gauges and histograms, and writes them as Prometheus's text.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
final class PrometheusMetrics: MetricsFactory {
    /// All metrics of one name.
    struct Family: Sendable {
        enum Kind: String { case counter, gauge, histogram }

        let name: String
        let kind: Kind
        let help: String
        /// The upper bounds of a histogram's buckets, ascending; the last bucket has none.
        var bounds: [Double] = []
    }

    private let families: [Family]
    /// The metrics by name and labels.
    private let metrics = Mutex<[String: [String: any PrometheusMetric]]>([:])

    /// - Parameter families: those that may be used, in the order of the text.
    init(_ families: [Family]) { self.families = families }

    /// Returns the metric of a family with these labels, and makes it at the first call.
    private func metric<Metric: PrometheusMetric>(
        _ name: String, _ labels: [(String, String)], make: (Family) -> Metric
    ) -> Metric {
        guard let family = families.first(where: { $0.name == name }) else {
            preconditionFailure("PrometheusMetrics: \(name) is not among its families")
        }
        let text = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        return metrics.withLock { metrics in
            if let known = metrics[name]?[text] {
                guard let metric = known as? Metric else {
                    preconditionFailure("PrometheusMetrics: \(name) is a \(family.kind)")
                }
                return metric
            }
            let metric = make(family)
            metrics[name, default: [:]][text] = metric
            return metric
        }
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        metric(label, dimensions) { _ in PrometheusCounter() }
    }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        metric(label, dimensions) { _ in PrometheusGauge() }
    }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        metric(label, dimensions) { PrometheusHistogram($0.bounds) }
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        metric(label, dimensions) { PrometheusHistogram($0.bounds) }
    }
    // A service's metrics live as long as it does.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    /// The text of all metrics that were made; those of a family in the order of their labels.
    var text: String {
        let metrics = metrics.withLock { $0 }
        var text = ""
        for family in families {
            text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            for (labels, metric) in (metrics[family.name] ?? [:]).sorted(by: { $0.key < $1.key }) {
                text += metric.text(family.name, labels)
            }
        }
        return text
    }
}

/// A metric that writes its samples.
private protocol PrometheusMetric: AnyObject, Sendable {
    func text(_ name: String, _ labels: String) -> String
}

private func sample(_ name: String, _ labels: String, _ value: String) -> String {
    "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
}

private final class PrometheusCounter: CounterHandler, PrometheusMetric {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
    func text(_ name: String, _ labels: String) -> String {
        sample(name, labels, "\(value.load(ordering: .relaxed))")
    }
}

private final class PrometheusGauge: MeterHandler, PrometheusMetric {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func text(_ name: String, _ labels: String) -> String {
        let value = value.withLock { $0 }
        return sample(name, labels, Int(exactly: value).map { "\($0)" } ?? "\(value)")
    }
}

/// A histogram of numbers, or of times in seconds.
private final class PrometheusHistogram: RecorderHandler, TimerHandler, PrometheusMetric {
    private struct State {
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(_ bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: [Int](repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func text(_ name: String, _ labels: String) -> String {
        let state = state.withLock { $0 }
        var total = 0, text = ""
        for (index, count) in state.counts.enumerated() {
            total += count
            let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
            text += sample("\(name)_bucket", (labels.isEmpty ? "" : labels + ",") + "le=\"\(bound)\"", "\(total)")
        }
        return text + sample("\(name)_sum", labels, "\(state.sum)") + sample("\(name)_count", labels, "\(total)")
    }
}
