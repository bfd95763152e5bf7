import Foundation
import Tensors

/// An event while a data set is looked for and loaded.
package enum DatasetEvent: Sendable, Equatable {
    /// A note for the user, such as that the sample replaces the full set.
    case note(String)
    /// The number of pictures read so far and in total.
    case reading(done: Int, total: Int)
    /// The bytes of `file` received so far, and of the whole file if the server reports its size.
    case download(file: String, received: Int, total: Int?)
}

/// A handler of events, called on the loading thread or on one of the network's.
package typealias DatasetProgress = @Sendable (DatasetEvent) -> Void

/// The timeouts and retries of a download.
package struct DownloadSettings: Sendable, Hashable {
    /// Seconds within which a first server must answer, for all mirrors together: without a network, a download fails
    /// this fast.
    package var reachSeconds = 4.0
    /// Seconds for a server to answer once another has.
    package var responseSeconds = 15.0
    /// Seconds to wait for the next byte in the middle of a file.
    package var idleSeconds = 20.0
    /// How often an interrupted transfer that made progress is resumed at one mirror.
    package var resumptions = 3

    package init() {}
}

/// The places where data sets are looked for, in order.
package struct DatasetLocations: Sendable {
    /// The folder named by the environment variable `NUMERAL_DATA`.
    package var environmentDirectory: String?
    /// The folder for downloads.
    package var cacheDirectory: String
    /// The folders of system packages, in which each data set has a folder of its own.
    package var systemDirectories: [String]
    package var download: DownloadSettings
    /// Whether missing files are downloaded.
    package var allowsDownload: Bool
    /// Records that replace the catalogue's (other mirrors, other digests).
    package var records: [DatasetName: DatasetRecord]

    package init(
        environmentDirectory: String?, cacheDirectory: String, systemDirectories: [String],
        download: DownloadSettings = DownloadSettings(), allowsDownload: Bool = true,
        records: [DatasetName: DatasetRecord] = [:]
    ) {
        self.environmentDirectory = environmentDirectory
        self.cacheDirectory = cacheDirectory
        self.systemDirectories = systemDirectories
        self.download = download
        self.allowsDownload = allowsDownload
        self.records = records
    }

    /// Creates the locations that `environment` describes: `NUMERAL_DATA`, the cache at `$XDG_CACHE_HOME/numeral` or
    /// `~/.cache/numeral`, and `/usr/share/datasets` (Debian's `dataset-fashion-mnist`) and
    /// `/usr/local/share/datasets`.
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME") ?? NSHomeDirectory()
        let cache = value("XDG_CACHE_HOME") ?? joined(home, ".cache")
        self.init(
            environmentDirectory: value("NUMERAL_DATA"), cacheDirectory: joined(cache, "numeral"),
            systemDirectories: ["/usr/share/datasets", "/usr/local/share/datasets"])
    }

    /// Returns the record of `name`.
    package func record(_ name: DatasetName) -> DatasetRecord { records[name] ?? DatasetCatalog.record(name) }
}

/// Returns the path of `name` in `directory`.
func joined(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
}
