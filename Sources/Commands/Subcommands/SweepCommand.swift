import ArgumentParser
import Formats
import Foundation
import Numeral
import Runs

/// `trainer sweep`: a search over configurations, ranked on the validation images. The test images are never read.
struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Try many configurations, rank them on the validation images, and print how to train the best.",
        discussion: "Run the same command again to resume an interrupted sweep.")

    @Option(help: "The JSON file of the sweep.")
    var config: String

    @Option(help: "The folder of the data set.")
    var data: String?

    @Option(help: "The folder in which to create the sweep's folder, instead of the file's.")
    var output: String?

    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    func run() throws {
        var sweep = try Sweep.load(path: config)
        if let output { sweep.output = output }
        var trials = try sweep.trials(name: config)
        for index in trials.indices {
            if let data { trials[index].experiment.data.take(from: data) }
            trials[index].experiment = try trials[index].experiment.completed()
        }
        let graphs = try trials.map { trial throws(InputError) in
            do throws(InputError) {
                return try ResolvedGraph(trial.experiment.model)
            } catch {
                var located = error
                located.place = "\(config): trial \(trial.number): \(error.place)"
                throw located
            }
        }
        let pool = try common.makePool()
        let folder = try SweepFolder.open(sweep)
        common.say(
            "\(trials.count) trial\(trials.count == 1 ? "" : "s") of \(sweep.seeds.count) "
                + "seed\(sweep.seeds.count == 1 ? "" : "s") in \(folder.url.relativePath), \(pool.threads) "
                + "thread\(pool.threads == 1 ? "" : "s")")
        Interruption.install()
        let runner = SweepRunner(
            sweep: sweep, trials: trials, graphs: graphs, folder: folder, pool: pool, data: data, common: common,
            tuning: tuning)
        let rows = try runner.run()
        let record = SweepRecord(
            name: sweep.name, parameters: sweep.parameters.map(\.path), monitor: sweep.monitor, seeds: sweep.seeds,
            rows: rows)
        try record.write(to: folder.url)
        print(record.table())
        guard let best = record.rows.first, best.accuracy != nil,
            var winner = trials.first(where: { $0.number == best.trial })?.experiment
        else {
            throw OperationError(
                config, problem: "every trial failed", remedy: "the reasons are in \(folder.url.relativePath)/sweep.csv"
            )
        }
        winner.name = sweep.name + "-best"
        winner.seed = sweep.seeds[0]
        let place = folder.url.appendingPathComponent("best.json")
        try AtomicFile.write(winner.jsonText, to: place)
        print(
            "\nThe picture is \(folder.url.relativePath)/sweep.svg. Train the best, trial \(best.trial), and test it:")
        print("  trainer --config \(Assessment.quoted(place.relativePath))")
    }
}
