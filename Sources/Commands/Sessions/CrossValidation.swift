import Formats
import Foundation
import Numeral
import Reports
import Runs
import Tensors
import Workers

/// The cross-validation of `trainer train --folds K`: a folder with a run for each fold, and their combined results.
struct CrossValidation {
    /// One fold, as a run of its own.
    struct Part {
        let fold: DataOptions.Fold
        let data: LoadedData
        /// The folder of the cross-validation.
        let folder: URL
        /// The path of an unfinished run of this fold.
        let unfinished: String?

        /// Returns `experiment` for this fold.
        func applied(to experiment: Experiment) -> Experiment {
            var result = experiment
            result.data.fold = fold
            result.output.directory = folder.relativePath
            return result
        }
    }

    let experiment: Experiment
    let count: Int
    let whole: LoadedData
    let folder: URL

    /// - Parameter experiment: the experiment that the configuration and the command line specify.
    init(_ experiment: Experiment, count: Int, common: CommonOptions) throws {
        guard (2...100).contains(count) else {
            throw InputError("--folds", expected: "an integer in 2…100", received: "\(count)")
        }
        guard experiment.data.fold == nil else {
            throw InputError(
                "--folds", expected: "a configuration without data.fold, which names one part",
                received: "both", remedy: "leave out one of the two")
        }
        guard !experiment.data.multiLabel else {
            throw InputError("--folds", expected: "one label an image", received: "data.multiLabel true")
        }
        var part = experiment
        part.data.fold = DataOptions.Fold(1, of: count)
        _ = try Experiment.decode(part.json, name: "--folds")
        self.experiment = experiment
        self.count = count
        whole = try common.load(experiment.dataRequest, seed: experiment.seed, whole: true)
        folder = URL(fileURLWithPath: experiment.output.directory, isDirectory: true)
            .appendingPathComponent("\(experiment.name)-\(count)-folds", isDirectory: true)
        try RunFolder.createFolders(folder)
    }

    /// Returns the existing runs of fold `number`, ordered by name.
    private func runs(_ number: Int) -> [RunFolder] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasPrefix("fold-\(number)-") }.sorted()
            .map { RunFolder(folder.appendingPathComponent($0, isDirectory: true)) }
    }

    /// Returns the finished run of fold `number`; nil if there is none.
    func finished(_ number: Int) -> RunFolder? { runs(number).first(where: \.isFinished) }

    /// Returns fold `number`, to be trained or resumed.
    func part(_ number: Int) throws -> Part {
        let fold = DataOptions.Fold(number, of: count)
        return Part(
            fold: fold,
            data: try whole.fold(
                fold, validationFraction: experiment.data.validationFraction, seed: experiment.seed),
            folder: folder,
            // A run that was killed before its configuration was written is left alone.
            unfinished: runs(number).last { FileManager.default.fileExists(atPath: $0.url(of: .config).path) }?
                .url.relativePath)
    }

    /// Checks that a finished run has this configuration.
    func check(_ run: RunFolder) throws {
        let file = run.url(of: .config).relativePath
        var stored = try ExperimentFile.load(path: file)
        stored.data.fold = nil
        var own = experiment
        own.model = try own.model.completed(
            inputShape: stored.model.inputShape, classes: try ResolvedGraph(stored.model).classCount)
        let differences = own.differences(from: stored)
        guard differences.isEmpty else {
            throw InputError(
                file, expected: "the same configuration, to go on with its parts",
                received: differences.joined(separator: ", "),
                remedy: "give the configuration another name, or remove \(folder.relativePath)")
        }
    }

    /// The predictions of the folds' networks for the images that they were not trained on.
    struct OutOfFold {
        /// The indices of each fold's images.
        var places: [[Int]]
        /// The folder of each fold's run.
        var runs: [String]
        var parts: [FoldsRecord.Part]
        /// The probabilities of all images, `[N, K]`.
        var probabilities: [Float]
    }

    /// Combines the folds' predictions, each image judged by the one network that was not trained on it.
    func outOfFold() throws -> OutOfFold {
        let places = StratifiedSplit.folds(of: whole.train.labels, count: count, seed: experiment.seed)
        let classes = whole.train.classCount
        var result = OutOfFold(
            places: places, runs: [], parts: [],
            probabilities: [Float](repeating: 0, count: whole.train.count * classes))
        for number in 1...count {
            guard let path = finished(number)?.url.relativePath else {
                throw OperationError(folder.relativePath, problem: "the run of part \(number) is not there any more")
            }
            let run = try StoredRun.load(path: path), predictions = run.evaluation.predictions
            let indices = places[number - 1]
            guard predictions.labels == indices.map({ Int(whole.train.labels[$0]) }),
                run.folder.storedEnvironment.map({
                    Set($0.dataDigests.values).isSuperset(of: whole.digests.values)
                }) ?? true
            else {
                throw InputError(
                    path, expected: "the images of part \(number) of \(count)", received: "others",
                    remedy: "the data have changed: remove \(folder.relativePath) and begin anew")
            }
            for (row, index) in indices.enumerated() {
                for k in 0..<classes {
                    result.probabilities[index * classes + k] = predictions.probabilities[row * classes + k]
                }
            }
            result.runs.append(path)
            result.parts.append(FoldsRecord.Part(number: number, run: path, run.evaluation))
        }
        return result
    }

    /// Writes and prints the metrics of all folds together.
    func finish(common: CommonOptions, pool: WorkerPool, _ ranks: Ranks) throws {
        let all = try outOfFold(), parts = all.parts
        let output = RunFolder(folder), first = try SavedModel.load(path: parts[0].run)
        let environment = EnvironmentRecord(
            threads: pool.threads, ranks: ranks, dataDigests: whole.digests, date: Date())
        var assessment = Assessment(
            experiment: experiment, graph: first.graph, normalization: first.normalization,
            parameters: first.parameters, state: first.state, dataset: whole.dataset, source: whole.source,
            environment: environment, reproduction: reproduction)
        assessment.probabilities = all.probabilities
        assessment.notes =
            whole.notes + [
                "a cross-validation of \(count) parts: each image was judged by the network that did not learn from it; the test "
                    + "images were not used"
            ]
        try output.write(experiment.jsonText, as: .config)
        try output.write(environment: environment)
        try assessment.run(on: whole.train, to: output, common: common, pool: pool, ranks: ranks) { evaluation in
            let record = FoldsRecord(name: experiment.name, seed: experiment.seed, parts: parts, evaluation)
            try record.write(to: folder)
            print(record.table())
            print("Every image, judged by the network that did not learn from it:\n")
        }
    }

    private var reproduction: [String] {
        let config = Assessment.quoted(RunFolder(folder).url(of: .config).relativePath)
        return ["swift run trainer --config \(config) --folds \(count)"]
    }
}
