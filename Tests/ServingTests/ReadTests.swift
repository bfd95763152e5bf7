import Foundation
import Testing

@testable import Serving

@Suite struct ReadTests {
    private static func multipart(_ files: [(String, [UInt8])], _ boundary: String = "xYz") -> [UInt8] {
        files.reduce([]) { body, file in
            body
                + Array(
                    "--\(boundary)\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(file.0)\"\r\n\r\n".utf8)
                + file.1 + Array("\r\n".utf8)
        } + Array("--\(boundary)--\r\n".utf8)
    }

    @Test("A posted picture, or several of a form, are answered as predict --json answers") func bytes() throws {
        let ask = try Asking()
        let three = try ask("POST", "/read", [], try example("three.png"))
        #expect(three.status == .ok && three.text.contains("\"file\": \"-\""))
        #expect(three.text.contains("\"text\": [\"3\"]"))
        let form = try ask(
            "POST", "/read?segment", [("Content-Type", "multipart/form-data; boundary=\"xYz\"")],
            Self.multipart([("a/three.png", try example("three.png")), ("seven.jpg", try example("seven.jpg"))]))
        #expect(form.text.contains("\"file\": \"three.png\"") && form.text.contains("\"file\": \"seven.jpg\""))
        #expect(form.text.contains("lineProbabilities"))
    }

    @Test("What cannot be read is told in its place, and by the status where nothing could") func failures() throws {
        let ask = try Asking()
        let none = try ask("POST", "/read", [], Array("no picture".utf8))
        #expect(none.status == .unprocessable && none.text.contains("standard input: expected a picture"))
        let one = try ask(
            "POST", "/read", [("content-type", "multipart/form-data; boundary=xYz")],
            Self.multipart([("bad.png", [1, 2, 3]), ("seven.jpg", try example("seven.jpg"))]))
        #expect(one.status == .ok && one.text.contains("bad.png: expected a picture"))
        let large = try Asking { $0.mostPixels = 1_024 }("POST", "/read", [], try example("three.png"))
        #expect(large.status == .unprocessable && large.text.contains("at most"))
    }

    @Test(
        "Options that are unknown, damaged or contrary are refused by name",
        arguments: [
            ("/read?segmnt", "segmnt"), ("/read?segment=perhaps", "segment"), ("/read?reject=2", "reject"),
            ("/read?raw&segment", "raw"), ("/read?model=other", "model"),
        ]) func options(_ target: String, _ named: String) throws
    {
        let answer = try Asking()("POST", target, [], [1])
        #expect(answer.status == .badRequest || answer.status == .notFound)
        #expect(answer.error?.contains(named) == true)
    }

    @Test("An explanation is a PNG in Base64, and only where asked for") func explanation() throws {
        let ask = try Asking()
        let plain = try ask("POST", "/read", [], try example("three.png"))
        #expect(!plain.text.contains("explanation"))
        let explained = try ask("POST", "/read?explain=true", [], try example("three.png"))
        let text = explained.json?["files"]?.array?.first?.object?["explanation"]?.string
        #expect(Data(base64Encoded: text ?? "")?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
    }

    @Test("Every prefix and every damaged byte of a form gives parts or an error") func damagedForms() throws {
        let body = Self.multipart([("a.png", [1, 2, 13, 10, 45, 45, 3]), ("b", [])])
        let sound = try Multipart.parts(body, boundary: "xYz")
        #expect(sound.map { Array($0.bytes) } == [[1, 2, 13, 10, 45, 45, 3], []])
        #expect(sound.map(\.fileName) == ["a.png", "b"])
        for end in 0..<(body.count - 4) {
            #expect(throws: ServiceError.self) { try Multipart.parts(Array(body[..<end]), boundary: "xYz") }
        }
        for index in body.indices {
            var damaged = body
            damaged[index] ^= 0x20
            _ = try? Multipart.parts(damaged, boundary: "xYz")
        }
    }

    @Test("A form's boundary is found as RFC 2046 writes it") func boundaries() {
        #expect(Multipart.boundary("multipart/form-data; boundary=----WebKit12") == "----WebKit12")
        #expect(Multipart.boundary("Multipart/Form-Data; charset=x; Boundary=\"a b\"") == "a b")
        #expect(Multipart.boundary("multipart/mixed; boundary=a") == nil)
        #expect(Multipart.boundary("multipart/form-data") == nil)
        #expect(Multipart.boundary("multipart/form-data; boundary=") == nil)
    }

    @Test("A part's file name is a quoted string or a token, as other libraries write it") func fileNames() throws {
        for header in [
            "name=f; filename=three.png; filename*=utf-8''x.png",
            "name=\"a;b\"; FILENAME = x; filename=\"d/three.png\"",
        ] {
            let body =
                Array("--b\r\nContent-Disposition: form-data; \(header)\r\n\r\n".utf8) + (try example("three.png"))
                + Array("\r\n--b--\r\n".utf8)
            let found = try Asking()("POST", "/read", [("Content-Type", "multipart/form-data ; boundary=b")], body)
            #expect(found.status == .ok && found.text.contains("\"file\": \"three.png\""), "\(header): \(found.text)")
        }
    }

    @Test("A client that has gone is not read for any further") func gone() throws {
        let ask = try Asking()
        let picture = try example("three.png"), body = Self.multipart([("a.png", picture), ("b.png", picture)])
        let request = try ask.request(
            "POST", "/read?segment", [("Content-Type", "multipart/form-data; boundary=xYz")], body)
        let read = try ReadRequest(request, models: ask.service.models)
        let reader = try ModelReader(ask.service.models[0]).reader
        let response = read.answer(reader, model: ask.service.models[0], limits: .init()) {
            ServiceError(.unavailable, "gone")
        }
        #expect(response.status == .unavailable)
    }

    @Test("The pictures of a form have as many pixels together as one may have") func pixels() throws {
        let service = try Asking { $0.mostPixels = 16_384 }
        func ask(_ count: Int) throws -> ServiceResponse {
            let files = (0..<count).map {
                ("\($0).pgm", Array("P5 100 80 255\n".utf8) + [UInt8](repeating: 240, count: 8_000))
            }
            return try service(
                "POST", "/read?segment", [("Content-Type", "multipart/form-data; boundary=xYz")], Self.multipart(files))
        }
        #expect(try !ask(2).text.contains("\"error\""))
        let three = try ask(3)
        #expect(three.status == .ok && three.text.components(separatedBy: "\"error\"").count == 2, "\(three.text)")
    }
}
