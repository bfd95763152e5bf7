import Synchronization
import Tensors

/// The kinds of one category that a configuration's `type` can name: the built-in ones in documentation order, then
/// registered ones in order of registration.
package final class KindRegistry<Kind: Sendable>: Sendable {
    /// A kind and its name.
    private struct Entry: Sendable {
        let name: String
        let kind: any Sendable.Type
    }

    private let entries: Mutex<[Entry]>
    /// The category in messages, such as `layer`.
    private let sort: String

    package init(_ sort: String, _ builtIn: [(name: String, kind: any Sendable.Type)]) {
        self.sort = sort
        entries = Mutex(builtIn.map { Entry(name: $0.name, kind: $0.kind) })
    }

    package var kinds: [Kind] { entries.withLock { $0.compactMap { $0.kind as? Kind } } }

    /// Registers `kind`; repeated registration has no effect.
    /// - Throws: an ``InputError`` if another kind has this name, or if the name is not valid in a configuration.
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
