import Formats
import NeuralNetwork
import Tensors
import Training

/// Weights of another library, imported into a network of this one.
package struct WeightImport: Sendable {
    /// One tensor and its destination.
    package struct Assignment: Hashable, Sendable {
        /// The tensor's name and shape in the file.
        package let source: String
        package let sourceShape: [Int]
        /// The tensor's name in the network (`layer/kernel` and so on) and its shape there.
        package let target: String
        package let targetShape: [Int]
    }

    package let layout: WeightLayout
    package let parameters: AlignedBuffer<Float>
    package let state: AlignedBuffer<Float>
    /// The assignments in the order of the layers.
    package let assignments: [Assignment]
    /// Notes for the user on how layers were matched.
    package let notes: [String]

    /// Finds the tensors in `file` for each layer with weights and permutes them into this project's layout.
    ///
    /// - By `names`, for the layers it contains: configuration's name → name in the file, without `.weight` and the
    ///   like.
    /// - By name, if all of the file's layers are named like the configuration's: exactly, without the parts that
    ///   wrappers add (`module.`, `_orig_mod.`), or without a common prefix.
    /// - Otherwise by kind and shape, and for layers that share both, by an order that the file states: that of the
    ///   numbers in their names (`conv2` before `conv10`), or that of an NPZ file. If it states none, the file is
    ///   refused.
    /// - Tensors without role names (`arr_0`, …, of NumPy's `savez(*weights)`) are taken in order.
    ///
    /// - Parameter layout: the layout of the file; nil to infer it from the names.
    /// - Throws: an ``InputError`` that names the tensor or the layer: missing, of another shape, not a number, or left
    ///   over.
    package init(
        _ file: WeightFile, into graph: ResolvedGraph, layout: WeightLayout? = nil, names: [String: String] = [:]
    ) throws(InputError) {
        let named = file.tensors.contains { WeightGroups.hasRole($0.name) }
        let groups = named ? try WeightGroups(file) : nil
        guard let layout = layout ?? groups?.layout else {
            throw InputError(
                file.name, expected: "names that tell PyTorch's layout from Keras's",
                received: "names like "
                    + (file.tensors.first.map { "\"\($0.name)\"" } ?? "none"),
                remedy: "say --layout pytorch or --layout keras")
        }
        let slots = try WeightSlot.all(graph, layout)
        let sources: [TensorRecord]
        if let groups {
            let match = try WeightMatch(groups: groups, slots: slots, file: file.name, names: names)
            (sources, notes) = (match.sources, match.notes)
        } else {
            guard names.isEmpty else {
                throw InputError(
                    "--names", expected: "nothing, or a file whose tensors are named by layer (conv1.weight)",
                    received: "\(names.count) names, and tensors without layers in \(file.name)")
            }
            sources = try Self.inOrder(file, slots)
            notes = ["the names are of no layer: the tensors are taken in their order"]
        }
        let parameters = AlignedBuffer<Float>(count: graph.parameterCount)
        let state = AlignedBuffer<Float>(count: graph.stateCount)
        var assignments: [Assignment] = []
        for (slot, source) in zip(slots, sources) {
            try Self.check(source, fits: slot, file: file.name)
            let buffer = slot.isState ? state : parameters
            for (value, place) in zip(source.values, slot.order.index) { buffer[slot.tensor.offset + place] = value }
            assignments.append(
                Assignment(
                    source: source.name, sourceShape: source.shape, target: slot.tensor.name,
                    targetShape: slot.tensor.shape))
        }
        self.layout = layout
        self.parameters = parameters
        self.state = state
        self.assignments = assignments
    }

    private static func inOrder(_ file: WeightFile, _ slots: [WeightSlot]) throws(InputError) -> [TensorRecord] {
        // PyTorch's batch counters are scalars.
        let tensors = file.tensors.filter { !$0.shape.isEmpty && !WeightGroups.isIgnored($0) }
        guard tensors.count == slots.count else {
            throw InputError(
                file.name, expected: "\(slots.count) tensors, one for each of the configuration's",
                received: "\(tensors.count)")
        }
        if let numbered = NumberedNames.order(tensors.map(\.name)) {
            let byName = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
            return numbered.compactMap { byName[$0] }
        }
        guard file.hasOrder else {
            throw InputError(
                file.name, expected: "tensors named by layer and role (conv1.weight), or numbered (arr_0, arr_1, …)",
                received: "names like \"\(tensors[0].name)\", in alphabetical order",
                remedy: "rename them, or save them with numpy.savez(path, *weights)")
        }
        return tensors
    }

    private static func check(_ source: TensorRecord, fits slot: WeightSlot, file: String) throws(InputError) {
        guard source.shape == slot.order.shape else {
            throw InputError(
                "\(file): \(source.name)", expected: "shape \(slot.order.shape) for \(slot.tensor.name)",
                received: "\(source.shape)",
                remedy: source.shape.sorted() == slot.order.shape.sorted()
                    ? "the axes are in another order: transpose it, or say --layout if all are in another library's"
                    : "use a configuration of the same network, or say with --names which layer is which")
        }
        if let bad = source.values.first(where: { !$0.isFinite }) {
            throw InputError("\(file): \(source.name)", expected: "finite numbers", received: "\(bad)")
        }
        if slot.role == "moving_variance", let bad = source.values.first(where: { $0 < 0 }) {
            throw InputError("\(file): \(source.name)", expected: "variances of at least 0", received: "\(bad)")
        }
    }
}
