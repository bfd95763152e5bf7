import Foundation

/// The names and places that a file of a data set may have after unpacking.
///
/// `train-images-idx3-ubyte` may also be `train-images.idx3-ubyte` (as Windows unpacks it), in any letter case, plain
/// or `.gz`, or a folder of that name with the file inside (as Kaggle unpacks it).
enum DatasetFileNames {
    /// Returns the file called `name` in `folder`: under its published name, plain before `.gz`, else under its other
    /// names.
    static func find(_ name: String, in folder: String) -> String? {
        for exact in [name, name + ".gz"] where isFile(joined(folder, exact)) { return joined(folder, exact) }
        let others = entries(of: folder).filter { key($0) == key(name) }.sorted { isPlain($0) && !isPlain($1) }
        for entry in others {
            let path = joined(folder, entry)
            if isFile(path) { return path }
            let inside = entries(of: path).filter { key($0) == key(name) }.sorted { isPlain($0) && !isPlain($1) }
            if let file = inside.first(where: { isFile(joined(path, $0)) }) { return joined(path, file) }
        }
        return nil
    }

    /// Returns the folders in `folder` that match one of `names`, ignoring case and punctuation: `FashionMNIST` for
    /// `fashion-mnist`.
    static func folders(called names: [String], in folder: String) -> [String] {
        let keys = names.map(folderKey)
        return entries(of: folder)
            .filter { keys.contains(folderKey($0)) && isFolder(joined(folder, $0)) }
            // Exact matches in the order of `names`, then the others by name.
            .sorted { (names.firstIndex(of: $0) ?? names.count, $0) < (names.firstIndex(of: $1) ?? names.count, $1) }
            .map { joined(folder, $0) }
    }

    /// Returns whether a word of `name` begins with one of `beginnings`, which are in lower case. Words end at what is
    /// no letter and before a capital after a small letter, so that `digitsTrain1.csv` is of `train`, but `latest.csv`
    /// not of `test`.
    static func has(_ beginnings: [String], in name: String) -> Bool {
        var words = [""], wasSmall = false
        for character in name {
            if !character.isLetter || character.isUppercase && wasSmall { words.append("") }
            if character.isLetter { words[words.count - 1] += character.lowercased() }
            wasSmall = character.isLowercase
        }
        return words.contains { word in beginnings.contains { word.hasPrefix($0) } }
    }

    /// Returns the names in `folder`, sorted; empty if it cannot be read.
    static func entries(of folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private static func key(_ name: String) -> String {
        let lower = name.lowercased()
        return String((lower.hasSuffix(".gz") ? lower.dropLast(3) : lower[...]).map { "._ ".contains($0) ? "-" : $0 })
    }

    private static func folderKey(_ name: String) -> String {
        name.lowercased().filter { $0.isLetter || $0.isNumber }
    }

    private static func isPlain(_ name: String) -> Bool { !name.lowercased().hasSuffix(".gz") }

    static func isFile(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
