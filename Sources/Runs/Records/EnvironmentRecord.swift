import Foundation
import LinearAlgebra

/// `environment.json`: the environment of a run, in enough detail to judge and repeat it.
package struct EnvironmentRecord: Hashable, Sendable, Codable {
    package struct Processor: Hashable, Sendable, Codable {
        package var model: String
        /// Logical cores of the machine.
        package var cores: Int
        /// Instruction set extensions, such as `avx2` and `avx512f`.
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
        /// The version that the library reports; nil if it reports none.
        package var version: String?
        /// The kernel that the library chose (`SkylakeX`); nil if it reports none.
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

    /// A later process that resumed the run.
    package struct Resumption: Hashable, Sendable, Codable {
        package var date: Date
        /// The point of resumption: the epoch in progress, from 1, and the number of its steps already done.
        package var epoch: Int
        package var step: Int
        package var threads: Int
        /// The number of processes; nil if the build does not include MPI.
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
        /// The host of each rank, in rank order.
        package var hosts: [String]
        /// The MPI library, as it reports itself: `Open MPI v4.1.4`.
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
    /// The number of worker threads; that of rank 0 if there are several ranks.
    package var threads: Int
    /// The processes; nil if the build does not include MPI.
    package var ranks: RankList?
    /// The commit of the source that the binary was built from; nil if unknown.
    package var commit: String?
    /// SHA-256 digests in hexadecimal, by file name.
    package var dataDigests: [String: String]
    /// The arguments, starting with the command's own name.
    package var commandLine: [String]
    /// The start of the run; ISO 8601 in the file.
    package var date: Date
    /// In order; empty for a run that was never resumed.
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
