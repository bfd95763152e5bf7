import Foundation
import Testing

@testable import Serving

@Suite struct AccessTests {
    private static let token = "0123456789abcdef"

    @Test(
        "A name that is not ours, or none, is refused: a page elsewhere may have its name lead here",
        arguments: [
            ("localhost", true), ("LOCALHOST:8080", true), ("127.0.0.1:1", true), ("[::1]:8080", true),
            ("192.168.0.7", true),
            ("digits.example", true), ("evil.example", false), ("localhost.evil.example", false), ("", false),
            ("[::1", false),
        ]) func hosts(_ host: String, _ isOurs: Bool) throws
    {
        let ask = try Asking(names: ["digits.example"])
        #expect((try ask("GET", "/v2", [("Host", host)]).status == .ok) == isOurs)
    }

    @Test("Two Hosts, or none, are refused") func hostCount() throws {
        let ask = try Asking()
        #expect(try ask("GET", "/v2", [("Host", "localhost"), ("host", "localhost")]).status == .badRequest)
    }

    @Test("Another site's page cannot ask") func origins() throws {
        let ask = try Asking()
        let picture = try example("three.png")
        #expect(try ask("POST", "/read", [("Origin", "http://localhost:8080")], picture).status == .ok)
        for origin in ["http://evil.example", "null", "https://localhost:8080", "http://localhost:80"] {
            #expect(try ask("POST", "/read", [("Origin", origin)], picture).status == .forbidden)
        }
    }

    @Test("Where there is a token, nothing but life, the login and its colours goes without it") func tokens() throws {
        let ask = try Asking(token: Self.token)
        for target in ["/v2", "/", "/runs", "/metrics", "/api/runs", "/openapi.json", "/draw.js"] {
            #expect(try ask("GET", target).status == .unauthorized)
            #expect(try ask("GET", target, [("Authorization", "Bearer \(Self.token)")]).status == .ok)
            #expect(try ask("GET", target, [("Authorization", "Bearer 0123456789abcdeg")]).status == .unauthorized)
            #expect(try ask("GET", target, [("Cookie", "a=b; numeral-token=\(Self.token)")]).status == .ok)
        }
        #expect(try ask("POST", "/read", [], [1]).status == .unauthorized)
        for target in ["/v2/health/live", "/v2/health/ready", "/style.css"] {
            #expect(try ask("GET", target).status == .ok)
        }
        #expect(try ask("GET", "/").text.contains("name=\"token\""))
    }

    @Test("The login sets a cookie that scripts do not see, for the right token alone") func login() throws {
        let ask = try Asking(token: Self.token)
        let wrong = try ask("POST", "/login", [], Array("token=0123456789abcdeX".utf8))
        #expect(wrong.status == .unauthorized && !wrong.headers.contains { $0.name == "Set-Cookie" })
        #expect(wrong.text.contains("That is not the token.") && wrong.text.contains("name=\"token\""))
        let asked = try ask("GET", "/login")
        #expect(asked.text.contains("name=\"token\"") && !asked.text.contains("That is not"))
        let right = try ask("POST", "/login", [], Array("token=\(Self.token)".utf8))
        let cookie = right.headers.first { $0.name == "Set-Cookie" }?.value ?? ""
        #expect(right.status == .seeOther && cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
        // As a browser sends the form: under the policy that the page came with, its Origin is the service's.
        let page = try ask("GET", "/")
        #expect(page.allHeaders.contains { $0.name == "Referrer-Policy" && $0.value == "same-origin" })
        let form = try ask("POST", "/login", [("Origin", "http://localhost:8080")], Array("token=\(Self.token)".utf8))
        #expect(form.status == .seeOther)
    }

    @Test("One Origin at most") func originCount() throws {
        let own = ("Origin", "http://localhost:8080"), other = ("Origin", "http://other.example")
        #expect(try Asking()("GET", "/v2", [own]).status == .ok)
        #expect(try Asking()("GET", "/v2", [own, other]).status == .badRequest)
    }

    @Test("Behind a proxy that ends TLS, the pages of a name that was given can ask") func proxy() throws {
        let ask = try Asking(token: Self.token, names: ["digits.example"])
        func login(_ host: String, _ origin: String) throws -> ServiceResponse {
            try ask("POST", "/login", [("Host", host), ("Origin", origin)], Array("token=\(Self.token)".utf8))
        }
        let cookie = try login("digits.example", "https://digits.example").headers.first { $0.name == "Set-Cookie" }
        #expect(cookie?.value.contains("Secure") == true)
        for (host, origin) in [
            ("digits.example", "https://other.example"), ("localhost:8080", "https://localhost:8080"),
            ("digits.example", "https://digits.example:8443"),
        ] {
            #expect(try login(host, origin).status == .forbidden)
        }
    }

    @Test("Tokens are the same where all of their bytes are") func sameness() {
        #expect(AccessPolicy.isSame("abc", "abc") && AccessPolicy.isSame("", ""))
        for (a, b) in [("abc", "abd"), ("abc", "ab"), ("ab", "abc"), ("abcabc", "abc"), ("", "a"), ("a", "")] {
            #expect(!AccessPolicy.isSame(a, b))
        }
    }

    @Test("Every answer says what it is and what a page may load") func headers() throws {
        for target in ["/", "/v2", "/nothing"] {
            let headers = Dictionary(
                try Asking()("GET", target).allHeaders.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            #expect(headers["X-Content-Type-Options"] == "nosniff")
            #expect(headers["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(headers["Content-Security-Policy"]?.contains("frame-ancestors 'none'") == true)
        }
    }

    @Test("Methods and targets that are none are refused") func targets() throws {
        let ask = try Asking()
        #expect(try ask("DELETE", "/v2").status == .methodNotAllowed)
        #expect(try ask("GET", "/read").headers.contains { $0.name == "Allow" && $0.value == "POST" })
        #expect(try ask("POST", "/read", [("Content-Encoding", "gzip")], [1]).status == .unsupported)
        #expect(try ask("GET", "/../etc/passwd").status == .notFound)
        #expect(try ask("GET", "/login.html").status == .notFound)
        for target in ["nothing", "ftp://x/", "/%zz", "/%00", "/%ff"] {
            #expect(throws: ServiceError.self) { try ask("GET", target) }
        }
        // As to a proxy.
        #expect(try ask("GET", "http://localhost:8080/v2/health/live").status == .ok)
        #expect(try ask("GET", "http://localhost:8080").text == ask("GET", "/").text)
    }
}
