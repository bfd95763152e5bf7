import Tensors

/// The status of one data set, as `trainer datasets list` shows it.
package struct DatasetStatus: Sendable {
    package var record: DatasetRecord
    /// The folder it was found in; nil if it would have to be downloaded.
    package var directory: String?
    /// Whether a sample of it ships with the package.
    package var hasSample: Bool
}

/// The check of one file, as `trainer datasets verify` shows it.
package struct FileVerification: Sendable {
    /// The file, or the archive and its member.
    package var place: String
    /// The SHA-256 of the decompressed file; empty for an archive and for a file that could not be read.
    package var sha256: String
    /// Whether the file is intact and matches a published digest.
    package var isVerified: Bool
    /// What is wrong with it, or that no published digest is known; empty if all is well.
    package var problem: String
}

extension DatasetLoader {
    /// Returns every data set of the catalogue, and where it is.
    package static func list(
        directory: String? = nil, locations: DatasetLocations = DatasetLocations()
    ) throws(InputError) -> [DatasetStatus] {
        var statuses: [DatasetStatus] = []
        for name in DatasetName.allCases {
            let record = locations.record(name)
            var result = DatasetFinder.Result()
            do {
                result = try DatasetFinder(record: record, locations: locations).search(directory: directory)
            } catch {
                // The folder belongs to another data set or is incomplete: not found there.
                for folder in [directory, locations.environmentDirectory].compactMap({ $0 }).prefix(1)
                where !DatasetFileNames.isFolder(folder) {
                    throw error
                }
            }
            statuses.append(
                DatasetStatus(record: record, directory: result.found?.directory, hasSample: name == .mnist))
        }
        return statuses
    }

    /// Ensures that `name` is on this machine, and returns its folder.
    /// - Throws: `OperationError` if it can be neither found nor fetched; `InputError` as ``load`` does.
    package static func fetch(
        _ name: DatasetName, locations: DatasetLocations = DatasetLocations(),
        progress: @escaping DatasetProgress = { _ in }
    ) throws -> String {
        let record = locations.record(name)
        var everywhere = locations
        // Fetch what NUMERAL_DATA lacks, since it was asked for.
        if let directory = locations.environmentDirectory,
            try NamedFolder(path: directory, place: "NUMERAL_DATA", record: record).find() == nil
        {
            progress(.note("\(directory), which NUMERAL_DATA names, holds no \(record.title)"))
            everywhere.environmentDirectory = nil
        }
        return try findOrFetch(record, directory: nil, everywhere, progress).0.directory
    }

    /// Reads and checks every file of `name`.
    /// - Throws: `OperationError` if it is not on this machine (nothing is downloaded); problems with a file are in its
    ///   row.
    package static func verify(
        _ name: DatasetName, directory: String? = nil, locations: DatasetLocations = DatasetLocations()
    ) throws -> [FileVerification] {
        var local = locations
        local.allowsDownload = false
        let record = locations.record(name)
        let found = try findOrFetch(record, directory: directory, local, { _ in }).0
        let reader = DatasetReader(record: record)
        var rows: [FileVerification] = []
        if let archive = found.archive {
            rows.append(row(archive) { try reader.verify(archive: archive) })
        }
        for role in DatasetRole.allCases {
            do {
                let reading = try reader.read(role, of: found)
                rows.append(
                    FileVerification(
                        place: reading.place, sha256: reading.sha256, isVerified: reading.isVerified,
                        problem: reading.isVerified ? "" : "no published digest vouches for it"))
            } catch {
                let place = (error as? InputError)?.place ?? record.file(role).name
                rows.append(FileVerification(place: place, sha256: "", isVerified: false, problem: "\(error)"))
            }
        }
        return rows
    }

    private static func row(_ place: String, _ check: () throws -> Void) -> FileVerification {
        do {
            try check()
            return FileVerification(place: place, sha256: "", isVerified: true, problem: "")
        } catch {
            return FileVerification(place: place, sha256: "", isVerified: false, problem: "\(error)")
        }
    }
}
