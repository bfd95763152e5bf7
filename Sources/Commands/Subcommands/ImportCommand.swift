import ArgumentParser
import Formats
import Foundation
import Interchange
import Numeral

/// `trainer import`: turns weights of PyTorch or Keras into a model of this project.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a model from weights saved by PyTorch or Keras.",
        discussion: """
            WEIGHTS is a safetensors or NPZ file: a PyTorch state dictionary, or Keras weights under names that end \
            in kernel, bias, gamma, beta, moving_mean, moving_variance. The configuration describes the same network. \
            Layers are matched by name if all names agree (ignoring module., _orig_mod. and any common prefix), otherwise \
            by kind and shape, and layers of equal shape by the numbers in their names or the order of an NPZ file. Where \
            that is ambiguous, --names is required.
            """)

    @Option(help: "The JSON configuration of the same network.")
    var config: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override one key; repeatable.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "pytorch or keras; default: guessed from the names.")
    var layout: WeightLayout?

    @Option(help: "A JSON object that maps the configuration's layer names to the file's.")
    var names: String?

    @Option(help: "The mean subtracted from pixels in [0, 1].")
    var mean: Float?

    @Option(help: "The standard deviation by which they were divided.")
    var standardDeviation: Float?

    @Flag(name: .shortAndLong, help: "Do not list how tensors were matched.")
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
            of: experiment, graph, normalization: try normalization() ?? file.normalization(),
            fileNames: file.classNames)
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
