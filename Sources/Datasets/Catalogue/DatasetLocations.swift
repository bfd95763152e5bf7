import Foundation
import Tensors

/// What happens while a data set is looked for.
package enum DatasetEvent: Sendable, Equatable {
    /// Something the user should know, such as that the sample stands in for the full set.
    case note(String)
    /// Pictures that have been read, of all.
    case reading(done: Int, total: Int)
    /// Bytes of `file` that have come, of `total` where the server says it.
    case download(file: String, received: Int, total: Int?)
}

/// Told of what happens, on the thread that loads or on one of the network's.
package typealias DatasetProgress = @Sendable (DatasetEvent) -> Void

/// How patient a download is.
package struct DownloadSettings: Sendable, Hashable {
    /// Until any server has answered, seconds for all mirrors together: without a network it fails this fast.
    package var reachSeconds = 4.0
    /// For a server to answer once another has, seconds.
    package var responseSeconds = 15.0
    /// Without a byte in the middle of a file, seconds.
    package var idleSeconds = 20.0
    /// How often a broken transfer that made headway is resumed at one mirror.
    package var resumptions = 3

    package init() {}
}

/// Where data sets are looked for, in order.
package struct DatasetLocations: Sendable {
    /// Named by the environment variable `NUMERAL_DATA`.
    package var environmentDirectory: String?
    /// Where downloads are kept.
    package var cacheDirectory: String
    /// Where the system's packages put them; only in folders of their own.
    package var systemDirectories: [String]
    package var download: DownloadSettings
    /// Whether absent files are fetched.
    package var allowsDownload: Bool
    /// Records used in place of the catalogue's (other mirrors, other digests).
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

    /// As `environment` says: `NUMERAL_DATA`, the cache at `$XDG_CACHE_HOME/numeral` or `~/.cache/numeral`, and
    /// `/usr/share/datasets` (Debian's `dataset-fashion-mnist`).
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME") ?? NSHomeDirectory()
        let cache = value("XDG_CACHE_HOME") ?? joined(home, ".cache")
        self.init(
            environmentDirectory: value("NUMERAL_DATA"), cacheDirectory: joined(cache, "numeral"),
            systemDirectories: ["/usr/share/datasets", "/usr/local/share/datasets"])
    }

    /// What is known of `name`.
    package func record(_ name: DatasetName) -> DatasetRecord { records[name] ?? DatasetCatalog.record(name) }
}

/// `name` in `directory`.
func joined(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
}
