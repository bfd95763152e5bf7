import Foundation
import Numeral

extension EnvironmentRecord {
    /// What this process runs on.
    init(threads: Int, dataDigests: [String: String], date: Date) {
        self.init(
            numeralVersion: Numeral.version, swiftVersion: Numeral.swiftVersion,
            operatingSystem: ProcessInfo.processInfo.operatingSystemVersionString,
            processor: Processor(
                model: Machine.processorName, cores: Machine.cores, features: Machine.vectorFeatures),
            blas: BLAS(backend: BLASVendor.backend, version: BLASVendor.version, core: BLASVendor.core),
            threads: threads, commit: Self.sourceCommit, dataDigests: dataDigests,
            commandLine: CommandLine.arguments, date: date)
    }

    /// The commit checked out in the repository that this program was built in, where it still lies there.
    private static var sourceCommit: String? {
        var folder = URL(fileURLWithPath: Bundle.main.executablePath ?? "/").deletingLastPathComponent()
        while folder.path != "/" {
            let git = folder.appendingPathComponent(".git")
            if let head = text(git.appendingPathComponent("HEAD")) {
                guard head.hasPrefix("ref: ") else { return head }
                let name = String(head.dropFirst(5))
                if let commit = text(git.appendingPathComponent(name)) { return commit }
                let packed = text(git.appendingPathComponent("packed-refs")) ?? ""
                return packed.split(separator: "\n").first { $0.hasSuffix(" " + name) }
                    .map { String($0.prefix { $0 != " " }) }
            }
            folder.deleteLastPathComponent()
        }
        return nil
    }

    private static func text(_ url: URL) -> String? {
        (try? String(contentsOf: url, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
