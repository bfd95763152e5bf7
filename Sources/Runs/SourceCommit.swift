import Foundation

/// The commit checked out in a git repository, read from the repository's files.
package enum SourceCommit {
    /// Returns the commit of the innermost repository or worktree that contains `folder`; nil if there is none, or no
    /// commit yet.
    package static func find(above folder: URL) -> String? {
        var folder = folder.standardizedFileURL
        while true {
            if let repository = repository(at: folder.appendingPathComponent(".git")) { return head(of: repository) }
            guard folder.path != "/" else { return nil }
            folder.deleteLastPathComponent()
        }
    }

    /// Returns the folder that contains `HEAD`: `.git` itself, or the one named by the `.git` file of a worktree or
    /// submodule.
    private static func repository(at git: URL) -> URL? {
        var candidate = git
        if let line = text(git), line.hasPrefix("gitdir: ") {
            candidate = URL(
                fileURLWithPath: String(line.dropFirst(8)), isDirectory: true,
                relativeTo: git.deletingLastPathComponent())
        }
        return FileManager.default.fileExists(atPath: candidate.appendingPathComponent("HEAD").path) ? candidate : nil
    }

    private static func head(of repository: URL) -> String? {
        guard let head = text(repository.appendingPathComponent("HEAD")) else { return nil }
        guard head.hasPrefix("ref: ") else { return head }
        let name = String(head.dropFirst(5))
        // A worktree has a HEAD of its own but shares its branches with all others.
        let common =
            text(repository.appendingPathComponent("commondir")).map {
                URL(fileURLWithPath: $0, isDirectory: true, relativeTo: repository)
            } ?? repository
        for place in [repository, common] {
            if let commit = text(place.appendingPathComponent(name)) { return commit }
        }
        let packed = text(common.appendingPathComponent("packed-refs")) ?? ""
        return packed.split(separator: "\n").first { $0.hasSuffix(" " + name) }.map { String($0.prefix { $0 != " " }) }
    }

    private static func text(_ url: URL) -> String? {
        (try? String(contentsOf: url, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
