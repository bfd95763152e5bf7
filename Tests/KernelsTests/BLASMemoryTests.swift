import TestSupport
import Testing

@testable import LinearAlgebra

@Suite struct BLASMemoryTests {
    @Test func whatDoesNotFitIsToldBeforeItIsTried() {
        #expect(BLASMemory.canMap(1 << 20))
        // More than any address space of 47 bits.
        #expect(!BLASMemory.canMap(1 << 48))
    }

    @Test func theMessageSaysWhatToDo() {
        let error = BLASMemory.shortage(4)
        #expect(error.problem.contains("128 MiB for each of 4 threads"))
        #expect(error.remedy == "raise the limit, or give --threads 1")
        #expect(BLASMemory.shortage(1).remedy == "raise the limit")
    }

    @Test func enoughMemoryIsNoError() throws {
        try BLASMemory.require(callers: 2)
        // Again: buffers that are kept are not asked for twice.
        try BLASMemory.require(callers: 2)
    }
}
