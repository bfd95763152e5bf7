/// Something given to Numeral that it cannot use: a configuration, a file, an argument.
///
/// One line says *where · expected · received* and, where it helps, what to do. The command line ends with exit
/// code 2 on it.
public struct InputError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, configuration path (`model.layers[3].filters`) or argument at fault.
    public var place: String
    /// What would have been accepted.
    public var expected: String
    /// What was found.
    public var received: String
    /// What to do about it; empty where the line above says it all.
    public var remedy: String

    /// An error at `place`, that says what was expected and what received.
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

/// Work that failed although its input was sound: a disk that is full, a folder that cannot be written, a BLAS
/// that returns wrong numbers. The command line ends with exit code 1 on it.
public struct OperationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done, and where.
    public var place: String
    /// What went wrong.
    public var problem: String
    /// What to do about it.
    public var remedy: String

    /// An error at `place`, with what went wrong.
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

/// `text` as part of one line that a terminal can be given, whatever file it came from: control characters, line
/// separators and changes of direction are written as their code, and what is longer than 1,000 characters is cut.
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
