import Formats
import NeuralNetwork
import Tensors

/// The weights that training starts from instead of random ones.
package struct InitialWeights: Sendable {
    /// The parameters of the network to train.
    package let parameters: AlignedBuffer<Float>
    /// Batch-norm's running statistics for them.
    package let state: AlignedBuffer<Float>
    /// The number of classes that the model knows by name; the others are initialised anew.
    package let knownClasses: Int
    /// The model's names of its classes.
    package let modelClasses: [String]

    /// Takes the weights of a trained network for one with the same layers.
    ///
    /// Tensors are matched by name and must have the same shape, except for those of the head: from the last layer with
    /// a kernel on. There each class takes the weights of the class of the same name, and a class that the model does
    /// not know is initialised by the initializer.
    ///
    /// - Parameters:
    ///   - graph: The network to train, for `classes`.
    ///   - seed: The seed of what is initialised anew.
    ///   - model: The trained network with its classes, weights and running statistics; `path` names it in errors.
    /// - Throws: An ``InputError`` if a tensor outside the head is missing in the model or has another shape; an
    ///   ``OperationError`` if initialisation fails.
    package init(
        for graph: ResolvedGraph, classes: [String], seed: UInt64,
        from model: (
            graph: ResolvedGraph, classes: [String], parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>
        ), path: String
    ) throws {
        parameters = try graph.initialParameters(seed: seed)
        state = graph.initialState()
        let sources = classes.map { name in model.classes.firstIndex(of: name) }
        // The blank of lines of text is the last class and has no name.
        let blanks: [Int?] = graph.readsLines ? [model.graph.readsLines ? model.classes.count : nil] : []
        modelClasses = model.classes
        knownClasses = sources.count { $0 != nil }
        let head = graph.head
        for (index, node) in graph.nodes.enumerated() {
            let isHead = head.contains(index)
            let found = model.graph.nodes.first { $0.name == node.name }
            let pairs = [
                (node.parameters, found?.parameters ?? [], parameters, model.parameters),
                (node.state, found?.state ?? [], state, model.state),
            ]
            for (tensors, theirs, target, source) in pairs {
                for tensor in tensors {
                    let place = "training.initialModel: \(path)"
                    guard let other = theirs.first(where: { $0.name == tensor.name }) else {
                        throw InputError(
                            place, expected: "a tensor \(tensor.name)", received: "none of that name",
                            remedy: "give the network the layers and names of that model's configuration")
                    }
                    guard tensor.shape.dropLast(isHead ? 1 : 0) == other.shape.dropLast(isHead ? 1 : 0),
                        isHead || tensor.shape == other.shape
                    else {
                        throw InputError(
                            place, expected: "\(tensor.name) of \(Shape(tensor.shape))",
                            received: "\(Shape(other.shape))", remedy: "only the last layer may be another")
                    }
                    if isHead {
                        Self.copyClasses(sources + blanks, tensor, to: target, from: other, of: source)
                    } else {
                        for i in 0..<tensor.count { target[tensor.offset + i] = source[other.offset + i] }
                    }
                }
            }
        }
    }

    /// Copies the last axis class by class.
    private static func copyClasses(
        _ sources: [Int?], _ tensor: ParameterTensor, to target: AlignedBuffer<Float>, from other: ParameterTensor,
        of source: AlignedBuffer<Float>
    ) {
        guard let ours = tensor.shape.last, let theirs = other.shape.last else { return }
        for (index, found) in sources.enumerated() {
            guard let found else { continue }
            for row in 0..<tensor.count / ours {
                target[tensor.offset + row * ours + index] = source[other.offset + row * theirs + found]
            }
        }
    }
}

extension ResolvedGraph {
    /// The nodes from the last one with a kernel on, whose channels are the classes; none if they are not.
    fileprivate var head: Set<Int> {
        var head = Set<Int>()
        var index = nodes.count - 1
        while index >= 0 {
            head.insert(index)
            if nodes[index].parameters.contains(where: { $0.role == .weight }) {
                let isByClass = nodes[index].parameters.allSatisfy { $0.shape.last == classCount }
                return isByClass ? head : []
            }
            guard nodes[index].inputs.count == 1 else { break }
            index = nodes[index].inputs[0]
        }
        return head
    }
}
