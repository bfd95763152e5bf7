import ArgumentParser
import Formats
import Foundation
import LinearAlgebra
import Numeral
import Workers

/// Options that most commands share.
struct CommonOptions: ParsableArguments {
    @Option(help: "The number of compute threads; default: the cores available to this process.")
    var threads: Int?

    @Flag(name: .shortAndLong, help: "Print only results and errors, no progress.")
    var quiet = false

    /// Creates the worker pool and checks its BLAS.
    /// - Parameter default: the number of threads if the user specifies none; nil for the usable cores.
    func makePool(default count: Int? = nil) throws -> WorkerPool {
        if let threads, threads < 1 || threads > 1024 {
            throw InputError("--threads", expected: "an integer in 1…1024", received: "\(threads)")
        }
        let count = threads ?? count ?? Machine.usableCores
        // Checked before the threads are created, since each takes memory as well.
        try BLASMemory.require(callers: count)
        let pool = try WorkerPool.exactly(threads: count)
        try BLASSelfTest.require(pool: pool)
        return pool
    }

    func say(_ text: String) {
        if !quiet { Console.message(text) }
    }

    /// Warns if all threads together deliver far less than their number suggests: rates measured then mean little.
    /// - Parameter scaling: their rate divided by that of one thread.
    func warnOfBusyCores(scaling: Double, threads: Int) {
        guard threads > 1, scaling < 0.75 * Double(threads) else { return }
        Console.message(
            "WARNING  \(threads) threads deliver \(Console.fixed(scaling, 2)) times what one does: other programs may be "
                + "using the cores, and these rates are then not this machine's")
    }

    /// Loads data, reporting downloads and substitutions.
    /// - Parameter whole: whether to load all training images without setting any aside for validation or a test.
    func load(_ options: DataOptions, seed: UInt64, whole: Bool = false) throws -> LoadedData {
        let quiet = quiet, progress: DatasetProgress = { DownloadDisplay.show($0, quiet: quiet) }
        let data =
            try whole
            ? DatasetLoader.loadWhole(options, seed: seed, progress: progress)
            : DatasetLoader.load(options, seed: seed, progress: progress)
        say("Data: \(data.dataset) (\(data.source.rawValue)) from \(data.directory)")
        return data
    }
}

/// Options that change a configuration.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The JSON configuration.")
    var config: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override one key; repeatable.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "The random seed, instead of the configuration's.")
    var seed: UInt64?

    /// Returns the configuration and its graph, with every shape checked.
    func load() throws -> (Experiment, ResolvedGraph) {
        try load(instead: nil)
    }

    /// - Parameter data: the folder or file that contains the data; nil to use the configuration's.
    func load(instead data: String?) throws -> (Experiment, ResolvedGraph) {
        try Self.load(config, overrides: overrides + (seed.map { ["seed=\($0)"] } ?? []), data: data)
    }

    /// - Parameter data: the folder or file that contains the data, instead of the configuration's.
    static func load(
        _ config: String, overrides: [String], data: String? = nil
    ) throws -> (Experiment, ResolvedGraph) {
        try completed(ExperimentFile.load(path: config, overrides: overrides), data: data, name: config)
    }

    /// Returns a configuration, completed with what follows from the data, and its graph.
    /// - Parameter name: the name of the file, for error messages.
    static func completed(
        _ experiment: Experiment, data: String?, name: String
    ) throws -> (Experiment, ResolvedGraph) {
        var experiment = experiment
        if let data { experiment.data.take(from: data) }
        experiment = try experiment.completed()
        do {
            return (experiment, try ResolvedGraph(experiment.model))
        } catch {
            var located = error
            located.place = "\(name): \(error.place)"
            throw located
        }
    }
}

/// Options that change a configuration, which is that of a file or of a stored run.
struct TrainingConfigurationOptions: ParsableArguments {
    @Option(help: "The JSON configuration; not needed with --resume.")
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override one key; repeatable.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "The random seed, instead of the configuration's.")
    var seed: UInt64?

    private var allOverrides: [String] { overrides + (seed.map { ["seed=\($0)"] } ?? []) }

    func requireFile() throws {
        if config == nil { throw ValidationError("Missing expected argument '--config <config>'") }
    }

    /// Returns the configuration and its graph, with every shape checked.
    /// - Parameters:
    ///   - data: the folder or file that contains the data, instead of the configuration's.
    ///   - model: the model whose weights training starts from; without a configuration file, its network is trained.
    func load(data: String? = nil, from model: String? = nil) throws -> (Experiment, ResolvedGraph) {
        if let config {
            return try ConfigurationOptions.load(config, overrides: allOverrides + Self.initial(model), data: data)
        }
        let path = model ?? ""
        let recipe = Experiment.fineTuning(try SavedModel.load(path: path), from: path)
        return try ConfigurationOptions.completed(
            Experiment.decode(try Overrides.apply(allOverrides + Self.initial(path), to: recipe.json), name: ""),
            data: data, name: path)
    }

    private static func initial(_ model: String?) -> [String] {
        model.map { ["training.initialModel=\(JSONValue.quoted($0))"] } ?? []
    }

    /// Returns the configuration of the file with the options applied or, without a file, `stored` with the options
    /// applied.
    func load(instead stored: Experiment, from model: String? = nil) throws -> Experiment {
        if let config {
            var experiment = try ExperimentFile.load(path: config, overrides: allOverrides + Self.initial(model))
            experiment.model = try experiment.model.completed(
                inputShape: stored.model.inputShape, classes: try ResolvedGraph(stored.model).classCount)
            return experiment
        }
        return try Experiment.decode(try Overrides.apply(allOverrides, to: stored.json), name: "")
    }
}

/// Shows downloads and notes.
enum DownloadDisplay {
    static func show(_ event: DatasetEvent, quiet: Bool) {
        switch event {
        case .note(let text): Console.message("Note: \(text)")
        case .reading(let done, let total):
            guard !quiet, Console.isTerminal, done % 100 == 0 || done == total else { return }
            ProgressLine(
                head: "Reading", fraction: Double(done) / Double(max(total, 1)),
                parts: [.init(text: "\(Console.grouped(done)) of \(Console.grouped(total)) pictures", rank: 0)]
            ).draw()
            if done == total { ProgressLine.clear() }
        case .download(let file, let received, let total):
            guard !quiet else { return }
            var line = ProgressLine(
                head: "Downloading", fraction: total.map { Double(received) / Double(max($0, 1)) } ?? 0,
                parts: [
                    .init(text: file, rank: 1),
                    .init(text: Console.size(received) + (total.map { " of \(Console.size($0))" } ?? ""), rank: 0),
                ])
            if total == nil { line.head += "…" }
            line.draw()
            if received == total { ProgressLine.clear() }
        }
    }
}
