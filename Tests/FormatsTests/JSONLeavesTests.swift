import Testing

@testable import Formats

@Suite struct JSONLeavesTests {
    @Test func pathsNameEveryValue() throws {
        let json = try JSONValue.parse(
            #"{"a": 1, "b": {"c": [28, 28, 1], "d": []}, "e": [{"f": null}, {"f": true, "g": [[1], [2]]}], "h": {}}"#,
            name: "")
        #expect(
            json.leaves.map { "\($0.path)=\($0.value.text)" } == [
                "a=1", "b.c=[28, 28, 1]", "b.d=[]", "e[0].f=null", "e[1].f=true", "e[1].g[0]=[1]", "e[1].g[1]=[2]",
                "h={}",
            ])
    }
}
