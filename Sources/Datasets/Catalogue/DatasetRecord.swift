/// The four files of a data set, by their role.
package enum DatasetRole: String, CaseIterable, Sendable {
    case trainImages
    case trainLabels
    case testImages
    case testLabels

    var isImages: Bool { self == .trainImages || self == .testImages }
}

/// A file of a data set: its name, and the digests by which it is known.
package struct DatasetFile: Sendable, Hashable {
    /// Its name without `.gz`.
    package var name: String
    /// SHA-256 of the IDX file unpacked, where known.
    package var sha256: String?
    /// SHA-256 of the gzip (or zip) as published, where known.
    package var publishedSHA256: String?
    /// MD5 of the gzip (or zip) as published, where known.
    package var publishedMD5: String?
    /// Bytes of the gzip (or zip) as published, where known.
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

    /// How the file is called where it is downloaded to.
    package var publishedName: String { name.hasSuffix(".zip") ? name : name + ".gz" }
}

/// What is known of a data set before any of it is read.
package struct DatasetRecord: Sendable {
    /// The name in configurations and on the command line.
    package var name: String
    /// The name for people.
    package var title: String
    /// The folder it is kept in, below a folder of data sets.
    package var folder: String
    package var classNames: [String]
    package var trainCount: Int
    package var testCount: Int
    /// The name of its licence, and whom to cite.
    package var licence: String
    package var files: [DatasetRole: DatasetFile]
    /// The archive that holds the files, where they are not published one by one.
    package var archive: DatasetFile?
    /// Where in the archive they are.
    package var archiveFolder: String
    /// Addresses that a file's published name is added to, best first.
    package var mirrors: [String]
    /// Whether images are stored with rows and columns exchanged.
    package var isTransposed: Bool
    /// The label of the first class in the files.
    package var firstLabel: Int
    /// Whether labels are QMNIST's, of eight columns.
    package var hasExtendedLabels: Bool

    package var classCount: Int { classNames.count }
    /// What a download fetches, bytes; nil where not known.
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
