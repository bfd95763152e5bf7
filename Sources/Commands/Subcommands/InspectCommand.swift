import ArgumentParser
import Numeral

/// `trainer inspect`: shows the graph with shapes, parameters, multiply-adds and lowering, and the memory it needs.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show a configuration's network: shapes, parameters, cost, lowering, memory.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    func run() throws {
        var (experiment, graph) = try configuration.load()
        let pool = try common.makePool()
        let decisions = tuning.settle(&experiment, &graph, pool: pool, common)
        var rows = [["layer", "type", "reads", "output", "parameters", "mult-adds", "lowering"]]
        rows.append(["input", "", "", "\(graph.inputShape)", "", "", ""])
        for node in graph.nodes {
            let sources = node.inputs.map { $0 < 0 ? "input" : graph.nodes[$0].name }
            rows.append([
                node.name, node.layer.type, sources.joined(separator: ", "), "\(node.outputShape)",
                Console.grouped(node.parameters.reduce(0) { $0 + $1.count }), Console.grouped(node.multiplyAdds),
                node.lowering,
            ])
        }
        print("\(experiment.name)\n")
        print(Console.table(rows, left: [0, 1, 2, 6]))
        if !decisions.isEmpty {
            print("\nLowerings by timing, microseconds an image on one thread\n")
            print(Self.table(decisions))
        }
        let frozen = try LayerTreatment(experiment.training, of: graph).frozen(in: experiment.training.epochs)
        let frozenCount = frozen.reduce(0) { $0 + graph.nodes[$1].parameters.reduce(0) { $0 + $1.count } }
        let training = try TrainingNetwork(
            graph: graph.freezing(frozen), batchSize: experiment.training.batchSize, shards: experiment.training.shards,
            seed: experiment.seed, pool: pool)
        let inference = InferenceNetwork(graph: graph, batchSize: experiment.evaluation.batchSize, pool: pool)
        // In the forward pass, each layer on its own reads inputs and writes outputs; in the backward pass, it reads
        // both and the output's gradient, and writes the inputs' gradients.
        let layerFloats = graph.nodes.reduce(0) { total, node in
            let inputs = node.inputShapes.reduce(0) { $0 + $1.count }
            return total + 3 * inputs + 2 * node.outputShape.count
        }
        let layerBytes = layerFloats * MemoryLayout<Float>.stride
        let weights = graph.parameterCount * MemoryLayout<Float>.stride
        print(
            """

            parameters            \(Console.grouped(graph.parameterCount)) (\(Console.size(weights)))\
            \(frozenCount > 0 ? ", \(Console.grouped(frozenCount)) of them frozen" : "")
            multiply-adds/image   \(Console.grouped(graph.multiplyAdds)) forward
            training workspace    \(Console.size(training.workspaceBytes)) at batch \(training.batchSize), \
            \(experiment.training.shards) shards, \(pool.threads) threads, \(training.phaseCount) phases a step
            memory traffic        \(Console.size(training.memoryBytesPerImage)) an image and training step, activations and \
            gradients; \(Console.size(layerBytes)) if each layer kept its own
            inference workspace   \(Console.size(inference.workspaceBytes)) at batch \(inference.batchSize)
            """)
    }

    /// Returns a table of what was chosen, and why: its time, the fastest of another kind, and Winograd's error.
    private static func table(_ decisions: [LoweringDecision]) -> String {
        var rows = [["layer", "direction", "chosen", "time", "next kind", "time", "error"]]
        for decision in decisions {
            let record = decision.record
            let direction: String =
                switch decision.direction {
                case .forward: "forward"
                case .inputGradient: "input gradient"
                case .weightGradient: "weight gradient"
                case nil: "all"
                }
            rows.append([
                decision.layer, direction, record.choice, Console.fixed(record.microseconds[record.choice] ?? .nan, 1),
                record.runnerUp?.text ?? "", record.runnerUp.map { Console.fixed($0.microseconds, 1) } ?? "",
                record.errorShares[record.choice].map { Console.fixed(100 * $0, 0) + " % of bound" } ?? "",
            ])
        }
        return Console.table(rows, left: [0, 1, 2, 4])
    }
}
