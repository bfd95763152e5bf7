import Foundation
import Numeral
import Runs

/// An unfinished run that this process resumes.
struct Resumption {
    let run: LiveRun
    let experiment: Experiment
    let graph: ResolvedGraph
    /// Nil if the run ended before its first checkpoint: it then starts over in its folder.
    let found: CheckpointFolder.Found?

    private let path: String

    /// Opens the run and locks it. Its stored configuration is used; one given on the command line must be equal to it.
    ///
    /// - Parameter given: returns the configuration of the command line, made from the stored one.
    /// - Returns: nil if the run is finished.
    /// - Throws: `InputError` if it is not a run, if its checkpoints are all damaged or of another version, or if a
    ///   configuration differs, naming the keys; `OperationError` if another process holds it.
    static func open(_ path: String, given: (Experiment) throws -> Experiment) throws -> Resumption? {
        let folder = RunFolder(URL(fileURLWithPath: path, isDirectory: true))
        if folder.isFinished {
            // Remove what a process killed after its last file may have left; if that fails, it does no harm.
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
        // The previous holder may have finished the run meanwhile.
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

    /// Checks that the data and the engine are those of the checkpoint.
    ///
    /// - Parameter force: whether another engine only causes a warning: training continues, to other bits than it would
    ///   have reached. Other data are refused all the same.
    /// - Throws: `InputError` that names the differences.
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

    /// Reports where the run resumes.
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
