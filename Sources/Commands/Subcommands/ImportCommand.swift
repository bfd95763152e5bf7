import ArgumentParser
import Formats
import Foundation
import Interchange
import Numeral

/// `trainer import`: turns weights of PyTorch or Keras into a model of this project.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a model from weights that PyTorch or Keras saved.",
        discussion: """
            WEIGHTS is a safetensors or NPZ file: a PyTorch state dictionary, or Keras weights under names that end \
            in kernel, bias, gamma, beta, moving_mean, moving_variance. The configuration describes the same network. \
            Layers are matched by name where all names agree (without module., _orig_mod. and what else all have in \
            front), else by kind and shape; layers that share a shape by the numbers in their names or the order of an \
            NPZ file. Where neither tells them apart, --names must.
            """)

    @Option(help: "The JSON configuration of the same network.")
    var config: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override one key, as often as you like.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "pytorch or keras; else as the names tell.")
    var layout: WeightLayout?

    @Option(help: "A JSON object: the configuration's layer names, each with the file's.")
    var names: String?

    @Option(help: "The mean that was subtracted from pixels in [0, 1].")
    var mean: Float?

    @Option(help: "The standard deviation they were divided by.")
    var standardDeviation: Float?

    @Flag(name: .shortAndLong, help: "Do not list what went where.")
    var quiet = false

    @Argument(help: "The weights.")
    var weights: String

    @Argument(help: "The model file to write.")
    var output: String

    func run() throws {
        let (experiment, graph) = try ConfigurationOptions.load(config, overrides: overrides)
        let file = try WeightFile.load(path: weights, limit: WeightImport.byteLimit(graph))
        let imported = try WeightImport(
            file, into: graph, layout: layout, names: try names.map { try LayerNames.load(path: $0) } ?? [:])
        let model = try imported.model(
            of: experiment, graph, normalization: try normalization() ?? file.normalization())
        try AtomicFile.write(model.encoded(), to: URL(fileURLWithPath: output))
        if !quiet {
            Console.message(
                Console.table(
                    imported.assignments.map {
                        [$0.source, "\($0.sourceShape)", "→", $0.target, "\($0.targetShape)"]
                    }, left: [0, 1, 2, 3, 4]))
            for note in imported.notes { Console.message("Note: \(note)") }
        }
        print(
            "\(output): \(Console.grouped(graph.parameterCount)) parameters from \(imported.layout.rawValue)'s layout; "
                + "test it with trainer evaluate --model \(output)")
    }

    private func normalization() throws -> (mean: Float, standardDeviation: Float)? {
        guard mean != nil || standardDeviation != nil else { return nil }
        guard let mean, let standardDeviation, mean.isFinite, standardDeviation.isFinite, standardDeviation > 0 else {
            throw InputError(
                "--mean, --standard-deviation", expected: "both, finite, the deviation above 0",
                received: "\(mean.map { "\($0)" } ?? "none"), \(standardDeviation.map { "\($0)" } ?? "none")")
        }
        return (mean, standardDeviation)
    }
}
