import Foundation
import LinearAlgebra

/// `environment.json`: what a run ran on, enough to judge and repeat it.
package struct EnvironmentRecord: Hashable, Sendable, Codable {
    package struct Processor: Hashable, Sendable, Codable {
        package var model: String
        /// Logical cores of the machine.
        package var cores: Int
        /// Vector extensions and the like (`avx2`, `avx512f`).
        package var features: [String]

        package init(model: String, cores: Int, features: [String]) {
            self.model = model
            self.cores = cores
            self.features = features
        }
    }

    package struct BLAS: Hashable, Sendable, Codable {
        /// `openblas`, `blis`, `netlib`…
        package var backend: String
        /// As the library says itself; nil where it cannot.
        package var version: String?
        /// The kernel it chose (`SkylakeX`); nil where it cannot say.
        package var core: String?

        package init(backend: String, version: String?, core: String?) {
            self.backend = backend
            self.version = version
            self.core = core
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(backend, forKey: .backend)
            try container.encode(version, forKey: .version)
            try container.encode(core, forKey: .core)
        }
    }

    /// A process that went on with the run after the first.
    package struct Resumption: Hashable, Sendable, Codable {
        package var date: Date
        /// Where it went on: the epoch under way, from 1, and its steps done.
        package var epoch: Int
        package var step: Int
        package var threads: Int
        /// Processes; nil where MPI is not in the build.
        package var ranks: Int?
        package var commandLine: [String]

        package init(
            date: Date, epoch: Int, step: Int, threads: Int, ranks: Int? = nil, commandLine: [String]
        ) {
            self.date = date
            self.epoch = epoch
            self.step = step
            self.threads = threads
            self.ranks = ranks
            self.commandLine = commandLine
        }
    }

    /// The processes that trained together.
    package struct RankList: Hashable, Sendable, Codable {
        package var count: Int
        /// Of each rank, in their order.
        package var hosts: [String]
        /// Of MPI, as the library says itself: `Open MPI v4.1.4`.
        package var library: String

        package init(count: Int, hosts: [String], library: String) {
            self.count = count
            self.hosts = hosts
            self.library = library
        }
    }

    package var numeralVersion: String
    package var swiftVersion: String
    package var operatingSystem: String
    package var processor: Processor
    package var blas: BLAS
    /// Workers of the run; of rank 0 where there are several.
    package var threads: Int
    /// Nil where MPI is not in the build.
    package var ranks: RankList?
    /// Of the source the binary was built from; nil where unknown.
    package var commit: String?
    /// SHA-256 in hexadecimal by file name.
    package var dataDigests: [String: String]
    /// Arguments, the command's own name first.
    package var commandLine: [String]
    /// When the run began; ISO 8601 in the file.
    package var date: Date
    /// In order; empty for a run in one piece.
    package var resumptions: [Resumption] = []

    package init(
        numeralVersion: String, swiftVersion: String, operatingSystem: String, processor: Processor, blas: BLAS,
        threads: Int, ranks: RankList? = nil, commit: String?, dataDigests: [String: String], commandLine: [String],
        date: Date
    ) {
        self.numeralVersion = numeralVersion
        self.swiftVersion = swiftVersion
        self.operatingSystem = operatingSystem
        self.processor = processor
        self.blas = blas
        self.threads = threads
        self.ranks = ranks
        self.commit = commit
        self.dataDigests = dataDigests
        self.commandLine = commandLine
        self.date = date
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(numeralVersion, forKey: .numeralVersion)
        try container.encode(swiftVersion, forKey: .swiftVersion)
        try container.encode(operatingSystem, forKey: .operatingSystem)
        try container.encode(processor, forKey: .processor)
        try container.encode(blas, forKey: .blas)
        try container.encode(threads, forKey: .threads)
        try container.encode(ranks, forKey: .ranks)
        try container.encode(commit, forKey: .commit)
        try container.encode(dataDigests, forKey: .dataDigests)
        try container.encode(commandLine, forKey: .commandLine)
        try container.encode(date, forKey: .date)
        try container.encode(resumptions, forKey: .resumptions)
    }
}
