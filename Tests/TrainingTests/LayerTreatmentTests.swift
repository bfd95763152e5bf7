import NeuralNetwork
import Formats
import Tensors
import Testing
import Workers

@testable import Training

@Suite("Layers by name: frozen, at rates of their own, from a trained network")
struct LayerTreatmentTests {
    private let graph: ResolvedGraph

    init() throws { graph = try Self.graph(classes: 3) }

    private static func graph(classes: Int) throws -> ResolvedGraph {
        try ResolvedGraph(
            Graph(
                inputShape: Shape([8, 8, 1]),
                layers: [
                    .conv2d(filters: 4, kernelSize: 3, useBias: false), .batchNormalization(), .relu,
                    .conv2d(filters: 4, kernelSize: 3, useBias: false), .batchNormalization(), .relu, .flatten,
                    .dense(units: classes), .softmax,
                ]))
    }

    @Test(
        "patterns",
        arguments: [
            ("conv2d_1", "conv2d_1", true), ("conv2d_1", "conv2d_12", false), ("conv2d_*", "conv2d_12", true),
            ("conv2d_*", "xconv2d_1", false), ("*", "", true), ("*_1", "dense_1", true), ("*_1", "_", false),
            ("a*b*c", "axxbyyc", true), ("a*b*c", "axxcyyb", false), ("a*a", "a", false), ("a*a", "aa", true),
            ("*b*b*", "ab", false), ("*b*b*", "abcb", true), ("", "a", false), ("", "", true), ("a**b", "ab", true),
        ])
    func patterns(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(LayerPattern(pattern).matches(name) == matches)
    }

    @Test("a layer's rate falls by the kernels that follow it, times its own factors")
    func rates() throws {
        var options = TrainingOptions()
        options.layerDecay = 0.5
        options.learningRates = [LayerRate("*_2", factor: 3), LayerRate("conv2d_*", factor: 10)]
        let treatment = try LayerTreatment(options, of: graph)
        #expect(treatment.factors == [2.5, 0.25, 0.25, 15, 1.5, 0.5, 0.5, 1, 1])
        // Layers without weights do not matter.
        let groups = treatment.groups(of: graph, stepsPerEpoch: 7, frozen: nil)
        #expect(groups.map(\.rateFactor) == [2.5, 0.25, 15, 1.5, 1])
        #expect(groups.map { $0.tensors.map(\.name) }.last == ["dense_1/kernel", "dense_1/bias"])
    }

    @Test("frozen layers by epoch, and the steps before they move")
    func frozen() throws {
        var options = TrainingOptions()
        options.frozen = ["conv2d_1", FrozenLayers("*Norm*", epochs: 2), FrozenLayers("conv2d_*", epochs: 3)]
        let treatment = try LayerTreatment(options, of: graph)
        #expect(treatment.frozen(in: 1) == [0, 1, 3, 4])
        #expect(treatment.frozen(in: 3) == [0, 3])
        #expect(treatment.frozen(in: 4) == [0])
        #expect(treatment.lastEpochs == [2, 3])
        let groups = treatment.groups(of: graph, stepsPerEpoch: 7, frozen: nil)
        #expect(groups.map(\.stepsBefore) == [14, 21, 0])
        #expect(!groups.flatMap(\.tensors).contains { $0.name == "conv2d_1/kernel" })
    }

    @Test("what names no layer, or leaves none, is refused")
    func refusals() {
        func refused(_ change: (inout TrainingOptions) -> Void) -> InputError? {
            var options = TrainingOptions()
            change(&options)
            do { _ = try LayerTreatment(options, of: graph) } catch { return error }
            return nil
        }
        let misspelt = refused { $0.frozen = ["conv2d_1", "dence_1"] }
        #expect(misspelt?.place == "training.frozen[1]")
        #expect(misspelt?.remedy == "did you mean 'dense_1'?")
        #expect(
            refused { $0.learningRates = [LayerRate("relu_1", factor: 2)] }?.place == "training.learningRates[0].layers"
        )
        #expect(refused { $0.frozen = ["*"] }?.received == "all are frozen")
        #expect(refused { $0.frozen = [FrozenLayers("*", epochs: 1)] } != nil)
        #expect(refused { $0.frozen = ["conv2d_*", "batch*"] } == nil)
    }

    /// Two groups of one optimizer are two optimizers, the second begun later and at its own rate.
    @Test("groups are optimizers of their own", arguments: optimizerRules)
    func groups(_ options: OptimizerOptions) {
        let tensors = [
            ParameterTensor(name: "a/kernel", shape: [40, 30], offset: 0, role: .weight),
            ParameterTensor(name: "a/bias", shape: [30], offset: 1200, role: .bias),
            ParameterTensor(name: "b/kernel", shape: [30, 50], offset: 1230, role: .weight),
            ParameterTensor(name: "b/bias", shape: [50], offset: 2730, role: .bias),
        ]
        let count = 2780, pool = WorkerPool(threads: 2)
        func values(_ seed: UInt64) -> [Float] {
            var random = RandomStream(RandomAddress(seed: seed, purpose: .test))
            return (0..<count).map { _ in Float(random.integer(below: 2001) - 1000) / 1000 }
        }
        func optimizer(_ groups: [OptimizerGroup]) -> Optimizer {
            Optimizer(
                options: options, l2: 0.01, clipping: .value(0.8), lookahead: LookaheadOptions(steps: 2),
                averagingDecay: 0.9, groups: groups, count: count)
        }
        let together = optimizer([
            OptimizerGroup(tensors: Array(tensors[..<2])),
            OptimizerGroup(tensors: Array(tensors[2...]), rateFactor: 0.25, stepsBefore: 2),
        ])
        let first = optimizer([OptimizerGroup(tensors: Array(tensors[..<2]))])
        let second = optimizer([OptimizerGroup(tensors: Array(tensors[2...]))])
        let joint = AlignedBuffer(values(1)), one = AlignedBuffer(values(1)), other = AlignedBuffer(values(1))
        let rate = options.learningRate
        for step in 0..<6 {
            let gradients = AlignedBuffer(values(UInt64(step) + 2))
            let slow = step % 2 == 1
            together.step(
                parameters: joint, gradients: gradients, learningRate: rate, synchronizes: slow, pool: pool)
            first.step(parameters: one, gradients: gradients, learningRate: rate, synchronizes: slow, pool: pool)
            if step >= 2 {
                second.step(
                    parameters: other, gradients: gradients, learningRate: rate * 0.25, synchronizes: slow, pool: pool)
            }
        }
        #expect(joint.array[..<1230] == one.array[..<1230])
        #expect(joint.array[1230...] == other.array[1230...])
        #expect(joint.array[1230...] != AlignedBuffer(values(1)).array[1230...])
    }

    @Test("weights are found by name, classes of the head by theirs")
    func initialWeights() throws {
        let source = try Self.graph(classes: 4)
        let parameters = AlignedBuffer((0..<source.parameterCount).map { Float($0) })
        let state = AlignedBuffer((0..<source.stateCount).map { Float($0) + 0.5 })
        let model = (graph: source, classes: ["a", "b", "c", "d"], parameters: parameters, state: state)
        let start = try InitialWeights(for: graph, classes: ["d", "new", "a"], seed: 5, from: model, path: "run")
        #expect(start.knownClasses == 2)
        #expect(start.state.array == state.array)
        let random = try graph.initialParameters(seed: 5)
        for (ours, theirs) in zip(graph.parameters, source.parameters) {
            guard ours.name.hasPrefix("dense_1") else {
                #expect(ours.range.map { start.parameters[$0] } == theirs.range.map { parameters[$0] }, "\(ours.name)")
                continue
            }
            for row in 0..<ours.count / 3 {
                #expect(start.parameters[ours.offset + 3 * row] == parameters[theirs.offset + 4 * row + 3])
                #expect(start.parameters[ours.offset + 3 * row + 1] == random[ours.offset + 3 * row + 1])
                #expect(start.parameters[ours.offset + 3 * row + 2] == parameters[theirs.offset + 4 * row])
            }
        }
        let other = try ResolvedGraph(
            Graph(
                inputShape: Shape([8, 8, 1]),
                layers: [.conv2d(filters: 5, kernelSize: 3, useBias: false), .flatten, .dense(units: 3)]))
        #expect(throws: InputError.self) {
            try InitialWeights(for: other, classes: ["a", "b", "c"], seed: 5, from: model, path: "run")
        }
    }

    @Test("a last layer whose last axis is not the classes is taken whole, or refused")
    func headWithoutClasses() throws {
        func graph(_ channels: Int) throws -> ResolvedGraph {
            try ResolvedGraph(
                Graph(
                    inputShape: Shape([4, 4, channels]),
                    layers: [.conv2dTranspose(filters: 3, kernelSize: 3), .globalAveragePooling2d]))
        }
        let source = try graph(2), parameters = try source.initialParameters(seed: 1)
        let model = (
            graph: source, classes: ["a", "b", "c"], parameters: parameters, state: AlignedBuffer<Float>(count: 0)
        )
        let start = try InitialWeights(for: source, classes: ["c", "b", "a"], seed: 5, from: model, path: "run")
        #expect(start.parameters.array == parameters.array)
        #expect(throws: InputError.self) {
            try InitialWeights(for: graph(5), classes: ["a", "b", "c"], seed: 5, from: model, path: "run")
        }
    }
}
