import Formats
import NeuralNetwork
import Tensors

/// Layers of a network by their names: `*` stands for any letters, so that `conv2d_*` are all convolutions that nobody
/// has given a name.
public struct LayerPattern: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The name, or the pattern.
    public var text: String

    /// Layers of this name.
    public init(_ text: String) { self.text = text }

    /// Layers of this name.
    public init(stringLiteral text: String) { self.text = text }

    /// Whether `name` is meant.
    package func matches(_ name: String) -> Bool {
        let parts = text.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return name == text }
        guard name.count >= first.count + last.count, name.hasPrefix(first), name.hasSuffix(last) else { return false }
        // What stands between is taken as early as it comes.
        var rest = name.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let place = rest.firstRange(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        return true
    }
}

/// Layers that training leaves as they are: weights do not move, and a batch-norm goes by its running statistics, which do
/// not move either (as Keras's `trainable = false` has it). Dropout stays as it is.
///
/// Epochs that are counted make gradual unfreezing: the layers move from the next epoch on, their optimizer's steps counted
/// from there. Source: J. Howard, S. Ruder, "Universal language model fine-tuning for text classification", 2018,
/// arXiv:1801.06146, section 3.3.
public struct FrozenLayers: Hashable, Sendable, ExpressibleByStringLiteral {
    /// Which; each must have weights.
    public var layers: LayerPattern
    /// For so many epochs, ≥ 1; nil: to the end.
    public var epochs: Int?

    /// These layers, for so many epochs or to the end.
    public init(_ layers: LayerPattern, epochs: Int? = nil) {
        self.layers = layers
        self.epochs = epochs
    }

    /// Layers of this name, to the end.
    public init(stringLiteral text: String) { self.init(LayerPattern(text)) }
}

/// A learning rate of their own for some layers: the scheduled one times a factor.
public struct LayerRate: Hashable, Sendable {
    /// Which; each must have weights.
    public var layers: LayerPattern
    /// > 0.
    public var factor: Double

    /// These layers at `factor` times the rate.
    public init(_ layers: LayerPattern, factor: Double) {
        self.layers = layers
        self.factor = factor
    }
}

/// What the options say of each layer of a network: at which rate it learns, and how long it is frozen.
package struct LayerTreatment {
    /// By node: what the scheduled rate is multiplied with.
    package let factors: [Double]
    /// By node: epochs for which it is frozen; `Int.max`: all.
    package let frozenEpochs: [Int]

    /// - Throws: an ``InputError`` where a pattern names no layer with weights, or nothing is left to train.
    package init(_ options: TrainingOptions, of graph: ResolvedGraph) throws(InputError) {
        var factors = Self.decay(options.layerDecay, graph)
        for (index, rate) in options.learningRates.enumerated() {
            for node in try Self.nodes(rate.layers, graph, "training.learningRates[\(index)].layers") {
                factors[node] *= rate.factor
            }
        }
        var frozen = graph.nodes.map { _ in 0 }
        for (index, entry) in options.frozen.enumerated() {
            for node in try Self.nodes(entry.layers, graph, "training.frozen[\(index)]") {
                frozen[node] = max(frozen[node], entry.epochs ?? .max)
            }
        }
        guard graph.nodes.indices.contains(where: { !graph.nodes[$0].parameters.isEmpty && frozen[$0] == 0 }) else {
            throw InputError(
                "training.frozen", expected: "at least one layer with weights that is trained from the first epoch",
                received: "all are frozen", remedy: "leave out the last: \(Self.named(graph).last ?? "")")
        }
        self.factors = factors
        frozenEpochs = frozen
    }

    /// Nodes that are frozen in `epoch`, from 1.
    package func frozen(in epoch: Int) -> Set<Int> { Set(frozenEpochs.indices.filter { epoch <= frozenEpochs[$0] }) }

    /// The last epochs of those before which the frozen layers are others than after, ascending.
    package var lastEpochs: [Int] { Set(frozenEpochs).subtracting([0, .max]).sorted() }

    /// The tensors that are trained at all, grouped by when they begin and at which rate.
    /// - Parameter frozen: a tensor that stays as it is beside.
    package func groups(of graph: ResolvedGraph, stepsPerEpoch: Int, frozen: ParameterTensor?) -> [OptimizerGroup] {
        var groups: [OptimizerGroup] = []
        for (index, node) in graph.nodes.enumerated() where frozenEpochs[index] < .max {
            let tensors = node.parameters.filter { $0 != frozen }
            guard !tensors.isEmpty else { continue }
            let steps = frozenEpochs[index] * stepsPerEpoch
            if let group = groups.firstIndex(where: { $0.rateFactor == factors[index] && $0.stepsBefore == steps }) {
                groups[group].tensors += tensors
            } else {
                groups.append(OptimizerGroup(tensors: tensors, rateFactor: factors[index], stepsBefore: steps))
            }
        }
        return groups
    }

    /// `decay` to the power of the kernels that follow a node.
    private static func decay(_ decay: Double, _ graph: ResolvedGraph) -> [Double] {
        var factor = 1.0
        var factors: [Double] = []
        for node in graph.nodes.reversed() {
            factors.append(factor)
            if node.parameters.contains(where: { $0.role == .weight }) { factor *= decay }
        }
        // What follows a kernel learns at its rate: a batch-norm belongs to the convolution before it.
        return factors.reversed()
    }

    private static func named(_ graph: ResolvedGraph) -> [String] {
        graph.nodes.filter { !$0.parameters.isEmpty }.map(\.name)
    }

    private static func nodes(
        _ pattern: LayerPattern, _ graph: ResolvedGraph, _ place: String
    ) throws(InputError) -> [Int] {
        let found = graph.nodes.indices.filter {
            !graph.nodes[$0].parameters.isEmpty && pattern.matches(graph.nodes[$0].name)
        }
        guard found.isEmpty else { return found }
        let names = named(graph)
        throw InputError(
            place,
            expected: "the name of a layer with weights, or a pattern such as conv2d_* ("
                + names.joined(separator: ", ") + ")", received: "\"\(pattern.text)\"",
            remedy: Spelling.remedy(for: pattern.text, among: names))
    }
}
