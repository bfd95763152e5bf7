import Formats
import Tensors
import Testing

@Suite struct KindRegistryTests {
    private struct First: Sendable {}
    private struct Second: Sendable {}

    private let registry = KindRegistry<any Sendable.Type>("shape", [("first", First.self)])

    @Test func addedKindsComeLast() throws {
        try registry.add("second", Second.self)
        #expect(registry.kinds.map { "\($0)" } == ["First", "Second"])
    }

    @Test func onceMoreIsTheSameAsOnce() throws {
        try registry.add("second", Second.self)
        try registry.add("second", Second.self)
        try registry.add("first", First.self)
        #expect(registry.kinds.count == 2)
    }

    @Test func aTakenNameIsRefused() {
        #expect(
            throws: InputError(
                "Second.type", expected: "a name that no other shape has", received: "\"first\", which is First",
                remedy: "choose another name")
        ) { try registry.add("first", Second.self) }
        #expect(registry.kinds.count == 1)
    }

    @Test(arguments: ["", "1st", "a b", "a-b", "naïve", String(repeating: "a", count: 65)])
    func aNameThatNoConfigurationHolds(_ name: String) {
        #expect(throws: InputError.self) { try registry.add(name, Second.self) }
    }
}
