import Foundation
import Tensors

/// The layout of a data set of pictures: a folder for each class, in folders of splits or alone.
///
/// `train` or `training`, `val`, `valid` or `validation`, and `test` or `testing` are splits, in any letter case.
/// Classes are the names of the folders in all splits together, ordered as numbers if all are whole numbers, else
/// alphabetically. The pictures of a class are ordered by name. Files that other programs leave behind are skipped.
package struct FolderLayout {
    package enum Split: String, CaseIterable, Sendable {
        case train, val, test

        fileprivate static let names: [String: Split] = [
            "train": .train, "training": .train, "val": .val, "valid": .val, "validation": .val, "test": .test,
            "testing": .test,
        ]
    }

    package let path: String
    package let classes: [String]
    /// The files by split and class; `train` alone if there are no folders of splits.
    package let files: [(split: Split, folder: String, files: [[String]])]
    package private(set) var notes: [String] = []

    /// The names of what other programs leave in folders.
    private static let leftovers: Set = ["thumbs.db", "desktop.ini", ".ds_store", "__macosx", ".ipynb_checkpoints"]

    /// Returns whether `path` has folders that could be classes, or a training half alone that has them.
    static func mayBe(_ path: String) -> Bool {
        var notes: [String] = []
        func folders(_ path: String) -> [String] { (try? subfolders(path, &notes)) ?? [] }
        let top = folders(path)
        guard top.count == 1 else { return top.count >= 2 }
        return Split.names[top[0].lowercased()] == .train && folders(joined(path, top[0])).count >= 2
    }

    /// - Parameter known: A model's classes in order, if any: the folders' names must be among them.
    /// - Throws: an `InputError` if the folder is not such a data set.
    package init(_ path: String, classes known: [String]? = nil) throws(InputError) {
        var notes: [String] = []
        var roots: [Split: String] = [:]
        let top = try Self.subfolders(path, &notes)
        for name in top {
            guard let split = Split.names[name.lowercased()] else { continue }
            if let other = roots[split] {
                throw InputError(
                    path, expected: "one folder for \(split.rawValue)", received: "\(other) and \(name)",
                    remedy: "put their pictures together, or rename one")
            }
            roots[split] = name
        }
        if !roots.isEmpty, roots[.train] == nil {
            throw InputError(
                path, expected: "a folder train beside \(roots.values.sorted().joined(separator: ", "))",
                received: "none")
        }
        if !roots.isEmpty {
            let others = top.filter { Split.names[$0.lowercased()] == nil }
            if !others.isEmpty { notes.append("\(path): passed over \(Self.listed(others)), beside the splits") }
        }
        let splits: [(Split, String)] =
            roots.isEmpty
            ? [(.train, path)] : Split.allCases.compactMap { split in roots[split].map { (split, joined(path, $0)) } }
        var found: [[String: String]] = []
        for (split, folder) in splits {
            let names = split == .train && roots.isEmpty ? top : try Self.subfolders(folder, &notes)
            found.append(try Self.byClass(names, in: folder))
        }
        let names = Set(found.flatMap(\.keys))
        let classes = known ?? ImageFolder.ordered(names)
        if let known, let stranger = names.sorted().first(where: { !known.contains($0) }) {
            throw InputError(
                joined(path, stranger), expected: "a folder named as a class: \(Self.listed(known))", received: stranger
            )
        }
        guard classes.count >= 2, classes.count <= 256, !names.isEmpty else {
            throw InputError(
                path, expected: "2 to 256 folders of pictures, one for each class", received: "\(classes.count)")
        }
        var files: [(split: Split, folder: String, files: [[String]])] = []
        for (index, (split, folder)) in splits.enumerated() {
            var lists: [[String]] = []
            var empty: [String] = [], missing: [String] = []
            for name in classes {
                let place = found[index][name]
                let list = if let place { try Self.pictures(joined(folder, place), &notes) } else { [String]() }
                if place == nil { missing.append(name) } else if list.isEmpty { empty.append(name) }
                lists.append(list)
            }
            if !empty.isEmpty { notes.append("\(folder): no picture in \(Self.listed(empty))") }
            if !missing.isEmpty { notes.append("\(folder): no folder \(Self.listed(missing))") }
            files.append((split, folder, lists))
        }
        (self.path, self.classes, self.files, self.notes) = (path, classes, files, notes)
    }

    package var count: Int { files.reduce(0) { $0 + $1.files.reduce(0) { $0 + $1.count } } }

    // MARK: - Listing

    /// Returns the names in `path` without hidden ones; what other programs left is skipped with a note.
    private static func names(_ path: String, _ notes: inout [String]) throws(InputError) -> [String] {
        let all: [String]
        do {
            all = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw InputError(path, expected: "a folder that can be read", received: error.localizedDescription)
        }
        let left = all.filter { leftovers.contains($0.lowercased()) }
        if !left.isEmpty { notes.append("\(path): passed over \(listed(left))") }
        return all.filter { !$0.hasPrefix(".") && !left.contains($0) }
    }

    /// Returns the folders by class name as shown, which is how a model knows them. Names that differ only in the
    /// Unicode form of an accent are one class.
    private static func byClass(_ names: [String], in folder: String) throws(InputError) -> [String: String] {
        var result: [String: String] = [:]
        for name in names {
            let shown = ClassName.shown(name)
            if result[shown] != nil {
                throw InputError(
                    folder, expected: "folders that can be told apart by name", received: "two that read \(shown)",
                    remedy: "rename one")
            }
            result[shown] = name
        }
        return result
    }

    private static func subfolders(_ path: String, _ notes: inout [String]) throws(InputError) -> [String] {
        let all = try names(path, &notes)
        let folders = all.filter { DatasetFileNames.isFolder(joined(path, $0)) }
        if !folders.isEmpty, folders.count < all.count {
            notes.append("\(path): passed over \(listed(all.filter { !folders.contains($0) })), beside the folders")
        }
        return folders
    }

    private static func pictures(_ path: String, _ notes: inout [String]) throws(InputError) -> [String] {
        try names(path, &notes).map { joined(path, $0) }
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }
}
