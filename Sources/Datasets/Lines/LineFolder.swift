import Formats
import Foundation
import Pictures
import Tensors

/// Pictures of lines of text with their transcriptions, in the usual layouts:
///
/// - a table with a column `file` and a column `text` (or similar names), alone or as `labels.csv` beside the pictures,
///   or `train.csv` and `test.csv`;
/// - ORAND-CAR (ICFHR 2014): folders `…train_images` and `…test_images`, beside them `…train_gt.txt` and
///   `…test_gt.txt`, each line of which holds a picture's name and its text;
/// - CVL's digit strings (ICDAR 2013): pictures `12345-0001-01.png`, with the text before the first dash, in folders
///   with `train` and `test` or `eval` in their names;
/// - SVHN's whole numbers: folders `train` and `test` with a `digitStruct.mat` each (``HouseNumbers``).
struct LineFolder {
    /// A picture, its text, and the place where that is written.
    struct Entry: Hashable {
        var file: String
        var text: String
        var place: String
        /// The part of the picture that shows the text; nil: all of it.
        var box: PixelBox?
    }

    let path: String
    private(set) var train: [Entry] = []
    /// The validation half; nil if it is to be held out from the training half.
    private(set) var validation: [Entry]?
    /// The test half; nil if it is to be held out from the others.
    private(set) var test: [Entry]?

    /// The names of columns, the first that there is being taken: a table may number its rows beside the text.
    private static let fileNames = ["file", "filename", "file_name", "image", "picture", "path", "name"]
    private static let textNames = ["text", "transcription", "string", "label", "value", "number"]

    /// Returns what `path` holds; nil if it is none of these.
    /// - Throws: an `InputError` if a table or a list cannot be read, or there are pictures but no texts.
    static func find(_ path: String) throws(InputError) -> LineFolder? {
        var folder = LineFolder(path: path)
        if DatasetFileNames.isFile(path) {
            guard let entries = try table(path) else { return nil }
            folder.train = entries
            return folder
        }
        let names = DatasetFileNames.entries(of: path).sorted()
        if let file = names.first(where: { $0.lowercased() == "labels.csv" }) {
            guard let entries = try table(joined(path, file)) else {
                throw InputError(
                    joined(path, file), expected: "a column file and a column text", received: "none of such names")
            }
            folder.train = entries
            return folder
        }
        for layout in Layout.allCases {
            var left = names
            guard let train = try half(["train"], of: &left, in: path, layout) else { continue }
            folder.train = train
            folder.test = try half(["test", "eval"], of: &left, in: path, layout)
            folder.validation = try half(["val"], of: &left, in: path, layout)
            return folder
        }
        if let entries = named(path) {
            folder.train = entries
            return folder
        }
        // Single characters are in folders named after their class.
        guard !names.contains(where: isPicture) else {
            throw InputError(
                path, expected: "what the pictures say, labels.csv with columns file and text",
                received: "pictures alone")
        }
        return nil
    }

    /// How the halves are stored.
    private enum Layout: CaseIterable {
        case tables, lists, numbers, names
    }

    /// Returns the entries of the name that has one of `words` and is a half in this layout, and takes it away from
    /// `names`, so that nothing is two halves.
    /// - Throws: an `InputError` if there are several.
    private static func half(
        _ words: [String], of names: inout [String], in path: String, _ layout: Layout
    ) throws(InputError) -> [Entry]? {
        var found: [(name: String, entries: [Entry])] = []
        for name in names where DatasetFileNames.has(words, in: name) {
            let entries: [Entry]?
            switch layout {
            case .tables: entries = name.lowercased().hasSuffix(".csv") ? try table(joined(path, name)) : nil
            case .lists: entries = try list(name, in: path)
            case .numbers: entries = try HouseNumbers.entries(in: joined(path, name))
            case .names: entries = named(joined(path, name))
            }
            if let entries { found.append((name, entries)) }
        }
        guard found.count <= 1 else {
            throw InputError(
                path, expected: "one part named \(words[0])", received: found.map(\.name).joined(separator: ", "),
                remedy: "put each data set into a folder of its own")
        }
        names.removeAll { $0 == found.first?.name }
        return found.first?.entries
    }

    /// Returns the rows of a table; nil if it lacks the columns.
    private static func table(_ path: String) throws(InputError) -> [Entry]? {
        var table = try TableText.load(path)
        let base = (path as NSString).deletingLastPathComponent
        guard let header = try table.nextRow() else { return nil }
        let names = header.map { $0.lowercased() }
        func column(_ known: [String]) -> Int? { known.lazy.compactMap { names.firstIndex(of: $0) }.first }
        guard let file = column(fileNames), let text = column(textNames) else { return nil }
        var entries: [Entry] = []
        while let row = try table.nextRow(columns: header.count) {
            let name = row[file]
            entries.append(
                Entry(
                    file: name.hasPrefix("/") ? name : joined(base.isEmpty ? "." : base, name), text: row[text],
                    place: table.place))
        }
        return entries
    }

    /// Reads a half in ORAND-CAR's layout: `a_train_images` with `a_train_gt.txt`.
    private static func list(_ name: String, in path: String) throws(InputError) -> [Entry]? {
        let ending = "_images", folder = joined(path, name)
        guard name.lowercased().hasSuffix(ending), DatasetFileNames.isFolder(folder) else { return nil }
        let stem = name.dropLast(ending.count).lowercased()
        let names = DatasetFileNames.entries(of: path)
        guard let file = names.first(where: { $0.lowercased() == stem + "_gt.txt" }) else {
            throw InputError(
                path, expected: "\(stem)_gt.txt beside \(name), a picture's name and its text in each line",
                received: "none")
        }
        var table = try TableText.load(joined(path, file))
        var entries: [Entry] = []
        while let row = try table.nextRow() {
            guard row.count == 2 else {
                throw InputError(
                    table.place, expected: "a picture's name and its text", received: "\(row.count) fields")
            }
            entries.append(Entry(file: joined(folder, row[0]), text: row[1], place: table.place))
        }
        return entries
    }

    /// Reads a half in CVL's layout: pictures named after their text.
    private static func named(_ folder: String) -> [Entry]? {
        guard DatasetFileNames.isFolder(folder) else { return nil }
        let entries = DatasetFileNames.entries(of: folder).sorted().compactMap { name -> Entry? in
            guard isPicture(name) else { return nil }
            let parts = name.split(separator: "-")
            guard parts.count >= 3, parts[0].allSatisfy(\.isWholeNumber) else { return nil }
            return Entry(file: joined(folder, name), text: String(parts[0]), place: joined(folder, name))
        }
        return entries.isEmpty ? nil : entries
    }

    private static func isPicture(_ name: String) -> Bool {
        PictureFiles.endings.contains((name as NSString).pathExtension.lowercased())
    }

    /// The characters of all texts, as class names: the ten digits if there are no others.
    var classNames: [String] {
        let found = Set((train + (validation ?? []) + (test ?? [])).flatMap { $0.text.map(String.init) })
        return found.isSubset(of: ImageSet.digits) ? ImageSet.digits : found.sorted()
    }
}
