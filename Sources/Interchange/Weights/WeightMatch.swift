import Formats
import NeuralNetwork
import Tensors

/// The assignment of a file's tensors to a network's slots.
///
/// 1. By `--names`.
/// 2. By name, if all agree (see ``LayerName``).
/// 3. By kind and shape, if no two layers share both. For layers that do, by their names if all are the same in the
///   file, or by an order that the file has: that of the numbers in their names (see ``NumberedNames``), or that of the
///   file itself. If the two orders contradict each other, if there is none, or if it contradicts a name, nothing is
///   guessed.
struct WeightMatch {
    /// The tensors, one for each slot.
    let sources: [TensorRecord]
    /// Notes on what was matched by an order.
    let notes: [String]

    init(
        groups: WeightGroups, slots: [WeightSlot], file: String, names: [String: String]
    ) throws(InputError) {
        let layers = LayerSlots.all(slots)
        var matching = LayerMatching(groups: groups, layers: layers, file: file)
        try matching.assign(names)
        try matching.assignRest()
        let assigned = matching.assigned
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
        (self.sources, notes) = (sources, matching.notes)
    }
}

/// A layer of the configuration that has weights.
struct LayerSlots {
    let name: String
    /// Whether the name is the automatic one of an unnamed layer, which says no more than the layer's position.
    let isAutomatic: Bool
    let kind: WeightKind
    /// The shape of its kernel or scale, in the file's layout.
    let shape: [Int]
    var roles: [String]

    static func all(_ slots: [WeightSlot]) -> [LayerSlots] {
        var layers: [LayerSlots] = []
        for slot in slots {
            if let kind = WeightKind(slot.role, rank: slot.tensor.shape.count) {
                let node = slot.node, start = node.layer.type + "_"
                layers.append(
                    LayerSlots(
                        name: node.name,
                        isAutomatic: node.name.hasPrefix(start) && Int(node.name.dropFirst(start.count)) != nil,
                        kind: kind, shape: slot.order.shape, roles: [slot.role]))
            } else if !layers.isEmpty {
                layers[layers.count - 1].roles.append(slot.role)
            }
        }
        return layers
    }
}

/// The state of a ``WeightMatch`` in progress: the layers still open and the file's layers not yet assigned.
private struct LayerMatching {
    private let layers: [LayerSlots]
    private let file: String
    /// Whether the file's order is that of its layers: not if they are sorted by name, or backwards, and their shapes do not
    /// follow each other as the network's.
    private let hasOrder: Bool
    private var open: [LayerSlots]
    /// The unassigned layers, in the file's order.
    private var rest: [WeightGroup]
    private(set) var assigned: [String: WeightGroup] = [:]
    private(set) var notes: [String] = []

    init(groups: WeightGroups, layers: [LayerSlots], file: String) {
        self.layers = layers
        self.file = file
        let names = groups.groups.map { Array($0.name.utf8) }
        let steps = zip(names, names.dropFirst()).map { $0.lexicographicallyPrecedes($1) }
        let isNetworks = groups.groups.map(\.shape) == layers.map(\.shape)
        hasOrder = groups.hasOrder && (isNetworks || Set(steps).count > 1)
        open = layers
        rest = groups.groups
    }

    private mutating func give(_ group: WeightGroup, to layer: LayerSlots) {
        assigned[layer.name] = group
        open.removeAll { $0.name == layer.name }
        rest.removeAll { $0.name == group.name }
    }

    /// Assigns layers as the user specified.
    mutating func assign(_ names: [String: String]) throws(InputError) {
        let plain = LayerName.plain(rest.map(\.name))
        for (name, source) in names.sorted(by: { $0.key < $1.key }) {
            guard let layer = layers.first(where: { $0.name == name }) else {
                throw InputError(
                    "--names: \(name)", expected: "a layer with weights (\(list(layers.map(\.name))))", received: name)
            }
            let wanted = [source, source.replacing("/", with: ".")]
            guard
                let group = rest.first(where: { $0.name == source })
                    ?? rest.first(where: { wanted.contains(plain[$0.name] ?? $0.name) })
            else {
                throw InputError(
                    "--names: \(name)", expected: "a layer of \(file) not given away yet (\(list(rest.map(\.name))))",
                    received: source)
            }
            give(group, to: layer)
        }
    }

    mutating func assignRest() throws(InputError) {
        let names = LayerName.matches(of: open.map(\.name), in: rest.map(\.name))
        let byName = Dictionary(uniqueKeysWithValues: rest.map { ($0.name, $0) })
        func namesake(_ layer: LayerSlots) -> WeightGroup? { names[layer.name].flatMap { byName[$0] } }
        if open.count == rest.count, open.allSatisfy({ namesake($0)?.kind == $0.kind }) {
            for layer in open { if let group = namesake(layer) { give(group, to: layer) } }
            return
        }
        if let stranger = rest.first(where: { $0.kind == nil }) {
            throw InputError(
                "\(file): \(stranger.name)", expected: "a convolution, a dense layer or a batch-normalisation",
                received: list(stranger.tensors.keys.sorted().map { "\($0) \(stranger.tensors[$0]?.shape ?? [])" }))
        }
        for kind in [WeightKind.convolution, .dense, .normalization, .rectifier] {
            let wanted = open.filter { $0.kind == kind }, found = rest.filter { $0.kind == kind }
            guard wanted.count == found.count else {
                throw InputError(
                    file, expected: "\(wanted.count) \(kind.rawValue) (\(list(wanted.map(\.name))))",
                    received: "\(found.count) (\(list(found.map(\.name))))")
            }
            for shape in Set(wanted.map(\.shape)).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                let alike = wanted.filter { $0.shape == shape }, candidates = found.filter { $0.shape == shape }
                if alike.count == candidates.count { try pair(alike, candidates, kind, shape, names) }
            }
            // Pair what does not fit too, so that its error is reported.
            let strangers = zip(open.filter { $0.kind == kind }, rest.filter { $0.kind == kind })
            for (layer, group) in Array(strangers) { give(group, to: layer) }
        }
    }

    /// Pairs the layers of one kind and shape with equally many of the file.
    private mutating func pair(
        _ wanted: [LayerSlots], _ found: [WeightGroup], _ kind: WeightKind, _ shape: [Int], _ names: [String: String]
    ) throws(InputError) {
        if wanted.count == 1 { return give(found[0], to: wanted[0]) }
        let byName = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0) })
        let namesakes = wanted.map { layer in names[layer.name].flatMap { byName[$0] } }
        if !namesakes.contains(where: { $0 == nil }) {
            for (layer, group) in zip(wanted, namesakes) { if let group { give(group, to: layer) } }
            return
        }
        let numbered = NumberedNames.order(found.map(\.name)).map { $0.compactMap { byName[$0] } }
        let ordered = numbered ?? (hasOrder ? found : nil)
        guard let ordered else {
            throw refusal(wanted, found, kind, shape, "names that tell apart", nil)
        }
        if hasOrder, numbered != nil, ordered.map(\.name) != found.map(\.name) {
            throw refusal(wanted, found, kind, shape, "one order for", "numbers and places in the file that contradict")
        }
        for (index, layer) in wanted.enumerated() where !layer.isAutomatic {
            guard let namesake = namesakes[index], namesake.name != ordered[index].name else { continue }
            throw refusal(wanted, found, kind, shape, "names and an order that agree for", nil)
        }
        notes.append(
            "\(list(wanted.map(\.name))) are \(list(ordered.map(\.name))) by "
                + (numbered == nil ? "their order in the file" : "the numbers in their names")
                + ": names do not agree, and they share the shape \(shape)")
        for (layer, group) in zip(wanted, ordered) { give(group, to: layer) }
    }

    private func refusal(
        _ wanted: [LayerSlots], _ found: [WeightGroup], _ kind: WeightKind, _ shape: [Int], _ expected: String,
        _ why: String?
    ) -> InputError {
        let example = wanted.prefix(3).map { "\"\($0.name)\": \"…\"" }.joined(separator: ", ")
        return InputError(
            file,
            expected:
                "\(expected) the \(wanted.count) \(kind.rawValue) of shape \(shape) (\(list(wanted.map(\.name))))",
            received: list(found.map(\.name)) + (why.map { ", with \($0)" } ?? ""),
            remedy: "say which is which with --names FILE, a JSON object of the configuration's names and the file's: "
                + "{\(example)\(wanted.count > 3 ? ", …" : "")}")
    }

    /// Lists at most eight names.
    private func list(_ names: [String]) -> String {
        let shown = names.prefix(8).joined(separator: ", ")
        return names.isEmpty ? "none" : shown + (names.count > 8 ? ", …" : "")
    }
}
