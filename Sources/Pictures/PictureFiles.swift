import Foundation
import Tensors

/// Picture files given by path, individually or by folder.
package enum PictureFiles {
    /// The file name extensions that are read from a folder.
    package static let endings: Set = ["png", "jpg", "jpeg", "jpe", "pbm", "pgm", "ppm", "pnm"]

    /// Returns `paths` with each folder replaced by its pictures in natural order (2 before 10); other files in a
    /// folder are reported to `note`.
    /// - Throws: an `InputError` if a folder contains no picture.
    package static func expanded(_ paths: [String], note: (String) -> Void) throws(InputError) -> [String] {
        var files: [String] = []
        for path in paths {
            var isFolder: ObjCBool = false
            guard path != "-", FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
            else {
                files.append(path)
                continue
            }
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
                throw InputError(path, expected: "a readable folder", received: "no permission to read it")
            }
            let base = path.hasSuffix("/") ? path : path + "/"
            let sorted = names.sorted(by: precedes)
            func isPicture(_ name: String) -> Bool {
                var isFolder: ObjCBool = false
                return endings.contains(URL(fileURLWithPath: name).pathExtension.lowercased()) && !name.hasPrefix(".")
                    && FileManager.default.fileExists(atPath: base + name, isDirectory: &isFolder)
                    && !isFolder.boolValue
            }
            let pictures = sorted.filter(isPicture), others = sorted.filter { !isPicture($0) }
            guard !pictures.isEmpty else {
                throw InputError(
                    path, expected: "pictures (\(endings.sorted().joined(separator: ", ")))",
                    received: others.isEmpty ? "an empty folder" : "a folder of \(listed(others))")
            }
            if !others.isEmpty { note("\(path): passed over \(listed(others))") }
            files += pictures.map { base + $0 }
        }
        return files
    }

    /// Returns a unique name for each file: its name without the extension, else with it, else the whole path.
    package static func distinctNames(_ files: [String]) -> [String] {
        func url(_ file: String) -> URL { URL(fileURLWithPath: file == "-" ? "standard-input" : file) }
        let candidates = [
            files.map { url($0).deletingPathExtension().lastPathComponent }, files.map { url($0).lastPathComponent },
            files.map { $0.split(separator: "/").filter { $0 != "." }.joined(separator: "_") },
        ]
        let counts = candidates.map { names in Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +) }
        var taken: Set<String> = []
        return files.indices.map { index in
            let level = candidates.indices.first { counts[$0][candidates[$0][index]] == 1 } ?? candidates.count - 1
            var name = candidates[level][index], number = 2
            while !taken.insert(name).inserted {
                name = "\(candidates[level][index])-\(number)"
                number += 1
            }
            return name
        }
    }

    private static func precedes(_ a: String, _ b: String) -> Bool {
        let order = a.compare(b, options: [.numeric, .caseInsensitive])
        return order == .orderedSame ? a < b : order == .orderedAscending
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }
}
