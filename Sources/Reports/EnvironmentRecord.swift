import Foundation

/// `environment.json`: what a run ran on, enough to judge and repeat it.
public struct EnvironmentRecord: Hashable, Sendable, Codable {
    public struct Processor: Hashable, Sendable, Codable {
        public var model: String
        /// Logical cores of the machine.
        public var cores: Int
        /// Vector extensions and the like (`avx2`, `avx512f`).
        public var features: [String]

        public init(model: String, cores: Int, features: [String]) {
            self.model = model
            self.cores = cores
            self.features = features
        }
    }

    public struct BLAS: Hashable, Sendable, Codable {
        /// `openblas`, `blis`, `netlib`…
        public var backend: String
        /// As the library says itself; nil where it cannot.
        public var version: String?
        /// The kernel it chose (`SkylakeX`); nil where it cannot say.
        public var core: String?

        public init(backend: String, version: String?, core: String?) {
            self.backend = backend
            self.version = version
            self.core = core
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(backend, forKey: .backend)
            try container.encode(version, forKey: .version)
            try container.encode(core, forKey: .core)
        }
    }

    /// A process that went on with the run after the first.
    public struct Resumption: Hashable, Sendable, Codable {
        public var date: Date
        /// Where it went on: the epoch under way, from 1, and its steps done.
        public var epoch: Int
        public var step: Int
        public var threads: Int
        public var commandLine: [String]

        public init(date: Date, epoch: Int, step: Int, threads: Int, commandLine: [String]) {
            self.date = date
            self.epoch = epoch
            self.step = step
            self.threads = threads
            self.commandLine = commandLine
        }
    }

    public var numeralVersion: String
    public var swiftVersion: String
    public var operatingSystem: String
    public var processor: Processor
    public var blas: BLAS
    /// Workers of the run.
    public var threads: Int
    /// Of the source the binary was built from; nil where unknown.
    public var commit: String?
    /// SHA-256 in hexadecimal by file name.
    public var dataDigests: [String: String]
    /// Arguments, the command's own name first.
    public var commandLine: [String]
    /// When the run began; ISO 8601 in the file.
    public var date: Date
    /// In order; empty for a run in one piece.
    public var resumptions: [Resumption] = []

    public init(
        numeralVersion: String, swiftVersion: String, operatingSystem: String, processor: Processor, blas: BLAS,
        threads: Int, commit: String?, dataDigests: [String: String], commandLine: [String], date: Date
    ) {
        self.numeralVersion = numeralVersion
        self.swiftVersion = swiftVersion
        self.operatingSystem = operatingSystem
        self.processor = processor
        self.blas = blas
        self.threads = threads
        self.commit = commit
        self.dataDigests = dataDigests
        self.commandLine = commandLine
        self.date = date
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(numeralVersion, forKey: .numeralVersion)
        try container.encode(swiftVersion, forKey: .swiftVersion)
        try container.encode(operatingSystem, forKey: .operatingSystem)
        try container.encode(processor, forKey: .processor)
        try container.encode(blas, forKey: .blas)
        try container.encode(threads, forKey: .threads)
        try container.encode(commit, forKey: .commit)
        try container.encode(dataDigests, forKey: .dataDigests)
        try container.encode(commandLine, forKey: .commandLine)
        try container.encode(date, forKey: .date)
        try container.encode(resumptions, forKey: .resumptions)
    }
}
