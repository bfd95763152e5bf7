import Formats
import Foundation
import Tensors

/// A data set's files, found but not yet read.
struct FoundDataset: Sendable {
    enum File: Sendable, Hashable {
        case plain(String)
        case member(archive: String, name: String)
    }
    var directory: String
    var files: [DatasetRole: File]
    /// The archive that all files are in, if they are.
    var archive: String?
}

/// Looks for the files of one data set.
struct DatasetFinder {
    let record: DatasetRecord
    let locations: DatasetLocations

    struct Result {
        var found: FoundDataset?
        var notes: [String] = []
        /// Every folder looked into, in order.
        var searched: [String] = []
    }

    /// Looks into `directory` first, where one is given, then as ``DatasetLocations`` says.
    /// - Throws: `InputError` where `directory` does not exist or holds only some of the files.
    func search(directory: String?) throws(InputError) -> Result {
        var result = Result()
        if let directory {
            guard isFolder(directory) else {
                throw InputError(
                    "data.directory", expected: "a folder", received: "\(directory), which is none",
                    remedy: "name the folder that holds \(record.name), or leave it out")
            }
            result.searched.append(directory)
            for folder in folders(in: directory, flat: true) {
                switch look(in: folder) {
                case .complete(let found):
                    result.found = found
                    return result
                case .partial(let missing):
                    throw InputError(
                        folder, expected: "the four files of \(record.name)",
                        received: "only some: \(missing) is missing (plain or .gz)")
                case .absent: break
                }
            }
            result.notes.append("\(directory) holds no files of \(record.name); looking elsewhere")
        }
        var places: [(directory: String, flat: Bool)] = []
        if let directory = locations.environmentDirectory {
            places.append((directory, true))
            if !isFolder(directory) { result.notes.append("NUMERAL_DATA names \(directory), which is no folder") }
        }
        places.append((locations.cacheDirectory, false))
        places += locations.systemDirectories.map { ($0, false) }
        for place in places {
            result.searched.append(place.directory)
            for folder in folders(in: place.directory, flat: place.flat) {
                guard case .complete(let found) = look(in: folder) else { continue }
                if folder == place.directory, let owner = otherOwner(of: found) {
                    result.notes.append("\(folder) holds \(owner), not \(record.title): passed over")
                    continue
                }
                result.found = found
                return result
            }
        }
        return result
    }

    /// Where a download of this data set is kept.
    var cacheFolder: String { joined(locations.cacheDirectory, record.folder) }

    /// Whether the cache has the file of `role`.
    func has(_ role: DatasetRole) -> Bool {
        let path = joined(cacheFolder, record.file(role).name)
        return isFile(path) || isFile(path + ".gz")
    }

    enum Look {
        case complete(FoundDataset)
        case partial(missing: String)
        case absent
    }

    /// Looks for the four files, plain or `.gz`, and then for the archive.
    func look(in folder: String) -> Look {
        var files: [DatasetRole: FoundDataset.File] = [:]
        var missing: [String] = []
        for role in DatasetRole.allCases {
            let name = record.file(role).name
            if let path = [name, name + ".gz"].map({ joined(folder, $0) }).first(where: isFile) {
                files[role] = .plain(path)
            } else {
                missing.append(name)
            }
        }
        if missing.isEmpty { return .complete(FoundDataset(directory: folder, files: files)) }
        if let archive = record.archive {
            let path = joined(folder, archive.name)
            if isFile(path) {
                for role in DatasetRole.allCases {
                    let name = record.archiveFolder + record.file(role).publishedName
                    files[role] = .member(archive: path, name: name)
                }
                return .complete(FoundDataset(directory: folder, files: files, archive: path))
            }
        }
        return files.isEmpty ? .absent : .partial(missing: missing[0])
    }

    /// The folders in `directory` that may hold the data set, best first; each once.
    private func folders(in directory: String, flat: Bool) -> [String] {
        var folders = [joined(directory, record.name), joined(directory, record.folder)]
        if flat { folders.append(directory) }
        if record.archive != nil {
            folders += folders.map { joined($0, record.archiveFolder) }.map { String($0.dropLast()) }
        }
        return folders.enumerated().filter { folders.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    }

    /// The title of the other data set that `found` is, told by the digest of its training labels.
    private func otherOwner(of found: FoundDataset) -> String? {
        guard case .plain(let path) = found.files[.trainLabels],
            let labels = try? IDX.read(path, record.hasExtendedLabels ? .extendedLabels : .labels),
            let digest = try? DatasetReader.digest(of: labels)
        else { return nil }
        return DatasetCatalog.owner(ofSHA256: digest).flatMap { $0.name == record.name ? nil : $0.title }
    }

    private func isFile(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }

    private func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}

extension DatasetCatalog {
    /// The data set that has a file of this unpacked digest.
    static func owner(ofSHA256 digest: String) -> DatasetRecord? {
        DatasetName.allCases.lazy.map(record).first { $0.files.values.contains { $0.sha256 == digest } }
    }
}
