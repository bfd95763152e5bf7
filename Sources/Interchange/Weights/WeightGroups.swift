import Formats
import Tensors
import Training

/// The tensors of one layer in a file, by role.
struct WeightGroup {
    /// The prefix that the names of the layer's tensors share; empty for tensors without one.
    let name: String
    /// The tensors by this project's role names.
    var tensors: [String: TensorRecord] = [:]

    /// The shape of its kernel, scale or slopes.
    var shape: [Int]? { (tensors["kernel"] ?? tensors["gamma"] ?? tensors["alpha"])?.shape }

    /// The kind of the layer, inferred from its tensors.
    var kind: WeightKind? {
        if tensors["moving_mean"] != nil || tensors["moving_variance"] != nil { return .normalization }
        switch shape?.count {
        case 4: return .convolution
        case 2: return .dense
        case 1 where tensors["gamma"] != nil: return .normalization
        case 1 where tensors["alpha"] != nil: return .rectifier
        default: return nil
        }
    }
}

/// The kinds of layers that have weights.
enum WeightKind: String {
    case convolution = "convolutions", dense = "dense layers", normalization = "batch-normalisations"
    case rectifier = "rectifiers with slopes"

    init?(_ role: String, rank: Int) {
        switch (role, rank) {
        case ("kernel", 4): self = .convolution
        case ("kernel", 2): self = .dense
        case ("gamma", _): self = .normalization
        case ("alpha", _): self = .rectifier
        default: return nil
        }
    }
}

/// The tensors of a file, by layer.
struct WeightGroups {
    /// The groups, in the order of their first appearance in the file.
    let groups: [WeightGroup]
    /// Whether that order is meaningful.
    let hasOrder: Bool
    /// The layout that the names indicate; nil if they indicate none.
    let layout: WeightLayout?

    /// The roles by suffix. PyTorch's `weight` is a kernel or a scale, depending on the layer's other tensors.
    private static let roles: [String: (role: String, layout: WeightLayout?)] = [
        "weight": ("weight", .pytorch), "running_mean": ("moving_mean", .pytorch),
        "running_var": ("moving_variance", .pytorch), "kernel": ("kernel", .keras), "gamma": ("gamma", .keras),
        "beta": ("beta", .keras), "alpha": ("alpha", .keras), "moving_mean": ("moving_mean", .keras),
        "moving_variance": ("moving_variance", .keras), "bias": ("bias", nil),
    ]
    /// Counters of PyTorch that have no meaning at inference.
    private static let ignored: Set<String> = ["num_batches_tracked", "n_averaged"]

    /// - Throws: an ``InputError`` for names without a known role, or names of two layouts.
    init(_ file: WeightFile) throws(InputError) {
        var groups: [String: WeightGroup] = [:]
        var order: [String] = []
        var layouts: [WeightLayout: String] = [:]
        for tensor in file.tensors where !Self.isIgnored(tensor) {
            let (prefix, suffix) = Self.split(tensor.name)
            guard let (role, layout) = Self.roles[suffix] else {
                throw InputError(
                    "\(file.name): \(tensor.name)",
                    expected: "a name that ends in \(Self.roles.keys.sorted().joined(separator: ", "))",
                    received: suffix, remedy: "rename it, or leave it out of the file")
            }
            if groups[prefix] == nil { order.append(prefix) }
            if let layout { layouts[layout] = layouts[layout] ?? tensor.name }
            let clash = groups[prefix, default: WeightGroup(name: prefix)].tensors.updateValue(tensor, forKey: role)
            if let clash {
                throw InputError(
                    "\(file.name): \(tensor.name)", expected: "one tensor of that role", received: "\(clash.name) too")
            }
        }
        if layouts.count > 1 {
            throw InputError(
                file.name, expected: "names of one layout",
                received: layouts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                    "\($0.value) (\($0.key.rawValue))"
                }
                .joined(separator: " and "))
        }
        self.layout = layouts.keys.first
        self.groups = order.compactMap { groups[$0].map(Self.resolved) }
        hasOrder = file.hasOrder
    }

    static func isIgnored(_ tensor: TensorRecord) -> Bool {
        ignored.contains(split(tensor.name).role)
            || [WeightFile.meanName, WeightFile.deviationName].contains(tensor.name)
    }

    /// Returns whether a name ends in a role; false for `arr_0` and the like, which only their order distinguishes.
    static func hasRole(_ name: String) -> Bool { roles[split(name).role] != nil }

    /// Splits `features.0.weight` into `features.0` and `weight`. Keras and HDF5 write slashes, older Keras appends `:0`,
    /// and names of variables have underscores (`conv1_weight`).
    private static func split(_ name: String) -> (prefix: String, role: String) {
        let plain = name.hasSuffix(":0") ? String(name.dropLast(2)) : name
        let cut = plain.lastIndex { $0 == "." || $0 == "/" }
        let last = cut.map { String(plain[plain.index(after: $0)...]) } ?? plain
        if roles[last] == nil, !ignored.contains(last) {
            let known = (Array(roles.keys) + ignored).filter { role in
                ["_", "-", ":"].contains { last.hasSuffix($0 + role) }
            }
            if let role = known.max(by: { $0.count < $1.count }) {
                return (String(plain.dropLast(role.count + 1)), role)
            }
        }
        return (cut.map { String(plain[..<$0]) } ?? "", last)
    }

    /// Determines whether a `weight` is a kernel, a normalisation's scale or, alone, a rectifier's slopes, and thereby
    /// what the bias is.
    private static func resolved(_ group: WeightGroup) -> WeightGroup {
        var group = group
        guard let weight = group.tensors.removeValue(forKey: "weight") else { return group }
        let isNorm = group.tensors["moving_mean"] != nil || group.tensors["moving_variance"] != nil
        guard isNorm || weight.shape.count != 1 || group.tensors["bias"] != nil else {
            group.tensors["alpha"] = weight
            return group
        }
        group.tensors[isNorm || weight.shape.count == 1 ? "gamma" : "kernel"] = weight
        if isNorm || weight.shape.count == 1, let bias = group.tensors.removeValue(forKey: "bias") {
            group.tensors["beta"] = bias
        }
        return group
    }
}
