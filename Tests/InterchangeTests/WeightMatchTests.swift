import Formats
import Foundation
import Interchange
import NeuralNetwork
import Tensors
import Testing

/// Which layer of a file is which, where several share a shape: right, or refused.
@Suite struct WeightMatchTests {
    /// Three 4×4 layers of these names, then one of another shape.
    private func graph(_ names: [String?]) throws -> ResolvedGraph {
        let layers: [Layer] = names.map { _ in .dense(units: 4, useBias: false) } + [.dense(units: 2)]
        let all = Graph.names(of: layers, given: names + ["head"])
        var previous = Graph.inputName
        let nodes = zip(all, layers).map { name, layer in
            defer { previous = name }
            return LayerNode(name: name, inputs: [previous], layer: layer)
        }
        return try ResolvedGraph(Graph(inputShape: Shape([4]), nodes: nodes))
    }

    /// Tensors of these layers, the n-th filled with n; the first of them the head.
    private func file(_ names: [String], npz: Bool = false, head: String = "head") -> WeightFile {
        var tensors = [
            TensorRecord(name: head + ".weight", shape: [2, 4], values: [Float](repeating: 9, count: 8)),
            TensorRecord(name: head + ".bias", shape: [2], values: [9, 9]),
        ]
        for (index, name) in names.enumerated() {
            tensors.append(
                TensorRecord(
                    name: name + ".weight", shape: [4, 4], values: [Float](repeating: Float(index), count: 16)))
        }
        return WeightFile(name: "w", tensors: tensors, keepsOrder: npz)
    }

    /// The number in each of the three layers, as they lie in the configuration; or the message of the refusal.
    private func result(
        _ names: [String], in layers: [String?], npz: Bool = false, head: String = "head", map: [String: String] = [:]
    ) throws -> (order: [Int], message: String, notes: Int) {
        let graph = try graph(layers)
        do throws(InputError) {
            let imported = try WeightImport(file(names, npz: npz, head: head), into: graph, names: map)
            let values = graph.nodes.dropLast().map { imported.parameters[$0.parameters[0].offset] }
            return (values.map { Int($0) }, "", imported.notes.count)
        } catch {
            return ([], error.description, 0)
        }
    }

    @Test(arguments: [
        "", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "net.encoder.", "model/",
        "_fsdp_wrapped_module.", "state.module.net.",
    ])
    func aCommonPrefixIsStripped(_ prefix: String) throws {
        let found = try result(
            ["one", "three", "two"].map { prefix + $0 }, in: ["one", "two", "three"], head: prefix + "head")
        #expect(found.order == [0, 2, 1] && found.notes == 0, "\(found.message)")
    }

    @Test func wrappersInTheMiddleAreNoNames() throws {
        let found = try result(
            ["net._orig_mod.one", "net.three", "net._orig_mod.two"], in: ["one", "two", "three"], head: "net.head")
        #expect(found.order == [0, 2, 1], "\(found.message)")
    }

    /// A configuration whose own names have the prefix.
    @Test func aPrefixOnBothSides() throws {
        let found = try result(["net.b", "net.a", "net.c"], in: ["net.a", "net.b", "net.c"], head: "head")
        #expect(found.order == [1, 0, 2], "\(found.message)")
    }

    /// Names of very many parts are taken apart only so far.
    @Test func endlessPrefixesEnd() throws {
        let prefix = String(repeating: "a.", count: 20_000)
        let found = try result(
            [prefix + "b", prefix + "a", prefix + "c"], in: ["a", "b", "c"], head: prefix + "head")
        #expect(!found.message.isEmpty || found.order.count == 3)
    }

    /// A prefix that only some layers have, and Keras's doubled names: the only name with that end is meant.
    @Test func endingsAreNames() throws {
        let layers: [String?] = ["one", "two", "three"]
        #expect(try result(["net.one", "net.three", "net.two"], in: layers).order == [0, 2, 1])
        #expect(try result(["one/one", "three/three", "two/two"], in: layers, head: "head/head").order == [0, 2, 1])
        #expect(try result(["a.one", "b.one", "b.two"], in: layers).message.contains("--names"))
    }

    /// Names of variables: `one_weight`. In the file's order, three and two would be swapped.
    @Test(arguments: ["_", "-"]) func rolesAfterUnderscores(_ separator: String) throws {
        let graph = try graph(["one", "two", "three"])
        var plain = file(["one", "three", "two"])
        for index in plain.tensors.indices {
            plain.tensors[index].name = plain.tensors[index].name.replacing(".", with: separator)
        }
        let file = WeightFile(name: "w", tensors: plain.tensors, keepsOrder: true)
        let imported = try WeightImport(file, into: graph)
        #expect(graph.nodes.dropLast().map { imported.parameters[$0.parameters[0].offset] } == [0, 2, 1])
    }

    /// An NPZ whose layers are sorted, while each has its weight before its bias.
    @Test func sortedLayersAreNoOrder() throws {
        #expect(try result(["one", "three", "two"], in: ["a", "b", "c"], npz: true).message.contains("--names"))
        #expect(try result(["c", "b", "a"], in: ["l", "m", "n"], npz: true).message.contains("--names"))
        #expect(try result(["one", "two", "three"], in: ["a", "b", "c"], npz: true).order == [0, 1, 2])
    }

    @Test func withoutAnOrderItIsRefused() throws {
        for names in [["one", "three", "two"], ["module.one", "module.three", "module.two"]] {
            let found = try result(names, in: ["a", "b", "c"])
            #expect(
                found.message.hasPrefix(
                    "w: expected names that tell apart the 3 dense layers of shape [4, 4] (a, b, c)"))
            #expect(found.message.contains("--names FILE") && found.message.contains("{\"a\": \"…\""))
        }
        // Layers without names say no more.
        #expect(try result(["one", "three", "two"], in: [nil, nil, nil]).message.contains("--names"))
        // Names that agree in part leave the others open.
        #expect(try result(["a", "x", "y"], in: ["a", "b", "c"]).message.contains("--names"))
    }

    @Test func numbersAreAnOrder() throws {
        #expect(try result(["l10", "l2", "l1"], in: ["a", "b", "c"]).order == [2, 1, 0])
        #expect(try result(["f.3", "f.0", "f.12"], in: [nil, nil, nil]).order == [1, 0, 2])
        // Keras's first has no number, and its counter goes on from model to model.
        #expect(try result(["dense_1", "dense_2", "dense"], in: [nil, nil, nil]).order == [2, 0, 1])
        #expect(try result(["dense_5", "dense_12", "dense_4"], in: [nil, nil, nil]).order == [2, 0, 1])
        #expect(try result(["l10", "l2", "l1"], in: ["a", "b", "c"]).notes == 1)
        // Two numbers: block and layer.
        #expect(try result(["b.1.l1", "b.0.l2", "b.0.l1"], in: ["a", "b", "c"]).order == [2, 1, 0])
        // Other names beside numbers are no order.
        #expect(try result(["b.0.conv", "b.1.conv", "b.1.down"], in: ["a", "b", "c"]).message.contains("--names"))
    }

    /// `l1`, `l2`, `l3` here and `l0`, `l1`, `l2` there: by order two names are contradicted.
    @Test func anOrderThatContradictsNamesIsRefused() throws {
        #expect(
            try result(["l0", "l1", "l2"], in: ["l1", "l2", "l3"]).message.hasPrefix(
                "w: expected names and an order that agree for the 3 dense layers"))
    }

    @Test func npzKeepsItsOrder() throws {
        // Not in alphabetical order, so somebody gave it.
        let found = try result(["one", "two", "three"], in: ["a", "b", "c"], npz: true)
        #expect(found.order == [0, 1, 2] && found.notes == 1)
        // Names that agree go before the order.
        #expect(try result(["two", "one", "three"], in: ["one", "two", "three"], npz: true).order == [1, 0, 2])
        // In alphabetical order it says nothing.
        let sorted = WeightFile(
            name: "w", tensors: file(["x", "y", "z"]).tensors.sorted { $0.name < $1.name }, keepsOrder: true)
        #expect(!sorted.hasOrder)
        #expect(throws: InputError.self) { try WeightImport(sorted, into: graph(["a", "b", "c"])) }
        // Numbers that contradict it are refused.
        #expect(
            try result(["l2", "l1", "l3"], in: ["a", "b", "c"], npz: true).message.contains("contradict"))
    }

    @Test func namesDecideAndMayBePlain() throws {
        for map in [["a": "module.x", "b": "module.z"], ["a": "x", "b": "z"]] {
            let found = try result(
                ["module.z", "module.y", "module.x"], in: ["a", "b", "c"], head: "module.head", map: map)
            #expect(found.order == [2, 0, 1], "\(found.message)")
        }
    }

    @Test func tensorsWithoutLayers() throws {
        let graph = try graph(["a", "b", "c"])
        func load(_ names: [String], npz: Bool, map: [String: String] = [:]) throws -> [Float] {
            let shapes = [[4, 4], [4, 4], [4, 4], [2, 4], [2]]
            let tensors = zip(names, shapes).enumerated().map { index, tensor in
                TensorRecord(
                    name: tensor.0, shape: tensor.1,
                    values: [Float](repeating: Float(index), count: tensor.1.reduce(1, *)))
            }
            let imported = try WeightImport(
                WeightFile(name: "w", tensors: tensors, keepsOrder: npz), into: graph, layout: .pytorch, names: map)
            return graph.nodes.map { imported.parameters[$0.parameters[0].offset] }
        }
        #expect(try load(["arr_0", "arr_1", "arr_2", "arr_3", "arr_4"], npz: false) == [0, 1, 2, 3])
        #expect(try load(["wc", "wb", "wa", "w", "b"], npz: true) == [0, 1, 2, 3])
        #expect(throws: InputError.self) { try load(["wa", "wb", "wc", "x", "y"], npz: false) }
        #expect(throws: InputError.self) {
            try load(["arr_0", "arr_1", "arr_2", "arr_3", "arr_4"], npz: true, map: ["a": "b"])
        }
    }
}
