import Commands
import Foundation
import Tensors
import TestSupport
import Testing

/// Who may reach the service, by its options alone.
@Suite struct ServeOptionsTests {
    private func token(_ arguments: [String], _ environment: [String: String] = [:]) throws -> String? {
        try ServeOptions.parse(arguments).token(environment: environment)
    }

    private func refusal(_ arguments: [String], _ environment: [String: String] = [:]) -> String {
        let error = #expect(throws: InputError.self) { try token(arguments, environment) }
        return error.map { "\($0)" } ?? ""
    }

    @Test func withoutATokenOnlyThisMachineReachesIt() throws {
        for host in ["127.0.0.1", "127.8.9.1", "::1", "localhost"] { #expect(try token(["--host", host]) == nil) }
        for host in [
            "0.0.0.0", "::", "192.168.0.7", "127.example.org", "127.0.0.1.example.org", "127.0.1", "127.0.0.256", "",
        ] {
            #expect(refusal(["--host", host]).contains("a token"), "\(host)")
            #expect(try token(["--host", host], ["NUMERAL_TOKEN": "0123456789abcdef"]) == "0123456789abcdef")
        }
    }

    @Test func aTokenIsLongAndPlain() throws {
        for wrong in [
            "", "0123456789abcde", String(repeating: "a", count: 1_025), "0123456789 abcdef", "0123456789;abcdef",
            "0123456789äabcdef",
        ] {
            #expect(refusal([], ["NUMERAL_TOKEN": wrong]).contains("NUMERAL_TOKEN: expected 16 to 1,024"), "\(wrong)")
        }
        #expect(try token([], ["NUMERAL_TOKEN": String(repeating: "a", count: 1_024)])?.count == 1_024)
    }

    /// A file comes before the environment; blanks around it are none of the token.
    @Test func aTokenFileIsRead() throws {
        let folder = try TemporaryFolder()
        try withExtendedLifetime(folder) {
            let path = try folder.write(Array("fedcba9876543210\n".utf8), "token")
            #expect(try token(["--token-file", path], ["NUMERAL_TOKEN": "0123456789abcdef"]) == "fedcba9876543210")
            let short = try folder.write(Array("fedcba\n".utf8), "short")
            #expect(refusal(["--token-file", short]).contains("received 6 characters"))
            #expect(refusal(["--token-file", folder.path + "/none"]).contains("a file that can be read"))
        }
    }
}
