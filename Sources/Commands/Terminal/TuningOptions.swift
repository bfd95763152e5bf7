import ArgumentParser
import Foundation
import Numeral
import Workers

/// Options for choosing a network's lowerings before it runs.
struct TuningOptions: ParsableArguments {
    @Flag(help: "Time the lowerings again instead of reusing the timings of earlier runs on this machine.")
    var retune = false

    /// Times the lowerings that the configuration leaves open, and writes the choices into it.
    /// - Parameter pool: the worker pool; its existence implies that the BLAS has passed the self-test.
    @discardableResult
    func settle(
        _ experiment: inout Experiment, _ graph: inout ResolvedGraph, pool: WorkerPool, _ common: CommonOptions
    ) -> [LoweringDecision] {
        let folder = DatasetLocations().cacheDirectory
        let cache = LoweringCache(folder: URL(fileURLWithPath: folder, isDirectory: true))
        let start = MonotonicClock.nanoseconds()
        let (settled, decisions) = cache.tuned(
            graph, batchSize: experiment.training.batchSize, shards: experiment.training.shards, anew: retune
        ) { Console.message("Note: \($0)") }
        let timed = decisions.filter { !$0.wasKnown }.count
        if timed > 0 {
            let seconds = Double(MonotonicClock.nanoseconds() - start) * 1e-9
            common.say("Chose \(timed) lowering\(timed == 1 ? "" : "s") by timing in \(Console.fixed(seconds, 2)) s")
        }
        graph = settled
        experiment.model = settled.graph
        return decisions
    }
}
