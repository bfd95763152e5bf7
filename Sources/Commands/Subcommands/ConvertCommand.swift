import ArgumentParser
import Formats
import Foundation
import Numeral
import Recognition
import Tensors

extension DatasetsCommand {
    /// `trainer datasets convert`: converts between folders of pictures, CSV and IDX.
    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Convert a folder of pictures or a CSV file to IDX files or shards to train on, or IDX files back to either.",
            discussion: """
                SOURCE is a folder with a folder of pictures for each class (in train and test, or alone), a CSV file (label, \
                pixels), a folder of IDX files named like MNIST's, or an IDX file of images with --labels. IDX stores light \
                ink on black, as MNIST does, but any pictures can be trained on. Nothing is written unless the whole source is \
                valid. With --shards, pictures are written one after the other and need not fit in memory, neither here nor \
                in training.
                """)

        enum Target: String, CaseIterable, ExpressibleByArgument { case idx, png, csv }

        @Option(help: "idx, png or csv; default: idx, or png if the source is IDX.")
        var to: Target?

        @Option(help: "A CSV file of test images.")
        var test: String?

        @Option(
            help: ArgumentHelp(
                "The label column of a CSV file: its name, or its number from 1; default: found by name or content.",
                valueName: "column"))
        var label: String?

        @Option(help: "The IDX file of labels, if the source is an IDX file of images.")
        var labels: String?

        @Option(
            help: ArgumentHelp(
                "If the source has no test half: the fraction of each class to use as one, in [0, 1); default: 0.1, for IDX 0.",
                valueName: "fraction"))
        var testFraction: Double?

        @Option(
            help: ArgumentHelp(
                "The size to which pictures are resampled, or the layout of a CSV file's pixels.",
                valueName: "WIDTHxHEIGHT"))
        var size: String?

        @Flag(
            help:
                "Find each picture's ink, then crop, scale and centre it as MNIST's digits were; 28×28 unless --size is given."
        )
        var prepare = false

        @Flag(help: "The rows and columns of IDX images are swapped, as in EMNIST's files.")
        var transposed = false

        @Flag(help: "Invert light and dark.")
        var invert = false

        @Flag(help: "Compress IDX files.")
        var gzip = false

        @Flag(help: "Keep the colours of pictures, or read three values for each pixel of a CSV file.")
        var colour = false

        @Flag(help: "Write shards: IDX files of a limited size, whose images training reads when it needs them.")
        var shards = false

        @Option(help: ArgumentHelp("The size of a shard; default: 128.", valueName: "MiB"))
        var shardSize: Int?

        @Flag(name: .shortAndLong, help: "Print only results and errors, no progress.")
        var quiet = false

        @Argument(help: "What to convert.") var source: String
        @Argument(help: "The folder to create.") var output: String

        func validate() throws {
            if let testFraction, !(testFraction >= 0 && testFraction < 1) {
                throw ValidationError("--test-fraction: expected a number in [0, 1) · received \(testFraction)")
            }
            if shards, to != nil || gzip {
                throw ValidationError("--shards: expected no --to and no --gzip beside it: shards are plain IDX files")
            }
            if let shardSize, !shards || !(1...4096).contains(shardSize) {
                throw ValidationError(
                    "--shard-size: expected 1…4096 MiB, and --shards beside it · received \(shardSize)")
            }
            if colour, prepare {
                throw ValidationError("--colour: expected no --prepare beside it: ink has no colour")
            }
        }

        func run() throws {
            do {
                try convert()
            } catch let problems as ConversionProblems {
                Console.message(
                    problems.description.split(separator: "\n").map { "trainer: " + $0 }.joined(separator: "\n"))
                throw ExitCode(2)
            }
        }

        private func convert() throws {
            if shards { return try writeShards() }
            let kind = try kind(), read = try data(kind), data = try withTest(read, kind)
            let target = to ?? (kind == .idx ? .png : .idx)
            if gzip, target != .idx {
                throw InputError("--gzip", expected: "IDX files to write", received: "--to \(target.rawValue)")
            }
            switch target {
            case .png: try ImageFolder.write(data, to: output) { show("Writing", $0, $1) }
            case .csv: try ImageCSV.write(data, to: output)
            case .idx:
                let section = try ConversionFiles.writeIDX(data, to: output, gzip: gzip)
                if data.test != nil { print(section) }
            }
            if !quiet { ProgressLine.clear() }
            let set = data.train
            Console.message(
                "\(output): \(Console.grouped(set.count)) training"
                    + (data.validation.map { ", \(Console.grouped($0.count)) validation" } ?? "")
                    + " and \(Console.grouped(data.test?.count ?? 0)) test images, "
                    + "\(set.width)×\(set.height), \(set.classCount) classes"
                    + (read.test == nil && data.test != nil
                        ? "; the test images were drawn from all, evenly by class" : ""))
        }

        /// What the source is.
        private enum Kind: String {
            case idx = "IDX files"
            case pictures = "a folder of pictures"
            case table = "a CSV file"
        }

        /// Returns what the source is.
        /// - Throws: An `InputError` if it is nothing, or does not have one of the options.
        private func kind() throws(InputError) -> Kind {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
                throw InputError(source, expected: "a folder, a CSV file or IDX files", received: "nothing there")
            }
            let isIDX = labels != nil || (isFolder.boolValue && ConversionFiles.isIDX(source))
            let kind: Kind = isIDX ? .idx : isFolder.boolValue ? .pictures : .table
            let options: [(name: String, isGiven: Bool, kinds: [Kind])] = [
                ("--label", label != nil, [.table]), ("--test", test != nil, [.table]),
                ("--size", size != nil, [.pictures, .table]), ("--colour", colour, [.pictures, .table]),
                ("--prepare", prepare, [.pictures]), ("--transposed", transposed, [.idx]),
            ]
            for option in options where option.isGiven && !option.kinds.contains(kind) {
                throw InputError(
                    option.name, expected: option.kinds.map(\.rawValue).joined(separator: " or ") + " to convert",
                    received: kind.rawValue)
            }
            return kind
        }

        /// Returns the fraction of each class to hold out for testing if the source has no test half.
        private func share(_ kind: Kind) -> Double { testFraction ?? (kind == .idx ? 0 : 0.1) }

        private func withTest(_ data: ConvertedData, _ kind: Kind) throws(InputError) -> ConvertedData {
            try check(hasTest: data.test != nil)
            return data.withTest(fraction: share(kind))
        }

        /// Refuses a fraction for the test half if the source has that half.
        private func check(hasTest: Bool) throws(InputError) {
            guard hasTest, let testFraction else { return }
            throw InputError(
                "--test-fraction", expected: "a source without a test half", received: "\(testFraction) for one with it"
            )
        }

        private func data(_ kind: Kind) throws -> ConvertedData {
            let data: ConvertedData
            switch kind {
            case .idx:
                if let labels {
                    data = ConvertedData(
                        train: try ConversionFiles.readIDX(
                            images: source, labels: labels, classNames: nil, transposed: transposed))
                } else if let read = try ConversionFiles.readIDX(source, transposed: transposed) {
                    data = read
                } else {
                    throw InputError(source, expected: "IDX files named like MNIST's", received: "none")
                }
            case .pictures:
                return try ImageFolder.read(
                    source, fitting: try fitting(), isColour: colour, inverted: invert, note: note
                ) { show("Reading", $0, $1) }
            case .table:
                let options = ImageCSV.Options(labelColumn: label, size: try extents(), channels: colour ? 3 : 1)
                let train = try ImageCSV.read(source, options, note: note)
                let half = try test.map { try ImageCSV.read($0, options, as: train, note: note) }
                data = ConvertedData(train: train, test: half)
            }
            return invert ? data.inverted : data
        }

        /// Writes shards: from pictures one after the other, from other sources by way of memory.
        private func writeShards() throws {
            let kind = try kind(), writer = try ShardWriter(output, shardBytes: (shardSize ?? 128) << 20)
            if kind == .pictures {
                let layout = try FolderLayout(source)
                for text in layout.notes { note(text) }
                try check(hasTest: layout.files.contains { $0.split == .test })
                try writer.write(
                    layout, fitting: try fitting(), isColour: colour, inverted: invert,
                    testFraction: share(kind), note: note
                ) { show("Writing", $0, $1) }
            } else {
                try writer.write(try withTest(data(kind), kind))
            }
            if !quiet { ProgressLine.clear() }
            Console.message("\(output): \(writer.summary)")
        }

        /// Returns how a picture becomes an image.
        private func fitting() throws(InputError) -> ImageFolder.Fitting {
            switch (prepare, try extents()) {
            case (true, let size): .prepared(width: size?.width ?? 28, height: size?.height ?? 28)
            case (false, let size?): .resized(width: size.width, height: size.height)
            case (false, nil): .asIs
            }
        }

        private func note(_ text: String) { Console.message("Note: \(printable(text))") }

        private func extents() throws(InputError) -> (width: Int, height: Int)? {
            guard let size else { return nil }
            let parts = size.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let width = parts[0], let height = parts[1],
                (1...IDX.largestExtent).contains(width),
                (1...IDX.largestExtent).contains(height)
            else {
                throw InputError(
                    "--size", expected: "WIDTHxHEIGHT, each in 1…\(IDX.largestExtent), as 28x28", received: size)
            }
            return (width, height)
        }

        private func show(_ what: String, _ done: Int, _ total: Int) {
            guard !quiet, Console.isTerminal, done % 100 == 0 else { return }
            ProgressLine(
                head: what, fraction: Double(done) / Double(max(total, 1)),
                parts: [.init(text: "\(Console.grouped(done)) of \(Console.grouped(total))", rank: 0)]
            ).draw()
        }
    }
}
