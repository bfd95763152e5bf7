import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral
import Reports
import Runs
import Workers

/// `trainer gemm`: measures the linked BLAS, and compares libraries.
struct GEMMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm", abstract: "Measure matrix products, over a sweep of sizes or a configuration's own.",
        subcommands: [Measure.self, Compare.self], defaultSubcommand: Measure.self)

    struct Measure: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure the linked BLAS on one thread and on all (the default).")

        @Option(help: "Measure the products of this JSON configuration's training step instead of the sweep.")
        var config: String?

        @Option(
            name: .customLong("set"),
            help: ArgumentHelp("Override one key of the configuration.", valueName: "key.path=value"))
        var overrides: [String] = []

        @Option(help: "Write the result to this JSON file, for compare.")
        var json: String?

        @Flag(help: "Take fewer and shorter timings; the sweep stops at 512.")
        var quick = false

        @OptionGroup var common: CommonOptions
        @OptionGroup var tuning: TuningOptions

        func run() throws {
            let loaded = try config.map { try ConfigurationOptions.load($0, overrides: overrides) }
            if loaded == nil, !overrides.isEmpty {
                throw InputError("--set", expected: "--config as well", received: "no configuration to override")
            }
            if loaded == nil, tuning.retune {
                throw InputError("--retune", expected: "--config as well", received: "no network to tune")
            }
            let pool = try common.makePool()
            let products = products(loaded, pool)
            guard !products.isEmpty else {
                throw InputError(
                    "--config", expected: "a network with matrix products",
                    received: "one without conv2d and dense layers, or whose convolutions are all direct")
            }
            var rows: [GEMMRecord.Row] = []
            for (index, product) in products.enumerated() {
                show("Measuring \(index + 1) of \(products.count): \(product.shape)")
                let measurement = GEMMBenchmark.measure(product.shape, pool: pool, effort: quick ? .quick : .thorough)
                rows.append(.init(measurement, uses: product.uses))
            }
            if showsProgress { Console.write("\r\u{1B}[K") }
            let environment = EnvironmentRecord(threads: pool.threads, dataDigests: [:], date: Date())
            let record = GEMMRecord(
                blas: environment.blas, machine: environment.processor, threads: pool.threads, rows: rows)
            if let json { try record.write(to: URL(fileURLWithPath: json)) }
            let ratios = rows.map { $0.gflopsAll / $0.gflopsOne }.sorted()
            common.warnOfBusyCores(scaling: ratios[ratios.count / 2], threads: pool.threads)
            print(GEMMTable.text(record), terminator: "")
        }

        private var showsProgress: Bool { Console.isTerminal && !common.quiet }

        private func show(_ text: String) {
            if showsProgress { Console.write("\r\u{1B}[K" + text) }
        }

        /// Returns each shape once, with everything it is used for.
        private func products(
            _ loaded: (Experiment, ResolvedGraph)?, _ pool: WorkerPool
        ) -> [(shape: GEMMShape, uses: [String])] {
            var found: [(GEMMShape, String)]
            if case var (experiment, graph)? = loaded {
                tuning.settle(&experiment, &graph, pool: pool, common)
                let training = experiment.training
                found = graph.products(batchSize: training.batchSize, shards: training.shards)
                    .map { ($0.shape, "\($0.layer) \($0.role.words)") }
            } else {
                found = GEMMSweep.shapes(quick: quick).map { ($0.shape, $0.use) }
            }
            var order: [GEMMShape] = []
            var uses: [GEMMShape: [String]] = [:]
            for (shape, use) in found {
                if uses[shape] == nil { order.append(shape) }
                uses[shape, default: []].append(use)
            }
            return order.map { ($0, uses[$0] ?? []) }
        }
    }

    struct Compare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare saved results: rates, ratios to the first, and numerical differences.")

        @Argument(help: "Files written by trainer gemm --json; the first is the reference.")
        var files: [String]

        func run() throws {
            let records = try files.map { GEMMComparison.File(path: $0, record: try GEMMRecord.load(path: $0)) }
            print(GEMMTable.text(try GEMMComparison(records)), terminator: "")
        }
    }
}

extension LayerProduct.Role {
    fileprivate var words: String {
        switch self {
        case .forward: "forward"
        case .weightGradient: "weight gradient"
        case .inputGradient: "input gradient"
        }
    }
}
