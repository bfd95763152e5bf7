import Tensors
import Testing

/// Errors quote files that nobody vouches for; they are one line that a terminal can be given.
@Suite struct ErrorTests {
    @Test func controlCharactersAreWrittenAsTheirCode() {
        let error = InputError("a\u{1B}]0;x\u{7}", expected: "b\nc", received: "d\u{202E}\u{2028}é😀", remedy: "e\u{9B}")
        #expect(
            "\(error)"
                == #"a\u{1b}]0;x\u{7}: expected b\u{a}c · received d\u{202e}\u{2028}é😀 · e\u{9b}"#)
        #expect("\(OperationError("p\r", problem: "q\0"))" == #"p\u{d}: q\u{0}"#)
        // The parts themselves stay what they are.
        #expect(error.expected == "b\nc")
    }

    @Test func longPartsAreCut() {
        let long = String(repeating: "x", count: 1_001)
        #expect("\(InputError("p", expected: "e", received: long))".count == "p: expected e · received ".count + 1_001)
        #expect("\(InputError("p", expected: "e", received: long))".hasSuffix("x…"))
        #expect("\(InputError("p", expected: "e", received: String(long.dropLast())))".hasSuffix("xx"))
    }
}
