import Formats
import NeuralNetwork
import Tensors

/// How the weights follow the gradient. `learningRate` is the peak that the schedule scales.
public struct OptimizerOptions: Hashable, Sendable {
    /// The rule with its constants.
    public internal(set) var rule: any OptimizerRule

    /// Of a rule of one's own.
    public init(_ rule: some OptimizerRule) { self.rule = rule }

    /// η, before the schedule.
    public var learningRate: Double { rule.learningRate }

    /// Whether there is a momentum (β₁ of Adam) that a schedule can cycle.
    public var hasMomentum: Bool { rule.cycledMomentum != nil }

    /// The same as `rule`, if that is what it is.
    package func `as`<Rule: OptimizerRule>(_ type: Rule.Type) -> Rule? { rule as? Rule }

    /// Whether both are one rule with the same constants.
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

    /// Every rule that a configuration can name: the package's own, then those that were registered.
    public static var rules: [any OptimizerRule.Type] { registry.kinds }

    /// Makes a rule of one's own a `type` that configurations can name: see ``Layer/register(_:)``.
    ///
    /// - Throws: an ``InputError`` where another rule has that name, or it is not of letters and digits.
    public static func register(_ rule: any OptimizerRule.Type) throws(InputError) { try registry.add(rule.type, rule) }
}

extension OptimizerRule {
    /// This rule as a case of the configuration's union of optimizers.
    package static var variant: Variant<Nothing, OptimizerOptions> {
        Variant(type, options, { OptimizerOptions($0) }, { $0.as(Self.self) })
    }
}

/// Two sets of weights: fast ones that the optimizer moves, and slow ones that follow after every `steps` steps,
/// `s ← s + α·(w − s)`, from where the fast ones go on, `w ← s`. An epoch ends with such a step, so that what is validated
/// and kept are the slow weights.
///
/// Source: M. R. Zhang, J. Lucas, G. Hinton, J. Ba, "Lookahead optimizer: k steps forward, 1 step back", 2019,
/// arXiv:1907.08610.
public struct LookaheadOptions: Hashable, Sendable {
    /// k ≥ 1.
    public var steps: Int
    /// α in (0, 1].
    public var alpha: Double

    /// Slow weights that follow every `steps` steps by `alpha`.
    public init(steps: Int = 5, alpha: Double = 0.5) {
        self.steps = steps
        self.alpha = alpha
    }
}
