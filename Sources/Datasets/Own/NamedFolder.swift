import Tensors

/// A folder that the user named for a data set by `--data`, `data.directory` or `NUMERAL_DATA`. The data are taken from
/// there or not at all.
struct NamedFolder {
    let path: String
    /// What named the folder, for error messages.
    let place: String
    let record: DatasetRecord

    /// Finds the data set's files in IDX form, in the folder or in one of its folders for this data set.
    /// - Returns: nil if there are none; no other place decides "no IDX data set here".
    /// - Throws: `InputError` if it is not a folder, or only some of the files are there.
    func find() throws(InputError) -> FoundDataset? {
        guard DatasetFileNames.isFolder(path) else {
            throw InputError(
                place, expected: "a folder, or a CSV file", received: "\(path), which is neither",
                remedy: "name the folder that holds \(record.name) or pictures of your own, or leave it out")
        }
        var partial: InputError?
        for folder in DatasetFinder.folders(for: record, in: path, flat: true) {
            switch DatasetFinder.look(for: record, in: folder) {
            case .complete(let found): return found
            case .partial(let missing):
                partial =
                    partial
                    ?? InputError(
                        folder, expected: "the four files of \(record.name)",
                        received: "only some: \(missing) is missing (plain or .gz)")
            case .absent: break
            }
        }
        if let partial { throw partial }
        return nil
    }

    /// The error for a missing data set: what was looked for, and what is there instead.
    var absence: InputError {
        let names = DatasetRole.allCases.map { record.file($0).name }
        let subfolder = record.folder == record.name ? record.name : "\(record.name), \(record.folder)"
        return InputError(
            place,
            expected:
                "\(record.title) in \(path): \(names.joined(separator: ", "))\(record.archive.map { ", or \($0.name)" } ?? "")"
                + " (plain or .gz, there or in a folder \(subfolder) or raw); or a folder of pictures for each class; "
                + "or a CSV file",
            received: contents,
            remedy: "name the folder that holds them; name files called otherwise in data.files; or leave out "
                + "\(place == "NUMERAL_DATA" ? place : "--data and data.directory") to have the data set looked for "
                + "elsewhere and fetched")
    }

    private var contents: String {
        let entries = DatasetFileNames.entries(of: path)
            .map { DatasetFileNames.isFolder(joined(path, $0)) ? $0 + "/" : $0 }
        guard !entries.isEmpty else { return "an empty folder" }
        return entries.prefix(6).joined(separator: ", ") + (entries.count > 6 ? " and \(entries.count - 6) more" : "")
    }
}
