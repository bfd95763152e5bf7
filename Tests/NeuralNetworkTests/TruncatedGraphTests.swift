import NeuralNetwork
import Tensors
import TestSupport
import Testing

@Suite("Networks cut off at a node")
struct TruncatedGraphTests {
    /// Every node of every network gives what the Double reference of the whole network has there.
    @Test("activations of every node", arguments: SampleGraph.all)
    func everyNode(_ sample: SampleGraph) throws {
        let graph = try sample.resolved()
        let weights = TestWeights(graph, seed: 21), batch = TestBatch(graph, count: 5, seed: 22)
        let expected = weights.reference(graph).outputs(images: batch.images.doubles, count: batch.count)
        for (index, node) in graph.nodes.enumerated() {
            let cut = graph.truncated(at: index)
            #expect(cut.parameterCount == graph.parameterCount && cut.nodes.last?.name == node.name)
            let run = InferenceRun(cut, weights, batchSize: 6, threads: 2)
            let floats = batch.count * node.outputShape.count
            let output = AlignedBuffer([Float](repeating: -7, count: floats + 3))
            run.network.activations(images: batch.imageBuffer(), count: batch.count, into: output, at: 2)
            let all = output.array
            #expect(all.prefix(2) == [-7, -7] && all.last == -7)
            #expect(
                relativeDistance(Array(all[2..<(2 + floats)]), expected[index], floor: 1e-3) < 1e-4, "\(node.name)")
        }
    }

    @Test("the penultimate node is what the last kernel reads")
    func penultimate() throws {
        func name(_ layers: [Layer], _ shape: [Int] = [6, 6, 1]) throws -> String? {
            let graph = try ResolvedGraph(
                Graph(inputShape: Shape(shape), nodes: SampleGraph("", shape, layers).graph.nodes))
            return graph.penultimateNode.map { graph.nodes[$0].name }
        }
        let conv = Layer.conv2d(filters: 3, kernelSize: Size2D(3))
        #expect(try name([conv, .relu, .flatten, .dense(units: 3)]) == "flatten_1")
        #expect(try name([conv, .flatten, .dense(units: 3), .batchNormalization(), .softmax]) == "flatten_1")
        #expect(try name([conv, .relu, conv, .globalAveragePooling2d]) == "relu_1")
        #expect(try name([conv, .globalAveragePooling2d]) == nil)
        #expect(try name([.dense(units: 3)], [7]) == nil)
        #expect(try name([.flatten, .dense(units: 3)]) == "flatten_1")
    }

    @Test("branches that the node does not need are gone")
    func branches() throws {
        let graph = try ResolvedGraph(
            Graph(
                inputShape: Shape([4, 4, 1]),
                nodes: [
                    LayerNode("a", "input", layer: .conv2d(filters: 2, kernelSize: Size2D(3), padding: .same)),
                    LayerNode("b", "a", layer: .batchNormalization()),
                    LayerNode("c", "a", layer: .relu),
                    LayerNode("sum", "b", "c", layer: .add),
                    LayerNode("flat", "sum", layer: .flatten), LayerNode("out", "flat", layer: .dense(units: 2)),
                ]))
        #expect(graph.truncated(at: 2).nodes.map(\.name) == ["a", "c"])
        #expect(graph.truncated(at: 2).nodes.map(\.inputs) == [[-1], [0]])
        #expect(graph.truncated(at: 3).nodes.map(\.inputs) == [[-1], [0], [0], [1, 2]])
    }
}
