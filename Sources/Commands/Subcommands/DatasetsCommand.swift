import ArgumentParser
import Numeral

/// `trainer datasets`: lists, fetches, checks and converts data sets.
struct DatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "datasets", abstract: "List, fetch, verify and convert data sets.",
        subcommands: [List.self, Fetch.self, Verify.self, Convert.self], defaultSubcommand: List.self)

    static func name(_ text: String) throws -> DatasetName {
        guard let name = DatasetName(rawValue: text) else {
            throw InputError(
                "data set", expected: "one of \(DatasetName.allCases.map(\.rawValue).joined(separator: ", "))",
                received: text)
        }
        return name
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List names, sizes, licences, and where the data sets are.")
        @Option(help: "The folder to look in.") var data: String?
        @Flag(help: "List each file with its published size and its digests.") var digests = false

        func run() throws {
            if digests { return try printDigests() }
            var rows = [["name", "classes", "train", "test", "download", "found in", "licence"]]
            for status in try DatasetLoader.list(directory: data) {
                let record = status.record
                rows.append([
                    record.name, "\(record.classCount)", Console.grouped(record.trainCount),
                    Console.grouped(record.testCount), record.downloadBytes.map { Console.size($0) } ?? "–",
                    status.directory ?? (status.hasSample ? "(sample only)" : "–"), record.licence,
                ])
            }
            print(Console.table(rows, left: [0, 5, 6]))
        }

        /// Prints the SHA-256 of each unpacked file and, of the file as published, the SHA-256 or, if that is unknown,
        /// the MD5.
        private func printDigests() throws {
            var rows = [["name", "file", "bytes", "unpacked", "as published"]]
            for record in try DatasetLoader.list(directory: data).map(\.record) {
                let files = DatasetRole.allCases.compactMap { record.files[$0] } + (record.archive.map { [$0] } ?? [])
                rows += files.map { file in
                    [
                        record.name, file.publishedName, file.publishedBytes.map { Console.grouped($0) } ?? "–",
                        file.sha256.map { "sha256:" + $0 } ?? "–",
                        file.publishedSHA256.map { "sha256:" + $0 } ?? file.publishedMD5.map { "md5:" + $0 } ?? "–",
                    ]
                }
            }
            print(Console.table(rows, left: [0, 1, 3, 4]))
        }
    }

    struct Fetch: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Download a data set, unless it is already here.")
        @Argument(help: "The data set's name.") var name: String

        func run() throws {
            print(try DatasetLoader.fetch(DatasetsCommand.name(name)) { DownloadDisplay.show($0, quiet: false) })
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Verify every file of a data set by its digest.")
        @Argument(help: "The data set's name.") var name: String
        @Option(help: "The folder to look in.") var data: String?

        func run() throws {
            var sound = true
            for row in try DatasetLoader.verify(DatasetsCommand.name(name), directory: data) {
                sound = sound && row.isVerified
                print("\(row.isVerified ? "ok      " : "WRONG   ")\(row.place)  \(row.sha256)")
                if !row.problem.isEmpty { print("        \(row.problem)") }
            }
            if !sound { throw ExitCode(2) }
        }
    }
}
