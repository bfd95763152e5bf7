import Foundation
import Pictures
import Tensors
import TestSupport
import Testing

@testable import Datasets
@testable import Formats

/// Pictures and tables of one's own, by the folder or file that was named.
@Suite struct OwnDataTests {
    private func write(_ image: GreyImage, to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(Array("P5 \(image.width) \(image.height) 255\n".utf8) + image.pixels).write(
            to: URL(fileURLWithPath: path))
    }

    private func plain(_ level: UInt8) -> GreyImage {
        GreyImage(width: 4, height: 4, pixels: [UInt8](repeating: level, count: 16))
    }

    private func locations(_ folder: String) -> DatasetLocations {
        DatasetLocations(
            environmentDirectory: nil, cacheDirectory: folder + "/cache", systemDirectories: [], allowsDownload: false)
    }

    private func load(
        _ path: String, in folder: String, prepare: Bool = false, _ change: (inout DataOptions) -> Void = { _ in }
    ) throws -> LoadedData {
        var options = DataOptions()
        (options.directory, options.prepare) = (path, prepare)
        change(&options)
        return try DatasetLoader.load(options, seed: 1, locations: locations(folder))
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        try withExtendedLifetime(folder) { try body(folder.path) }
    }

    @Test(arguments: [("train", "val", "test"), ("Training", "valid", "Testing"), ("TRAIN", "validation", "test")])
    func splitsByAnyOfTheirNames(train: String, validation: String, test: String) throws {
        try withFolder { folder in
            for (split, count) in [(train, 3), (validation, 2), (test, 1)] {
                for (name, level) in [("cat", UInt8(10)), ("dog", 20)] {
                    for index in 0..<count {
                        try write(plain(level + UInt8(index)), to: "\(folder)/set/\(split)/\(name)/\(index).pgm")
                    }
                }
            }
            let data = try load(folder + "/set", in: folder)
            #expect(data.dataset == "pictures" && data.train.classNames == ["cat", "dog"])
            #expect(data.train.labels == [0, 0, 0, 1, 1, 1] && data.validation.labels == [0, 0, 1, 1])
            #expect(data.validation.images[0] == 10 && data.validation.images[48] == 21)
            let half = try data.loadTest()
            #expect(half.images.labels == [0, 1] && half.images.classNames == ["cat", "dog"])
            #expect(data.digests.count == 4 && half.digests.count == 2)
        }
    }

    @Test func whatOthersLeaveIsPassedOverAndGapsAreNamed() throws {
        try withFolder { folder in
            for index in 0..<4 { try write(plain(9), to: "\(folder)/set/train/a/\(index).pgm") }
            try write(plain(9), to: "\(folder)/set/train/b/0.pgm")
            try write(plain(9), to: "\(folder)/set/test/a/0.pgm")
            for name in ["train/c", "__MACOSX", "train/.ipynb_checkpoints"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/set/\(name)", withIntermediateDirectories: true)
            }
            for name in ["train/a/Thumbs.db", "train/a/.DS_Store", "desktop.ini", "train/list.txt"] {
                try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/set/\(name)"))
            }
            let data = try load(folder + "/set", in: folder)
            #expect(data.train.classNames == ["a", "b", "c"])
            let notes = data.notes.map { $0.replacing(folder + "/", with: "") }
            for note in [
                "set: passed over __MACOSX, desktop.ini", "set/train: passed over .ipynb_checkpoints",
                "set/train: passed over list.txt, beside the folders", "set/train/a: passed over .DS_Store, Thumbs.db",
                "set/train: no picture in c", "set/test: no folder b, c",
            ] { #expect(notes.contains(note), "\(note) in \(notes)") }
        }
    }

    @Test func twoFoldersForOneSplitAreRefused() throws {
        try withFolder { folder in
            for split in ["train", "Training"] { try write(plain(9), to: "\(folder)/set/\(split)/a/0.pgm") }
            let error = #expect(throws: InputError.self) { try load(folder + "/set", in: folder) }
            #expect(error?.received == "train and Training" || error?.received == "Training and train")
        }
    }

    @Test func aHalfIsPutAsideBySeedAndClass() throws {
        try withFolder { folder in
            for name in ["a", "b"] {
                for index in 0..<20 { try write(plain(UInt8(index)), to: "\(folder)/set/\(name)/\(index).pgm") }
            }
            let data = try load(folder + "/set", in: folder) { ($0.testFraction, $0.validationFraction) = (0.2, 0.25) }
            let test = try data.loadTest().images
            #expect(
                test.classSizes == [4, 4] && data.validation.classSizes == [4, 4] && data.train.classSizes == [12, 12])
            let seen = [data.train, data.validation, test].flatMap { set in
                (0..<set.count).map { [set.labels[$0], set.images[16 * $0]] }
            }
            #expect(Set(seen).count == 40)
            #expect(data.notes.contains { $0.contains("8 of 40 images were put aside") })
            let all = try load(folder + "/set", in: folder) { $0.isAllTest = true }
            #expect(try all.loadTest().images.count == 40)
        }
    }

    /// All of the images, for parts of a cross-validation and an audit, whether or not there is a test half.
    @Test func dataWithoutATestHalfCanBeTakenWhole() throws {
        try withFolder { folder in
            for name in ["a", "b"] {
                for index in 0..<20 { try write(plain(UInt8(index)), to: "\(folder)/set/\(name)/\(index).pgm") }
            }
            var options = DataOptions()
            (options.directory, options.prepare) = (folder + "/set", false)
            let whole = try DatasetLoader.loadWhole(options, seed: 1, locations: locations(folder))
            #expect(whole.train.count == 40 && whole.validation.count == 0)
            #expect(try whole.loadTest().images.count == 0)
            options.fold = .init(2, of: 5)
            let part = try DatasetLoader.load(options, seed: 1, locations: locations(folder))
            #expect(try part.loadTest().images.count == 8)
        }
    }

    /// A table is one part, by a word of its name.
    @Test func aTableIsOnePart() throws {
        func kind(_ names: [String]) throws -> OwnData.Kind? {
            let folder = try TemporaryFolder()
            for name in names { try folder.write(Array("label,a\n".utf8), name) }
            func base(_ path: String?) -> String? { path.map { ($0 as NSString).lastPathComponent } }
            guard case .tables(let train, let validation, let test) = try OwnData.find(folder.path)?.kind else {
                return nil
            }
            return .tables(train: base(train) ?? "", validation: base(validation), test: base(test))
        }
        #expect(try kind(["latest_train.csv"]) == .tables(train: "latest_train.csv", validation: nil, test: nil))
        #expect(
            try kind(["trainval.csv", "test.csv"]) == .tables(train: "trainval.csv", validation: nil, test: "test.csv"))
        #expect(
            try kind(["mnistTrain1.csv", "mnistTest1.csv", "mnist-valid.csv"])
                == .tables(train: "mnistTrain1.csv", validation: "mnist-valid.csv", test: "mnistTest1.csv"))
        #expect(try kind(["latest.csv"]) == .tables(train: "latest.csv", validation: nil, test: nil))
        #expect(throws: InputError.self) { try kind(["train1.csv", "train2.csv"]) }
    }

    @Test func picturesAreKeptAndReadAgainWhenTheyChange() throws {
        try withFolder { folder in
            for (index, name) in ["a", "b", "a", "b"].enumerated() {
                try write(plain(UInt8(index)), to: "\(folder)/set/\(name)/\(index).pgm")
            }
            let first = try load(folder + "/set", in: folder) { $0.testFraction = 0.5 }
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder + "/cache/pictures")
            #expect(kept.count == 1)
            let images = "\(folder)/cache/pictures/\(kept[0])/train-images-idx3-ubyte"
            let again = try load(folder + "/set", in: folder) { $0.testFraction = 0.5 }
            #expect(
                again.train.images == first.train.images && again.notes == first.notes && again.digests == first.digests
            )
            // It is the kept ones that are read: pictures that look unchanged are not opened.
            let bytes = try Data(contentsOf: URL(fileURLWithPath: images))
            var damaged = bytes
            damaged[20] ^= 0xFF
            try damaged.write(to: URL(fileURLWithPath: images))
            #expect(try load(folder + "/set", in: folder) { $0.testFraction = 0.5 }.train.images == first.train.images)
            #expect(try Data(contentsOf: URL(fileURLWithPath: images)) == bytes)
            try write(
                GreyImage(width: 4, height: 4, pixels: [UInt8](repeating: 99, count: 16)), to: "\(folder)/set/a/7.pgm")
            let more = try load(folder + "/set", in: folder) { $0.testFraction = 0.5 }
            let pixels = try more.train.images + more.validation.images + more.loadTest().images.images
            #expect(pixels.count == 5 * 16 && pixels.contains(99))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/cache/pictures").count == 2)
        }
    }

    /// Whatever a network learns shows in the digests, by which a resumed run knows its data.
    @Test func labelSetsAndWeightsAreDigested() throws {
        try withFolder { folder in
            func digests(_ rows: [String], _ change: (inout DataOptions) -> Void) throws -> [String: String] {
                let text = (["label,w,a,b,c,d"] + rows + rows).joined(separator: "\n")
                try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/t.csv"))
                let data = try load(folder + "/t.csv", in: folder) {
                    ($0.testFraction, $0.weightColumn) = (0.5, "w")
                    change(&$0)
                }
                return try data.digests.merging(data.loadTest().digests) { $1 }
            }
            func differences(_ rows: [String], _ others: [String], multiLabel: Bool) throws -> Set<String> {
                let a = try digests(rows) { $0.multiLabel = multiLabel }
                let b = try digests(others) { $0.multiLabel = multiLabel }
                #expect(a.keys == b.keys)
                return Set(a.keys.filter { a[$0] != b[$0] })
            }
            let plain = ["cat,1,1,2,3,4", "dog,1,5,6,7,8"], heavier = ["cat,2,1,2,3,4", "dog,1,5,6,7,8"]
            let same = try differences(plain, plain, multiLabel: false)
            let weights = try differences(plain, heavier, multiLabel: false)
            // The lowest class stays as it was.
            let sets = try differences(
                ["cat|dog,1,1,2,3,4", "cat,1,5,6,7,8"], ["cat,1,1,2,3,4", "cat|dog,1,5,6,7,8"], multiLabel: true)
            #expect(same.isEmpty)
            #expect(weights == ["train weights", "test weights"])
            #expect(sets == ["train label sets", "test label sets"])
        }
    }

    @Test func aModelsClassesGoByName() throws {
        try withFolder { folder in
            for name in ["dog", "emu"] {
                for index in 0..<4 { try write(plain(9), to: "\(folder)/set/\(name)/\(index).pgm") }
            }
            let data = try load(folder + "/set", in: folder) {
                ($0.modelClasses, $0.isAllTest) = (["cat", "dog", "emu"], true)
            }
            #expect(try data.loadTest().images.classSizes == [0, 4, 4])
            let error = #expect(throws: InputError.self) {
                try load(folder + "/set", in: folder) { $0.modelClasses = ["cat", "dog"] }
            }
            #expect(error?.received == "emu" && error?.expected == "a folder named as a class: cat, dog")
        }
    }

    @Test func foldersAreFoundByTheNamesThatAreShown() throws {
        try withFolder { folder in
            // The accent is one character in one place, two in the other.
            for name in ["caf\u{E9}", "\u{1B}[31mred"] {
                for index in 0..<4 { try write(plain(9), to: "\(folder)/set/train/\(name)/\(index).pgm") }
            }
            try write(plain(9), to: "\(folder)/set/test/cafe\u{301}/0.pgm")
            let data = try load(folder + "/set", in: folder)
            #expect(data.train.classNames == ["caf\u{E9}", "\u{FFFD}[31mred"])
            #expect(try data.loadTest().images.classSizes == [1, 0])
            let again = try load(folder + "/set", in: folder) {
                ($0.modelClasses, $0.isAllTest) = (["\u{FFFD}[31mred", "caf\u{E9}"], true)
            }
            #expect(try again.loadTest().images.classSizes == [0, 1])
            try write(plain(9), to: "\(folder)/set/train/\u{7}[31mred/0.pgm")
            let error = #expect(throws: InputError.self) { try load(folder + "/set", in: folder) }
            #expect(error?.received == "two that read \u{FFFD}[31mred")
        }
    }

    @Test func namesOfClassesAreTheUsersOrTheFiles() throws {
        try withFolder { folder in
            let digits = try SampleDigits.test.get()
            let named = try ImageSet(
                images: digits.images, labels: digits.labels, height: 28, width: 28, classCount: 10,
                classNames: (0..<10).map { "n\($0)" })
            _ = try ConversionFiles.writeIDX(
                ConvertedData(train: named, validation: named.subset(0..<50), test: named.subset(50..<90)),
                to: folder + "/idx", gzip: true)
            let data = try load(folder + "/idx", in: folder)
            #expect(data.train.classNames.first == "n0" && data.validation.count == 50)
            #expect(try data.loadTest().images.classNames.last == "n9")
            let other = try load(folder + "/idx", in: folder) { $0.classNames = (0..<10).map { "k\($0)\u{1B}" } }
            #expect(
                try other.loadTest().images.classNames.first == "k0\u{FFFD}"
                    && other.train.classNames[9] == "k9\u{FFFD}")
            let error = #expect(throws: InputError.self) {
                try load(folder + "/idx", in: folder) { $0.classNames = ["a", "b"] }
            }
            #expect(error?.place == "data.classNames" && error?.received == "2")
            // By path: classes.txt beside them is read, and six files have a validation half.
            var options = DataOptions()
            func path(_ name: String) -> String { "\(folder)/idx/\(name).gz" }
            options.files = IDXFiles(
                trainImages: path("train-images-idx3-ubyte"), trainLabels: path("train-labels-idx1-ubyte"),
                testImages: path("t10k-images-idx3-ubyte"), testLabels: path("t10k-labels-idx1-ubyte"),
                validationImages: path("validation-images-idx3-ubyte"),
                validationLabels: path("validation-labels-idx1-ubyte"))
            let byPath = try DatasetLoader.load(options, seed: 1, locations: locations(folder))
            #expect(byPath.validation.images == data.validation.images && byPath.train.count == digits.count)
            #expect(byPath.train.classNames.first == "n0")
            options.validationFraction = 0.2
            let share = #expect(throws: InputError.self) {
                try DatasetLoader.load(options, seed: 1, locations: locations(folder))
            }
            #expect(share?.place == "data.validationFraction")
            options.validationFraction = 0
            options.files?.validationLabels = nil
            #expect(throws: InputError.self) { try DatasetLoader.load(options, seed: 1, locations: locations(folder)) }
        }
    }

    @Test func tablesInAFolderAreItsParts() throws {
        try withFolder { folder in
            let digits = try SampleDigits.test.get()
            try ImageCSV.write(
                ConvertedData(
                    train: digits.subset(0..<60), validation: digits.subset(60..<70), test: digits.subset(70..<90)),
                to: folder + "/t")
            let data = try load(folder + "/t", in: folder)
            #expect(data.dataset == "table" && data.train.count == 60 && data.validation.count == 10)
            #expect(try data.loadTest().images.images == digits.subset(70..<90).images)
            // Shares of halves that are there are refused; 0 takes none of the training images, and there are none.
            let test = #expect(throws: InputError.self) {
                try load(folder + "/t", in: folder) { $0.testFraction = 0.2 }
            }
            #expect(test?.place == "data.testFraction" && test?.received == "0.2 for \(folder)/t")
            let validation = #expect(throws: InputError.self) {
                try load(folder + "/t", in: folder) { $0.validationFraction = 0.2 }
            }
            #expect(validation?.place == "data.validationFraction" && validation?.received == "0.2 for \(folder)/t")
            #expect(try load(folder + "/t", in: folder) { $0.validationFraction = 0 }.validation.count == 10)
            #expect(try load(folder + "/t", in: folder) { $0.labelColumn = "label" }.train.count == 60)
            let single = try load(folder + "/t/train.csv", in: folder)
            #expect(try single.loadTest().images.count == 6)
            // Kaggle's test half has no labels.
            let text = try String(contentsOfFile: folder + "/t/test.csv", encoding: .utf8)
            let bare = text.split(separator: "\n").map { $0.drop { $0 != "," }.dropFirst() }.joined(separator: "\n")
            try Data(bare.utf8).write(to: URL(fileURLWithPath: folder + "/t/test.csv"))
            let kaggle = try load(folder + "/t", in: folder)
            #expect(try kaggle.loadTest().images.count == 6)
            #expect(kaggle.notes.contains { $0.contains("test.csv has no labels") })
        }
    }

    /// As `datasets convert` writes a set without a test half, which is then put aside, as of a table.
    @Test func aTrainingHalfAloneIsEnough() throws {
        try withFolder { folder in
            let digits = try SampleDigits.test.get().subset(0..<60)
            try ImageFolder.write(ConvertedData(train: digits), to: folder + "/set")
            #expect(DatasetFileNames.entries(of: folder + "/set") == ["train"])
            let data = try load(folder + "/set", in: folder) { ($0.testFraction, $0.validationFraction) = (0.2, 0) }
            let test = try data.loadTest().images
            #expect(data.dataset == "pictures" && data.train.classNames == digits.classNames && test.count > 0)
            func pixels(_ sets: ImageSet...) -> [[UInt8]] {
                sets.flatMap { $0.eachBytes.map { Array($0) } }.sorted { $0.lexicographicallyPrecedes($1) }
            }
            #expect(pixels(data.train, test) == pixels(digits))
            // One class alone is nothing to train on.
            try write(plain(9), to: "\(folder)/one/train/a/0.pgm")
            #expect(throws: InputError.self) { try load(folder + "/one", in: folder) }
        }
    }

    @Test func aFolderWithoutAnyOfItIsRefused() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/set", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/set/notes.txt"))
            let error = #expect(throws: InputError.self) { try load(folder + "/set", in: folder) }
            #expect(error?.expected.contains("a folder of pictures for each class; or a CSV file") == true)
            #expect(error?.received == "notes.txt")
            #expect(throws: InputError.self) { try load(folder + "/set/notes.txt", in: folder) }
        }
    }

    @Test func unrulyNamesAreShownHarmlessly() {
        #expect(ClassName.shown("cat") == "cat")
        #expect(ClassName.shown("a\u{1B}[31m\nb\u{202E}c\u{2028}") == "a\u{FFFD}[31m\u{FFFD}b\u{FFFD}c\u{FFFD}")
        #expect(ClassName.shown("né <b>&\"") == "né <b>&\"")
        #expect(CSV.quoted("=1+2") == "'=1+2" && CSV.quoted("@x,y") == "\"'@x,y\"")
        #expect(CSV.quoted("-1") == "-1" && CSV.quoted("-") == "-" && CSV.quoted("+a") == "'+a")
    }
}
