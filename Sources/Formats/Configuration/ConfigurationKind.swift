/// A kind that a configuration selects by `type`, with keys of its own: a layer, a loss, an optimizer rule, a metric
/// and so on.
public protocol ConfigurationKind: Hashable, Sendable {
    /// The name in a configuration.
    static var type: String { get }
    /// The keys of its options in a configuration, with their ranges, defaults and descriptions.
    static var options: Section<Self> { get }
}

extension ConfigurationKind {
    /// The type and the options, as in a configuration: `dropout {"rate": 0.25}`.
    package var text: String {
        let options = Self.options.encode(self)
        return options.members.isEmpty ? Self.type : "\(Self.type) \(JSONValue.object(options).text)"
    }
}
