import Tensors

/// The files of a data set, found but not yet read.
struct FoundDataset: Sendable {
    enum File: Sendable, Hashable {
        case plain(String)
        case member(archive: String, name: String)
    }
    var directory: String
    var files: [DatasetRole: File]
    /// The archive that holds all files, if there is one.
    var archive: String?
}

/// Searches for the files of one data set.
struct DatasetFinder {
    let record: DatasetRecord
    let locations: DatasetLocations

    struct Result {
        var found: FoundDataset?
        var notes: [String] = []
        /// Every folder searched, in order.
        var searched: [String] = []
    }

    /// Searches only the folder that the user named, `directory` or else the one in `NUMERAL_DATA`. If neither is
    /// given, searches the cache and the system's folders.
    /// - Throws: `InputError` if the named folder does not exist or lacks files.
    func search(directory: String?) throws(InputError) -> Result {
        var result = Result()
        let named =
            directory.map { NamedFolder(path: $0, place: "data.directory", record: record) }
            ?? locations.environmentDirectory.map { NamedFolder(path: $0, place: "NUMERAL_DATA", record: record) }
        if let named {
            result.searched.append(named.path)
            guard let found = try named.find() else { throw named.absence }
            result.found = found
            return result
        }
        for place in [locations.cacheDirectory] + locations.systemDirectories {
            result.searched.append(place)
            for folder in Self.folders(for: record, in: place, flat: false) {
                guard case .complete(let found) = Self.look(for: record, in: folder) else { continue }
                result.found = found
                return result
            }
        }
        return result
    }

    /// The folder for downloads of this data set.
    var cacheFolder: String { joined(locations.cacheDirectory, record.folder) }

    /// Returns whether the cache has the file of `role`.
    func has(_ role: DatasetRole) -> Bool {
        let path = joined(cacheFolder, record.file(role).name)
        return DatasetFileNames.isFile(path) || DatasetFileNames.isFile(path + ".gz")
    }

    enum Look {
        case complete(FoundDataset)
        case partial(missing: String)
        case absent
    }

    /// Looks for the four files, plain or `.gz`, and then for the archive.
    static func look(for record: DatasetRecord, in folder: String) -> Look {
        var files: [DatasetRole: FoundDataset.File] = [:]
        var missing: [String] = []
        for role in DatasetRole.allCases {
            let name = record.file(role).name
            if let path = DatasetFileNames.find(name, in: folder) {
                files[role] = .plain(path)
            } else {
                missing.append(name)
            }
        }
        if missing.isEmpty { return .complete(FoundDataset(directory: folder, files: files)) }
        if let archive = record.archive {
            let path = joined(folder, archive.name)
            if DatasetFileNames.isFile(path) {
                for role in DatasetRole.allCases {
                    let name = record.archiveFolder + record.file(role).publishedName
                    files[role] = .member(archive: path, name: name)
                }
                return .complete(FoundDataset(directory: folder, files: files, archive: path))
            }
        }
        return files.isEmpty ? .absent : .partial(missing: missing[0])
    }

    /// Returns the folders in `directory` that may hold the data set, best first, without duplicates. torchvision keeps
    /// its files in `MNIST/raw`, `FashionMNIST/raw` and so on.
    /// - Parameter flat: Whether the files may be in `directory` itself.
    static func folders(for record: DatasetRecord, in directory: String, flat: Bool) -> [String] {
        var folders = [joined(directory, record.name), joined(directory, record.folder)]
        folders += DatasetFileNames.folders(called: [record.name, record.folder], in: directory)
        if flat { folders.append(directory) }
        folders += folders.flatMap { DatasetFileNames.folders(called: ["raw"], in: $0) }
        if record.archive != nil {
            folders += folders.map { joined($0, record.archiveFolder) }.map { String($0.dropLast()) }
        }
        return folders.enumerated().filter { folders.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    }
}

extension DatasetCatalog {
    /// Returns the data set that has a file with this SHA-256 when decompressed.
    static func owner(ofSHA256 digest: String) -> DatasetRecord? {
        DatasetName.allCases.lazy.map(record).first { $0.files.values.contains { $0.sha256 == digest } }
    }
}
