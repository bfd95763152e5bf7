import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral
import Reports
import Runs
import Workers

/// `trainer profile`: measures how fast a network runs here, and where the time of a step goes.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Measure a network: images/s, and time, GFLOP/s and bytes of each layer.",
        discussion: """
            Images are synthetic, so no data set is needed. Throughput is measured without per-layer timing. GFLOP/s count \
            the multiply-adds of the layer as defined, so a lowering that saves multiplications can exceed 100 % of the peak.
            """)

    @Option(help: "The JSON configuration.")
    var config: String?

    @Option(
        help: "A run folder, a model file, or box, instead of a configuration: measure its network, quantized or not.")
    var model: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("With --config: override one key; repeatable.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "The random seed, instead of the configuration's.")
    var seed: UInt64?

    @OptionGroup var common: CommonOptions
    @OptionGroup var tuning: TuningOptions

    @Option(help: "The batch size in training; default: the configuration's.")
    var batch: Int?

    @Option(help: "The batch size at inference.")
    var inferenceBatch = 512

    @Option(help: "The steps in each timed block and in the breakdown; default: enough for 0.1 s and 1 s.")
    var steps: Int?

    @Option(help: "Write the result to this JSON file.")
    var json: String?

    @Option(help: "Write profile.json, profile.csv and profile.svg into this folder.")
    var output: String?

    func validate() throws {
        guard (config == nil) != (model == nil) else {
            throw ValidationError("expected one of --config and --model · received \(config == nil ? "none" : "both")")
        }
        if model != nil, !overrides.isEmpty { throw ValidationError("--set goes with --config") }
    }

    private func load() throws -> (Experiment, ResolvedGraph) {
        guard let model else { return try ConfigurationOptions.load(config ?? "", overrides: overrides) }
        let saved = try SavedModel.load(path: model)
        return (saved.experiment, saved.graph)
    }

    func run() throws {
        var (experiment, graph) = try load()
        if let seed { experiment.seed = seed }
        for (option, value) in [("--batch", batch), ("--inference-batch", inferenceBatch), ("--steps", steps)] {
            if let value, value < 1 || value > 1 << 20 {
                throw InputError(option, expected: "an integer in 1…1048576", received: "\(value)")
            }
        }
        if let batch { experiment.training.batchSize = batch }
        let date = Date()
        let pool = try common.makePool()
        tuning.settle(&experiment, &graph, pool: pool, common)
        common.say("Measuring the GEMM peak")
        var (peak, scaling) = Self.peak(pool)
        peak.memory = MemoryProbe.gigabytesPerSecond(pool)
        common.warnOfBusyCores(scaling: scaling, threads: pool.threads)
        let profiler = try Profiler(
            graph: graph, options: experiment.training, inferenceBatchSize: inferenceBatch, runs: steps,
            seed: experiment.seed, pool: pool)
        let measurement = try profiler.measure { common.say("Measuring \($0)") }
        let record = ProfileRecord(
            measurement, graph: graph, name: experiment.name, peak: peak,
            environment: EnvironmentRecord(threads: pool.threads, dataDigests: [:], date: date))
        if let json { try ProfileFiles.writeJSON(record, to: URL(fileURLWithPath: json)) }
        if let output { try ProfileFiles.write(record, to: URL(fileURLWithPath: output, isDirectory: true)) }
        print(ProfileTable.text(record), terminator: "")
    }

    /// Returns the best rate of a large product and of two tiles that suit small-matrix kernels, on all threads, and
    /// its ratio to the rate of one thread.
    private static func peak(_ pool: WorkerPool) -> (ProfileRecord.Peak, scaling: Double) {
        var best = ProfileRecord.Peak(gflops: 0, shape: "")
        var scaling = 1.0
        for (m, n, k) in [(1024, 1024, 1024), (96, 32, 288), (24, 64, 576)] {
            let gflops = GEMMProbe.measure(m: m, n: n, k: k, pool: pool)
            if gflops > best.gflops {
                best = .init(gflops: gflops, shape: "\(m)×\(n)×\(k)")
                scaling = gflops / GEMMProbe.measure(m: m, n: n, k: k, pool: nil)
            }
        }
        return (best, scaling)
    }
}
