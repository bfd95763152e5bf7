/// An input that Numeral cannot use: a configuration, a file, an argument.
///
/// Its description is one line, *where · expected · received* and, where it helps, what to do. The command line exits
/// with code 2 on it.
public struct InputError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, configuration path (`model.layers[3].filters`) or argument at fault.
    public var place: String
    /// What would have been accepted.
    public var expected: String
    /// What was found.
    public var received: String
    /// What to do about it; empty if the rest of the message is enough.
    public var remedy: String

    /// Creates an error at `place` that states what was expected and what was received.
    public init(_ place: String, expected: String, received: String, remedy: String = "") {
        self.place = place
        self.expected = expected
        self.received = received
        self.remedy = remedy
    }

    /// One line: `place: expected … · received … · remedy`, without control characters.
    public var description: String {
        let line = "\(printable(place)): expected \(printable(expected)) · received \(printable(received))"
        return remedy.isEmpty ? line : line + " · " + printable(remedy)
    }
}

/// A failure of an operation whose input was valid: a full disk, a folder that cannot be written, a BLAS that returns
/// wrong numbers. The command line exits with code 1 on it.
public struct OperationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done, and where.
    public var place: String
    /// What went wrong.
    public var problem: String
    /// What to do about it.
    public var remedy: String

    /// Creates an error at `place` that states what went wrong.
    public init(_ place: String, problem: String, remedy: String = "") {
        self.place = place
        self.problem = problem
        self.remedy = remedy
    }

    /// One line: `place: problem · remedy`, without control characters.
    public var description: String {
        let line = "\(printable(place)): \(printable(problem))"
        return remedy.isEmpty ? line : line + " · " + printable(remedy)
    }
}

/// Returns `text` in a form that is safe to print as part of one terminal line, whatever file it came from: control
/// characters, line separators and bidirectional controls are escaped as their code points, and text longer than 1,000
/// characters is truncated.
package func printable(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == 1_000 { return result + "…" }
        count += 1
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
