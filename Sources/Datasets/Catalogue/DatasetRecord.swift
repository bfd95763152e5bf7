/// The four files of a data set, by role.
package enum DatasetRole: String, CaseIterable, Sendable {
    case trainImages
    case trainLabels
    case testImages
    case testLabels

    var isImages: Bool { self == .trainImages || self == .testImages }
}

/// A file of a data set: its name and its known digests.
package struct DatasetFile: Sendable, Hashable {
    /// The name without `.gz`.
    package var name: String
    /// The SHA-256 of the decompressed IDX file, if known.
    package var sha256: String?
    /// The SHA-256 of the gzip (or zip) file as published, if known.
    package var publishedSHA256: String?
    /// The MD5 of the gzip (or zip) file as published, if known.
    package var publishedMD5: String?
    /// The size of the gzip (or zip) file as published in bytes, if known.
    package var publishedBytes: Int?

    package init(
        name: String, sha256: String? = nil, publishedSHA256: String? = nil, publishedMD5: String? = nil,
        publishedBytes: Int? = nil
    ) {
        self.name = name
        self.sha256 = sha256
        self.publishedSHA256 = publishedSHA256
        self.publishedMD5 = publishedMD5
        self.publishedBytes = publishedBytes
    }

    /// The name of the file as published and downloaded.
    package var publishedName: String { name.hasSuffix(".zip") ? name : name + ".gz" }
}

/// What is known about a data set before any of it is read.
package struct DatasetRecord: Sendable {
    /// The name in configurations and on the command line.
    package var name: String
    /// The human-readable name.
    package var title: String
    /// The name of its folder, within a folder of data sets.
    package var folder: String
    package var classNames: [String]
    package var trainCount: Int
    package var testCount: Int
    /// The name of its licence and whom to cite.
    package var licence: String
    package var files: [DatasetRole: DatasetFile]
    /// The archive that holds the files, if they are not published one by one.
    package var archive: DatasetFile?
    /// The folder of the files within the archive.
    package var archiveFolder: String
    /// The base addresses to which a file's published name is appended, best first.
    package var mirrors: [String]
    /// Whether images are stored with rows and columns swapped.
    package var isTransposed: Bool
    /// The label of the first class in the files.
    package var firstLabel: Int
    /// Whether labels are in QMNIST's format of eight columns.
    package var hasExtendedLabels: Bool

    package var classCount: Int { classNames.count }
    /// The size of a download in bytes; nil if unknown.
    package var downloadBytes: Int? {
        let sizes = (archive.map { [$0] } ?? Array(files.values)).map(\.publishedBytes)
        return sizes.contains(nil) ? nil : sizes.reduce(0) { $0 + ($1 ?? 0) }
    }

    package init(
        name: String, title: String, folder: String? = nil, classNames: [String], trainCount: Int, testCount: Int,
        licence: String, files: [DatasetRole: DatasetFile], archive: DatasetFile? = nil, archiveFolder: String = "",
        mirrors: [String], isTransposed: Bool = false, firstLabel: Int = 0, hasExtendedLabels: Bool = false
    ) {
        self.name = name
        self.title = title
        self.folder = folder ?? name
        self.classNames = classNames
        self.trainCount = trainCount
        self.testCount = testCount
        self.licence = licence
        self.files = files
        self.archive = archive
        self.archiveFolder = archiveFolder
        self.mirrors = mirrors
        self.isTransposed = isTransposed
        self.firstLabel = firstLabel
        self.hasExtendedLabels = hasExtendedLabels
    }

    func file(_ role: DatasetRole) -> DatasetFile {
        files[role] ?? DatasetFile(name: role.rawValue)
    }
}
