import Foundation
import Numeral
import Runs

/// An unfinished run that this process goes on with.
struct Resumption {
    let run: LiveRun
    let experiment: Experiment
    let graph: ResolvedGraph
    /// Nil where the run ended before its first checkpoint: it begins again in its folder.
    let found: CheckpointFolder.Found?

    private let path: String

    /// Opens the run and holds it. Its configuration is the one stored in it; the one that the command line gives, if
    /// any, must say the same.
    ///
    /// - Parameter given: the configuration of the command line, made from the stored one.
    /// - Returns: nil where the run is finished.
    /// - Throws: `InputError` where it is no run, its checkpoints are all damaged or of another version, or a
    ///   configuration differs, naming the keys; `OperationError` where another process holds it.
    static func open(_ path: String, given: (Experiment) throws -> Experiment) throws -> Resumption? {
        let folder = RunFolder(URL(fileURLWithPath: path, isDirectory: true))
        if folder.isFinished {
            // What a process that was killed after its last file may have left goes; where it cannot, it does no harm.
            try? LiveRun.resume(folder).close()
            return nil
        }
        let run = try LiveRun.resume(folder)
        let file = folder.url(of: .config).relativePath
        let (experiment, graph) = try ConfigurationOptions.load(file, overrides: [])
        let differences = try given(experiment).differences(from: experiment)
        guard differences.isEmpty else {
            throw InputError(
                "--resume \(path)", expected: "the configuration of that run",
                received: differences.joined(separator: ", "),
                remedy: "leave out --config, --set and --seed, or begin a new run")
        }
        // The one who held it may have finished it meanwhile.
        if folder.isFinished { return nil }
        let found = try CheckpointFolder(of: folder).newestSound()
        if let found {
            let trained = try Experiment.decode(
                found.checkpoint.configuration, name: "\(found.file.relativePath): numeral.config")
            let changed = experiment.differences(from: trained)
            guard changed.isEmpty else {
                throw InputError(
                    file, expected: "the configuration that \(found.file.lastPathComponent) was trained with",
                    received: changed.joined(separator: ", "), remedy: "undo the change, or begin a new run")
            }
        }
        return Resumption(run: run, experiment: experiment, graph: graph, found: found, path: path)
    }

    /// Checks that data and engine are those of the checkpoint.
    ///
    /// - Parameter force: whether another engine is only warned of: training goes on, to other bits than it would have
    ///   come to. Other data are refused all the same.
    /// - Throws: `InputError` that names what differs.
    func check(dataDigests: [String: String], force: Bool) throws {
        guard let checkpoint = found?.checkpoint else { return }
        let data = Self.differences(dataDigests, checkpoint.dataDigests) { String($0.prefix(12)) + "…" }
        guard data.isEmpty else {
            throw InputError(
                "--resume \(path)", expected: "the data that the run began with (SHA-256)",
                received: data.joined(separator: ", "), remedy: "name their folder with --data, or begin a new run")
        }
        let engine = Self.differences(EngineIdentity.current(graph), checkpoint.engine) { $0 }
        guard !engine.isEmpty else { return }
        guard force else {
            throw InputError(
                "--resume \(path)", expected: "the engine that the run began with",
                received: engine.joined(separator: ", "),
                remedy: "use that one, or add --force: the run goes on, to other bits than it would have come to")
        }
        Console.message(
            "WARNING  the run began with another engine (\(engine.joined(separator: ", "))): its bits will be others than "
                + "those of an uninterrupted run")
    }

    /// Says where the run goes on.
    func announce(_ common: CommonOptions) {
        guard let found else {
            Console.message("\(path) has no checkpoint yet: it begins again from its first step")
            return
        }
        for damage in found.damaged { Console.message("WARNING  a damaged checkpoint is passed over: \(damage)") }
        let progress = found.checkpoint.state.progress
        common.say("Going on from epoch \(progress.epoch), step \(progress.step) (\(found.file.relativePath))")
    }

    static func differences(
        _ new: [String: String], _ old: [String: String], _ shown: (String) -> String
    ) -> [String] {
        Set(new.keys).union(old.keys).sorted().compactMap { key in
            new[key] == old[key]
                ? nil : "\(key) \(new[key].map(shown) ?? "missing") instead of \(old[key].map(shown) ?? "nothing")"
        }
    }
}
