import ArgumentParser
import Numeral

/// `trainer inspect`: the graph with shapes, parameters, multiply-adds and lowering, and the memory it needs.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show a configuration's network: shapes, parameters, cost, lowering, memory.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let (experiment, graph) = try configuration.load()
        let pool = try common.makePool()
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
        let training = try TrainingNetwork(
            graph: graph, batchSize: experiment.training.batchSize, shards: experiment.training.shards,
            seed: experiment.seed, pool: pool)
        let inference = InferenceNetwork(graph: graph, batchSize: experiment.evaluation.batchSize, pool: pool)
        let weights = graph.parameterCount * MemoryLayout<Float>.stride
        print(
            """

            parameters            \(Console.grouped(graph.parameterCount)) (\(Console.size(weights)))
            multiply-adds/image   \(Console.grouped(graph.multiplyAdds)) forward
            training workspace    \(Console.size(training.workspaceBytes)) at batch \(training.batchSize), \
            \(experiment.training.shards) shards, \(pool.threads) threads, \(training.phaseCount) phases a step
            inference workspace   \(Console.size(inference.workspaceBytes)) at batch \(inference.batchSize)
            """)
    }
}
