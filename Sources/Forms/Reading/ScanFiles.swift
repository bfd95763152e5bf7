import Formats
import Foundation
import Pictures
import Tensors

/// The scans that a user named, as files or as folders of them, each file once.
package struct ScanFiles: Sendable {
    /// What stands in a folder of scans and is not read.
    package struct PassedOver: Hashable, Sendable {
        package var file: String
        package var problem: String
    }

    package private(set) var files: [String] = []
    /// Without hidden files, which are the system's.
    package private(set) var passedOver: [PassedOver] = []

    /// Finds the scans.
    /// - Parameter note: Is called with what the user should know.
    /// - Throws: An `InputError` if a path is neither a picture nor a folder of pictures.
    package init(_ paths: [String], note: (String) -> Void) throws(InputError) {
        var seen: Set<String> = [], again: [String] = []
        for path in paths {
            let isFolder = try Self.isFolder(path)
            let found = try PictureFiles.expanded([path], note: note)
            for file in found {
                if seen.insert(Self.resolved(file)).inserted { files.append(file) } else { again.append(file) }
            }
            if isFolder { passedOver += Self.others(in: path, than: found) }
        }
        // What is named itself is read, and a folder named twice is told once.
        var told = Set(paths.map(Self.resolved))
        passedOver = passedOver.filter { told.insert(Self.resolved($0.file)).inserted }
        if let first = again.first {
            let more = again.count > 1 ? " and \(again.count - 1) more" : ""
            note("read once, though named more than once: \(first)\(more)")
        }
    }

    /// Returns whether a path is a folder.
    private static func isFolder(_ path: String) throws(InputError) -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw InputError(path, expected: "a picture, or a folder of pictures", received: "nothing there")
        }
        // A damaged scan is told beside the others; what was never meant as one is a slip of the command line.
        if !isFolder.boolValue, !hasEnding(path) { _ = try ImageDecoder.read(path) }
        return isFolder.boolValue
    }

    private static func hasEnding(_ path: String) -> Bool {
        PictureFiles.endings.contains(URL(fileURLWithPath: path).pathExtension.lowercased())
    }

    private static func others(in folder: String, than pictures: [String]) -> [PassedOver] {
        let base = folder.hasSuffix("/") ? folder : folder + "/", pictures = Set(pictures)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().filter { !$0.hasPrefix(".") && !pictures.contains(base + $0) }.map { name in
            PassedOver(file: base + name, problem: problem(base + name))
        }
    }

    private static func problem(_ path: String) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            return "a folder within a folder of scans: it is read if it is named itself"
        }
        do throws(InputError) {
            _ = try ImageDecoder.read(path)
            return "a picture whose name does not end in " + PictureFiles.endings.sorted().joined(separator: ", ")
        } catch {
            return error.description
        }
    }

    /// Returns the path of what `path` leads to, by which two names of one file are recognised.
    static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }

    // MARK: - Copies

    /// Returns the SHA-256 of a file; nil if it cannot be read.
    package static func digest(of path: String) -> String? { (try? BinaryFile(path).digests([.sha256]))?.first }

    /// - Throws: An `InputError` that names two of the files if they hold the same bytes.
    package static func requireDistinct(_ files: [String]) throws(InputError) {
        var known: [String: String] = [:], copies: [(file: String, original: String)] = []
        for file in files {
            // That a file cannot be read is told on reading it.
            guard let digest = digest(of: file) else { continue }
            if let original = known[digest] { copies.append((file, original)) } else { known[digest] = file }
        }
        guard let first = copies.first else { return }
        throw InputError(
            first.file, expected: "scans of different sheets, since the bound takes errors as independent",
            received: "a copy of \(first.original)" + (copies.count > 1 ? ", and \(copies.count - 1) more" : ""),
            remedy: "leave copies out, of the scans and of the known values")
    }
}
