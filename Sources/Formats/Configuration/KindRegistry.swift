import Synchronization
import Tensors

/// The kinds of one sort that a configuration's `type` can name: the package's own in the order of documents, then those that
/// others have added, in the order in which they came.
package final class KindRegistry<Kind: Sendable>: Sendable {
    /// A kind, and its name.
    private struct Entry: Sendable {
        let name: String
        let kind: any Sendable.Type
    }

    private let entries: Mutex<[Entry]>
    /// `layer`, for messages.
    private let sort: String

    package init(_ sort: String, _ builtIn: [(name: String, kind: any Sendable.Type)]) {
        self.sort = sort
        entries = Mutex(builtIn.map { Entry(name: $0.name, kind: $0.kind) })
    }

    package var kinds: [Kind] { entries.withLock { $0.compactMap { $0.kind as? Kind } } }

    /// Adds `kind`; once more is the same as once.
    /// - Throws: an ``InputError`` where another kind has that name, or it is none that a configuration could hold.
    package func add(_ name: String, _ kind: any Sendable.Type) throws(InputError) {
        guard let first = name.first, first.isLetter, name.count <= 64,
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else {
            throw InputError(
                "\(kind).type", expected: "1…64 letters and digits, the first a letter", received: "\"\(name)\"")
        }
        let other = entries.withLock { entries -> (any Sendable.Type)? in
            if let present = entries.first(where: { $0.name == name }) { return present.kind }
            entries.append(Entry(name: name, kind: kind))
            return nil
        }
        guard let other, other != kind else { return }
        throw InputError(
            "\(kind).type", expected: "a name that no other \(sort) has", received: "\"\(name)\", which is \(other)",
            remedy: "choose another name")
    }
}
