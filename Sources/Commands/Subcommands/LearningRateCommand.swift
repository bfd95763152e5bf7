import ArgumentParser
import Formats
import Foundation
import Numeral
import Reports
import Runs

/// `trainer lr-find`: a learning-rate range test.
struct LearningRateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lr-find",
        abstract: "Find a learning rate: train with a rising rate and plot the loss (Smith 2017).")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    @Option(help: "The folder of the data set.")
    var data: String?

    @Option(help: "The folder in which to create the test's folder, instead of the configuration's.")
    var output: String?

    @Option(help: "The first rate.")
    var from = 1e-6

    @Option(help: "The last rate.")
    var to = 10.0

    @Option(help: "The number of steps from the first rate to the last.")
    var steps = 300

    @Option(help: "The decay of the moving average of the loss, in [0, 1).")
    var smoothing = 0.9

    func run() throws {
        let options = try test()
        var (experiment, graph) = try configuration.load(instead: data)
        let pool = try common.makePool()
        var loaded = try common.load(experiment.dataRequest, seed: experiment.seed)
        tuning.settle(&experiment, &graph, pool: pool, common)
        let initial = try ReferencedModels(experiment.training).initialWeights(
            for: graph, experiment, data: &loaded)
        let finder = try LearningRateFinder(
            graph: graph, options: experiment.training, data: loaded, augmentation: experiment.augmentation,
            normalization: experiment.data.normalization, initial: initial, seed: experiment.seed, pool: pool)
        Interruption.install()
        var taken = 0
        let result = finder.run(options, shouldStop: { Interruption.isRequested }) { point in
            taken += 1
            guard !common.quiet, taken % 5 == 0 else { return }
            ProgressLine(
                head: "Rate \(LearningRateText.rate(point.learningRate))",
                fraction: Double(taken) / Double(options.steps),
                parts: [.init(text: "loss \(Console.fixed(point.smoothedLoss, 3))", rank: 0)]
            ).draw()
        }
        if !common.quiet { ProgressLine.clear() }
        guard let result else { throw ExitCode(Interruption.ownExitCode) }
        guard result.points.count > 1 else {
            throw InputError(
                "--from", expected: "a rate at which training does not diverge at once", received: "\(from)",
                remedy: "lower it")
        }
        let folder = try RunFolder.create(
            in: URL(fileURLWithPath: output ?? experiment.output.directory, isDirectory: true),
            name: experiment.name + "-lr-find", date: Date())
        try folder.write(experiment.jsonText, as: .config)
        try AtomicFile.write(LearningRateText.csv(result), to: folder.url.appendingPathComponent("lr_find.csv"))
        let picture = folder.url.appendingPathComponent("lr_find.svg")
        try AtomicFile.write(LearningRateFigure.svg(result, name: experiment.name), to: picture)
        print(LearningRateText.summary(result, unicode: Console.usesUnicode))
        if let rate = result.steepest {
            print("\nTry --set training.optimizer.learningRate=\(LearningRateText.rate(rate)), the steepest fall")
        }
        print("The curve is in \(picture.relativePath)")
    }

    private func test() throws -> LearningRateTest.Options {
        var options = LearningRateTest.Options()
        guard from > 0, from.isFinite else {
            throw InputError("--from", expected: "a rate above 0", received: "\(from)")
        }
        guard to > from, to <= 1e6 else {
            throw InputError("--to", expected: "a rate above --from (\(from)), at most 1e6", received: "\(to)")
        }
        guard (20...100_000).contains(steps) else {
            throw InputError("--steps", expected: "an integer in 20…100000", received: "\(steps)")
        }
        guard smoothing >= 0, smoothing < 1 else {
            throw InputError("--smoothing", expected: "a number in [0, 1)", received: "\(smoothing)")
        }
        (options.low, options.high, options.steps, options.smoothing) = (from, to, steps, smoothing)
        return options
    }
}
