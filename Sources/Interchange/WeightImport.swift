import Formats
import NeuralNetwork
import Tensors
import Training

/// Weights of another library, brought into a network of this one.
package struct WeightImport: Sendable {
    /// One tensor and where it went.
    package struct Assignment: Hashable, Sendable {
        /// The file's name for it, and its shape there.
        package let source: String
        package let sourceShape: [Int]
        /// `layer/kernel` and so on, and its shape here.
        package let target: String
        package let targetShape: [Int]
    }

    package let layout: WeightLayout
    package let parameters: AlignedBuffer<Float>
    package let state: AlignedBuffer<Float>
    /// In the order of the layers.
    package let assignments: [Assignment]

    /// Finds for each layer with weights its tensors in `file` and brings them into this project's order.
    ///
    /// - By `names`, for the layers it has: configuration's name → name in the file, without `.weight` and the like.
    /// - By name, where the file's layers are called as the configuration's are, all of them.
    /// - Else by kind, shape and order: the first convolution of a shape in the file (in the natural order of the names,
    ///   `conv2` before `conv10`) is the first of that shape in the configuration, and so for dense layers and
    ///   batch-normalisations.
    /// - Tensors without role names (`arr_0`, …, of NumPy's `savez(*weights)`) are taken one after the other.
    ///
    /// - Parameter layout: nil takes that of the names.
    /// - Throws: an ``InputError`` that names the tensor or the layer: absent, of another shape, not a number, or left
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
        let sources =
            if let groups {
                try WeightMatch(groups: groups, slots: slots, file: file.name, layout: layout, names: names).sources
            } else {
                try Self.inOrder(file, slots)
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
        // PyTorch's counters of batches are single numbers.
        let tensors = file.tensors.filter { !$0.shape.isEmpty && !WeightGroups.isIgnored($0) }
            .sorted { NaturalOrder.precedes($0.name, $1.name) }
        guard tensors.count == slots.count else {
            throw InputError(
                file.name, expected: "\(slots.count) tensors, one for each of the configuration's",
                received: "\(tensors.count)")
        }
        return tensors
    }

    private static func check(_ source: TensorRecord, fits slot: WeightSlot, file: String) throws(InputError) {
        guard source.shape == slot.order.shape else {
            throw InputError(
                "\(file): \(source.name)", expected: "shape \(slot.order.shape) for \(slot.tensor.name)",
                received: "\(source.shape)",
                remedy: "use a configuration of the same network, or say with --names which layer is which")
        }
        if let bad = source.values.first(where: { !$0.isFinite }) {
            throw InputError("\(file): \(source.name)", expected: "finite numbers", received: "\(bad)")
        }
        if slot.role == "moving_variance", let bad = source.values.first(where: { $0 < 0 }) {
            throw InputError("\(file): \(source.name)", expected: "variances of at least 0", received: "\(bad)")
        }
    }
}

/// Which tensor of a file each slot of a network gets.
private struct WeightMatch {
    /// One for each slot.
    let sources: [TensorRecord]

    init(
        groups: WeightGroups, slots: [WeightSlot], file: String, layout: WeightLayout, names: [String: String]
    ) throws(InputError) {
        let layers = Self.layers(slots)
        let assigned = try Self.assign(groups.groups, layers, file: file, names: names)
        var sources: [TensorRecord] = []
        for slot in slots {
            guard let group = assigned[slot.node.name], let tensor = group.tensors[slot.role] else {
                throw InputError(
                    "\(file): \(assigned[slot.node.name]?.name ?? "")", expected: "a tensor for \(slot.tensor.name)",
                    received: "none",
                    remedy: slot.role == "bias" ? "set useBias to false in the configuration" : "")
            }
            sources.append(tensor)
        }
        for layer in layers {
            guard let group = assigned[layer.name] else { continue }
            if let extra = group.tensors.keys.sorted().first(where: { !layer.roles.contains($0) }) {
                throw InputError(
                    "\(file): \(group.tensors[extra]?.name ?? group.name)",
                    expected: "only \(layer.roles.joined(separator: ", ")) for \(layer.name)", received: extra,
                    remedy: extra == "bias" ? "set useBias to true in the configuration" : "")
            }
        }
        self.sources = sources
    }

    private struct LayerSlots {
        let name: String
        let kind: WeightKind
        /// Of its kernel or scale, in the file's layout.
        let shape: [Int]
        var roles: [String]
    }

    private static func layers(_ slots: [WeightSlot]) -> [LayerSlots] {
        var layers: [LayerSlots] = []
        for slot in slots {
            if let kind = WeightKind(slot.role, rank: slot.tensor.shape.count) {
                layers.append(LayerSlots(name: slot.node.name, kind: kind, shape: slot.order.shape, roles: [slot.role]))
            } else if !layers.isEmpty {
                layers[layers.count - 1].roles.append(slot.role)
            }
        }
        return layers
    }

    private static func assign(
        _ groups: [WeightGroup], _ layers: [LayerSlots], file: String, names: [String: String]
    ) throws(InputError) -> [String: WeightGroup] {
        var rest = groups
        var assigned: [String: WeightGroup] = [:]
        for (layer, name) in names.sorted(by: { $0.key < $1.key }) {
            guard layers.contains(where: { $0.name == layer }) else {
                throw InputError(
                    "--names: \(layer)", expected: "a layer with weights (\(list(layers.map(\.name))))",
                    received: layer)
            }
            guard let index = rest.firstIndex(where: { $0.name == name }) else {
                throw InputError(
                    "--names: \(layer)", expected: "a layer of \(file) not given away yet (\(list(rest.map(\.name))))",
                    received: name)
            }
            assigned[layer] = rest.remove(at: index)
        }
        let open = layers.filter { assigned[$0.name] == nil }
        let byName = Dictionary(uniqueKeysWithValues: rest.map { ($0.name, $0) })
        if open.count == rest.count, open.allSatisfy({ byName[$0.name]?.kind == $0.kind }) {
            for layer in open { assigned[layer.name] = byName[layer.name] }
            return assigned
        }
        if let stranger = rest.first(where: { $0.kind == nil }) {
            throw InputError(
                "\(file): \(stranger.name)", expected: "a convolution, a dense layer or a batch-normalisation",
                received: list(stranger.tensors.keys.sorted().map { "\($0) \(stranger.tensors[$0]?.shape ?? [])" }))
        }
        for kind in [WeightKind.convolution, .dense, .normalization] {
            let wanted = open.filter { $0.kind == kind }, found = rest.filter { $0.kind == kind }
            guard wanted.count == found.count else {
                throw InputError(
                    file, expected: "\(wanted.count) \(kind.rawValue) (\(list(wanted.map(\.name))))",
                    received: "\(found.count) (\(list(found.map(\.name))))")
            }
            assigned.merge(pairs(wanted, found)) { first, _ in first }
        }
        return assigned
    }

    /// Layers of one kind with the file's: each shape in its own order, so that it matters little whether the file
    /// has `classifier` before `features`. What fits nowhere is paired in order too, for its error to be found.
    private static func pairs(_ wanted: [LayerSlots], _ found: [WeightGroup]) -> [String: WeightGroup] {
        var rest = found
        var pairs: [String: WeightGroup] = [:]
        for layer in wanted {
            let index = rest.firstIndex { ($0.tensors["kernel"] ?? $0.tensors["gamma"])?.shape == layer.shape }
            if let index { pairs[layer.name] = rest.remove(at: index) }
        }
        for (layer, group) in zip(wanted.filter { pairs[$0.name] == nil }, rest) { pairs[layer.name] = group }
        return pairs
    }

    /// At most eight names.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(8).joined(separator: ", ")
        return names.isEmpty ? "none" : shown + (names.count > 8 ? ", …" : "")
    }
}
