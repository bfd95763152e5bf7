import Formats
import Tensors

/// A figure of a classifier on a set, beside those that every ``EvaluationSummary`` has. The names and options are those of a
/// configuration's `type`.
public struct Metric: Hashable, Sendable, CustomStringConvertible {
    /// The metric with its options.
    public let kind: any MetricKind

    /// Of a kind of one's own.
    public init(_ kind: some MetricKind) { self.kind = kind }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options: `fScore {"beta": 2}`.
    public var description: String { kind.text }

    /// Whether both are of one type and have the same options.
    public static func == (a: Metric, b: Metric) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension Metric {
    private static let builtIn: [any MetricKind.Type] = [
        BalancedAccuracy.self, FScore.self,
    ]
    private static let registry = KindRegistry<any MetricKind.Type>("metric", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the package's own, then those that were registered.
    public static var kinds: [any MetricKind.Type] { registry.kinds }

    /// Makes a metric of one's own a `type` that configurations can name in `evaluation.metrics`, with its keys read as strictly
    /// as all others. To be called before the first of them is read; twice is the same as once.
    ///
    /// - Throws: an ``InputError`` where another metric has that name, or it is not of letters and digits.
    public static func register(_ kind: any MetricKind.Type) throws(InputError) { try registry.add(kind.type, kind) }
}

/// All there is to a metric: its options and their keys in a configuration, and its value. One file of `Metrics` holds one;
/// ``Metric/register(_:)`` adds others.
public protocol MetricKind: ConfigurationKind {
    /// The figure; NaN where it is not defined, which is written as null.
    func value(_ predictions: Predictions) -> Double
}

extension MetricKind {
    /// This kind as a case of the configuration's union of metrics.
    package static var variant: Variant<Nothing, Metric> {
        Variant(type, options, { Metric($0) }, { $0.kind as? Self })
    }
}

/// One metric's figure on one set.
public struct MetricValue: Hashable, Sendable {
    /// The metric's ``Metric/description``.
    public let name: String
    /// NaN where it is not defined.
    public let value: Double
}
