import Formats
import NeuralNetwork
import Tensors

/// A pattern for the names of layers, in which `*` matches any characters: `conv2d_*` matches all convolutions that
/// were not given a name.
public struct LayerPattern: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The name or pattern.
    public var text: String

    /// Creates a pattern for the layers of this name.
    public init(_ text: String) { self.text = text }

    /// Creates a pattern for the layers of this name.
    public init(stringLiteral text: String) { self.text = text }

    /// Returns whether `name` matches the pattern.
    package func matches(_ name: String) -> Bool {
        let parts = text.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return name == text }
        guard name.count >= first.count + last.count, name.hasPrefix(first), name.hasSuffix(last) else { return false }
        // The parts in between match at the first possible position.
        var rest = name.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let place = rest.firstRange(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        return true
    }
}

/// Layers that training leaves unchanged: their weights do not move, and a batch-norm uses its running statistics,
/// which do not move either (like Keras's `trainable = false`). Dropout is unaffected.
///
/// A limited number of epochs results in gradual unfreezing: the layers are trained from the next epoch on, with their
/// optimizer steps counted from there. Source: J. Howard, S. Ruder, "Universal language model fine-tuning for text
/// classification", 2018, arXiv:1801.06146, section 3.3.
public struct FrozenLayers: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The layers to freeze, at least one of which must have weights.
    public var layers: LayerPattern
    /// The number of epochs for which they are frozen, ≥ 1; `nil` freezes them to the end.
    public var epochs: Int?

    /// Freezes these layers for a number of epochs, or to the end.
    public init(_ layers: LayerPattern, epochs: Int? = nil) {
        self.layers = layers
        self.epochs = epochs
    }

    /// Freezes the layers of this name to the end.
    public init(stringLiteral text: String) { self.init(LayerPattern(text)) }
}

/// A separate learning rate for some layers: the scheduled rate times a factor.
public struct LayerRate: Hashable, Sendable {
    /// The layers, at least one of which must have weights.
    public var layers: LayerPattern
    /// The factor on the scheduled rate, > 0.
    public var factor: Double

    /// Trains these layers at `factor` times the scheduled rate.
    public init(_ layers: LayerPattern, factor: Double) {
        self.layers = layers
        self.factor = factor
    }
}

/// The treatment of each layer of a network according to the options: its learning rate, and how long it is frozen.
package struct LayerTreatment {
    /// The factor on the scheduled rate, by node.
    package let factors: [Double]
    /// The number of epochs for which each node is frozen; `Int.max` freezes it to the end.
    package let frozenEpochs: [Int]

    /// - Throws: An ``InputError`` if a pattern matches no layer with weights, or no such layer is trained from the
    ///   first epoch.
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

    /// Returns the nodes that are frozen in epoch `epoch` (from 1).
    package func frozen(in epoch: Int) -> Set<Int> { Set(frozenEpochs.indices.filter { epoch <= frozenEpochs[$0] }) }

    /// The epochs after which the set of frozen layers changes, ascending.
    package var lastEpochs: [Int] { Set(frozenEpochs).subtracting([0, .max]).sorted() }

    /// Returns the tensors that are trained at all, grouped by the step at which they start and by their learning rate.
    /// - Parameter frozen: A tensor to leave unchanged in addition to those of the frozen layers.
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

    /// Returns, for each node, `decay` to the power of the number of kernels that follow it.
    private static func decay(_ decay: Double, _ graph: ResolvedGraph) -> [Double] {
        var factor = 1.0
        var factors: [Double] = []
        for node in graph.nodes.reversed() {
            factors.append(factor)
            if node.parameters.contains(where: { $0.role == .weight }) { factor *= decay }
        }
        // Whatever follows a kernel shares its rate: a batch-norm belongs to the convolution before it.
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
