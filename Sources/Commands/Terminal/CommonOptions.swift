import ArgumentParser
import Formats
import Foundation
import LinearAlgebra
import Numeral
import Workers

/// Options that most commands share.
struct CommonOptions: ParsableArguments {
    @Option(help: "Threads that compute; default: the cores this process may use.")
    var threads: Int?

    @Flag(name: .shortAndLong, help: "No progress, only results and errors.")
    var quiet = false

    /// The worker pool, its BLAS found sound.
    /// - Parameter default: threads where the user names none; the usable cores where nil.
    func makePool(default count: Int? = nil) throws -> WorkerPool {
        if let threads, threads < 1 || threads > 1024 {
            throw InputError("--threads", expected: "an integer in 1…1024", received: "\(threads)")
        }
        let count = threads ?? count ?? Machine.usableCores
        // Before the threads are made: each takes memory as well.
        try BLASMemory.require(callers: count)
        let pool = WorkerPool(threads: count)
        try BLASSelfTest.require(pool: pool)
        return pool
    }

    func say(_ text: String) {
        if !quiet { Console.message(text) }
    }

    /// Warns where all threads together deliver far less than their number: rates taken then say little.
    /// - Parameter scaling: their rate over one thread's.
    func warnOfBusyCores(scaling: Double, threads: Int) {
        guard threads > 1, scaling < 0.75 * Double(threads) else { return }
        Console.message(
            "WARNING  \(threads) threads deliver \(Console.fixed(scaling, 2)) times what one does: other programs may be "
                + "using the cores, and these rates are then not this machine's")
    }

    /// Loads data, telling of downloads and of what was used instead.
    /// - Parameter whole: Whether all training images are to be there, none put aside for validation or a test.
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
        help: ArgumentHelp("Override one key, as often as you like.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "Random seed, instead of the configuration's.")
    var seed: UInt64?

    /// The configuration and its graph, every shape checked.
    func load() throws -> (Experiment, ResolvedGraph) {
        try load(instead: nil)
    }

    /// - Parameter data: The folder or file that holds the data; nil: as the configuration says.
    func load(instead data: String?) throws -> (Experiment, ResolvedGraph) {
        try Self.load(config, overrides: overrides + (seed.map { ["seed=\($0)"] } ?? []), data: data)
    }

    /// - Parameter data: The folder or file that holds the data, instead of the configuration's.
    static func load(
        _ config: String, overrides: [String], data: String? = nil
    ) throws -> (Experiment, ResolvedGraph) {
        try completed(ExperimentFile.load(path: config, overrides: overrides), data: data, name: config)
    }

    /// A configuration with its graph, what follows the data filled in.
    /// - Parameter name: of the file, for errors.
    static func completed(
        _ experiment: Experiment, data: String?, name: String
    ) throws -> (Experiment, ResolvedGraph) {
        var experiment = experiment
        if let data { experiment.data.directory = data }
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

/// Options that change a configuration, where a run's own may stand in for the file.
struct TrainingConfigurationOptions: ParsableArguments {
    @Option(help: "The JSON configuration; not needed with --resume.")
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override one key, as often as you like.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "Random seed, instead of the configuration's.")
    var seed: UInt64?

    private var allOverrides: [String] { overrides + (seed.map { ["seed=\($0)"] } ?? []) }

    func requireFile() throws {
        if config == nil { throw ValidationError("Missing expected argument '--config <config>'") }
    }

    /// The configuration and its graph, every shape checked.
    /// - Parameters:
    ///   - data: The folder or file that holds the data, instead of the configuration's.
    ///   - model: The model whose weights training begins with; where no file is given, its network is trained.
    func load(data: String? = nil, from model: String? = nil) throws -> (Experiment, ResolvedGraph) {
        if let config {
            let initial = model.map { ["training.initialModel=\(JSONValue.quoted($0))"] } ?? []
            return try ConfigurationOptions.load(config, overrides: allOverrides + initial, data: data)
        }
        let path = model ?? ""
        let recipe = Experiment.fineTuning(try SavedModel.load(path: path), from: path)
        return try ConfigurationOptions.completed(
            Experiment.decode(try Overrides.apply(allOverrides, to: recipe.json), name: ""), data: data, name: path)
    }

    /// What the file and the options say; where no file is given, what `stored` says with the options.
    func load(instead stored: Experiment) throws -> Experiment {
        if let config {
            var experiment = try ExperimentFile.load(path: config, overrides: allOverrides)
            experiment.model = experiment.model.completed(
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
