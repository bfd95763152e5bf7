import Foundation
import LinearAlgebra
import Numeral
import Runs
import Workers

extension EnvironmentRecord {
    /// Creates a record of this process's environment.
    init(threads: Int, ranks: Ranks? = nil, dataDigests: [String: String], date: Date) {
        let binary = URL(fileURLWithPath: Bundle.main.executablePath ?? "/").deletingLastPathComponent()
        self.init(
            numeralVersion: Numeral.version, swiftVersion: Numeral.swiftVersion,
            operatingSystem: ProcessInfo.processInfo.operatingSystemVersionString,
            processor: Processor(
                model: Machine.processorName, cores: Machine.cores, features: Machine.vectorFeatures),
            blas: BLAS(backend: BLASVendor.backend, version: BLASVendor.version, core: BLASVendor.core),
            threads: threads,
            ranks: ranks.flatMap { ranks in
                ranks.library.map { RankList(count: ranks.count, hosts: ranks.members.map(\.host), library: $0) }
            },
            commit: SourceCommit.find(above: binary), dataDigests: dataDigests,
            commandLine: CommandLine.arguments, date: date)
    }
}

/// The facts that determine the results of a run bit by bit, apart from its configuration and data. They include
/// neither the number of threads nor the size of the machine.
enum EngineIdentity {
    /// - Parameter graph: the graph whose lowerings are included; nil for none.
    static func current(_ graph: ResolvedGraph?) -> [String: String] {
        var facts = [
            "Numeral": Numeral.version, "BLAS": BLASVendor.backend,
            "BLAS version": BLASVendor.version ?? "unknown", "BLAS core": BLASVendor.core ?? "unknown",
            "vector features": Machine.vectorFeatures.joined(separator: " "),
        ]
        for node in graph?.nodes ?? [] where !node.lowering.isEmpty {
            facts["lowering of \(node.name)"] = node.lowering
        }
        return facts
    }
}
