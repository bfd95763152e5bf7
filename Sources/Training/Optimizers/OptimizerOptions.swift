import Formats
import NeuralNetwork
import Tensors

/// The optimizer that updates the weights. Its `learningRate` is the peak that the schedule scales.
public struct OptimizerOptions: Hashable, Sendable {
    /// The rule and its constants.
    public internal(set) var rule: any OptimizerRule

    /// Creates options from a rule, built-in or custom.
    public init(_ rule: some OptimizerRule) { self.rule = rule }

    /// The learning rate η before the schedule.
    public var learningRate: Double { rule.learningRate }

    /// Whether there is a momentum (β₁ for Adam) that a schedule can cycle.
    public var hasMomentum: Bool { rule.cycledMomentum != nil }

    /// Returns the rule as a `Rule`, or `nil` if it is another one.
    package func `as`<Rule: OptimizerRule>(_ type: Rule.Type) -> Rule? { rule as? Rule }

    /// Returns whether both have the same rule with the same constants.
    public static func == (a: OptimizerOptions, b: OptimizerOptions) -> Bool {
        AnyHashable(a.rule) == AnyHashable(b.rule)
    }

    /// Hashes the rule and its constants.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(rule)) }
}

extension OptimizerOptions {
    private static let builtIn: [any OptimizerRule.Type] = [
        SGD.self, RMSprop.self, Adam.self, AdamW.self, Adagrad.self, LAMB.self, MuonOptions.self,
    ]
    private static let registry = KindRegistry<any OptimizerRule.Type>("optimizer", builtIn.map { ($0.type, $0) })

    /// Every rule that a configuration can name: the built-in ones, then those that were registered.
    public static var rules: [any OptimizerRule.Type] { registry.kinds }

    /// Registers a custom rule, so that configurations can name its `type`: see ``Layer/register(_:)``.
    ///
    /// - Throws: An ``InputError`` if another rule has that name, or it does not consist of letters and digits.
    public static func register(_ rule: any OptimizerRule.Type) throws(InputError) { try registry.add(rule.type, rule) }
}

extension OptimizerRule {
    /// This rule as a case of the configuration's union of optimizers.
    package static var variant: Variant<Nothing, OptimizerOptions> {
        Variant(type, options, { OptimizerOptions($0) }, { $0.as(Self.self) })
    }
}

/// Options for two sets of weights: fast ones that the optimizer updates, and slow ones that follow them after every
/// `steps` steps, `s ← s + α·(w − s)`, and from which the fast ones then continue, `w ← s`. An epoch ends with such a
/// step, so that the slow weights are the ones validated and kept.
///
/// Source: M. R. Zhang, J. Lucas, G. Hinton, J. Ba, "Lookahead optimizer: k steps forward, 1 step back", 2019,
/// arXiv:1907.08610.
public struct LookaheadOptions: Hashable, Sendable {
    /// The number k of steps between updates of the slow weights, ≥ 1.
    public var steps: Int
    /// The step size α of the slow weights, in (0, 1].
    public var alpha: Double

    /// Creates options for slow weights that move by `alpha` towards the fast ones every `steps` steps.
    public init(steps: Int = 5, alpha: Double = 0.5) {
        self.steps = steps
        self.alpha = alpha
    }
}
