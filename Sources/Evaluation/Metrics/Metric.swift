import Formats
import Tensors

/// An additional figure of a classifier on a set, beyond those of every ``EvaluationSummary``.
///
/// Names and options are those of a configuration's `type`.
public struct Metric: Hashable, Sendable, CustomStringConvertible {
    /// The metric with its options.
    public let kind: any MetricKind

    /// Creates a metric of a custom kind.
    public init(_ kind: some MetricKind) { self.kind = kind }

    /// The metric's name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// The type and the options, for example `fScore {"beta": 2}`.
    public var description: String { kind.text }

    /// Returns whether both metrics have the same type and options.
    public static func == (a: Metric, b: Metric) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension Metric {
    private static let builtIn: [any MetricKind.Type] = [
        BalancedAccuracy.self, FScore.self,
    ]
    private static let registry = KindRegistry<any MetricKind.Type>("metric", builtIn.map { ($0.type, $0) })

    /// All kinds that a configuration can name: the built-in ones, then the registered ones.
    public static var kinds: [any MetricKind.Type] { registry.kinds }

    /// Registers a custom metric as a `type` that configurations can name in `evaluation.metrics`.
    ///
    /// Its keys are decoded as strictly as all others. Call this before reading the first configuration that names the
    /// metric. Registering a kind twice has no further effect.
    ///
    /// - Throws: An ``InputError`` if another metric has that name, or if the name does not consist of letters and
    ///   digits.
    public static func register(_ kind: any MetricKind.Type) throws(InputError) { try registry.add(kind.type, kind) }
}

/// A kind of metric: its options, their keys in a configuration, and its value.
///
/// Each built-in kind has its own file in `Metrics`; ``Metric/register(_:)`` adds custom ones.
public protocol MetricKind: ConfigurationKind {
    /// Returns the metric's value; NaN if it is undefined, which is written as null.
    func value(_ predictions: Predictions) -> Double
}

extension MetricKind {
    /// This kind as a variant of the configuration's union of metrics.
    package static var variant: Variant<Nothing, Metric> {
        Variant(type, options, { Metric($0) }, { $0.kind as? Self })
    }
}

/// The value of one metric on one set.
public struct MetricValue: Hashable, Sendable {
    /// The metric's ``Metric/description``.
    public let name: String
    /// The value; NaN if it is undefined.
    public let value: Double
}
