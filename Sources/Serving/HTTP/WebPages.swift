import Formats
import Foundation
import Tensors

/// The files of the web pages, loaded once.
struct WebPages: Sendable {
    private struct File {
        var type: String
        var bytes: [UInt8]
        var tag: String
    }

    private let files: [String: File]

    /// - Throws: an `InputError` if the package's resources are missing.
    init() throws {
        let folder = Bundle.module.bundleURL.appendingPathComponent("web", isDirectory: true)
        var files: [String: File] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
            guard let type = ServiceResponse.mediaType(ofFile: name),
                let data = try? Data(contentsOf: folder.appendingPathComponent(name))
            else { continue }
            files[name] = File(type: type, bytes: [UInt8](data), tag: "\"\(try Digest.hex([UInt8](data)).prefix(16))\"")
        }
        guard files["index.html"] != nil, files["login.html"] != nil else {
            throw InputError(
                folder.path, expected: "the service's pages", received: "none",
                remedy: "keep numeral_Serving.resources beside the program")
        }
        self.files = files
    }

    /// - Throws: a ``ServiceError`` (404).
    func file(_ name: String, ifNoneMatch tag: String?) throws(ServiceError) -> ServiceResponse {
        guard name != "login.html", let file = files[name] else { throw Route.notFound }
        let headers = [("ETag", file.tag), ("Cache-Control", "no-cache")]
        if tag == file.tag {
            return ServiceResponse(.notModified, contentType: file.type, headers: headers, body: [])
        }
        return ServiceResponse(contentType: file.type, headers: headers, body: file.bytes)
    }

    /// Returns the form that asks for the token.
    /// - Parameter message: what was wrong with the one given.
    func login(_ error: ServiceError, message: String? = nil) -> ServiceResponse {
        let page = files["login.html"]
        var text = String(decoding: page?.bytes ?? [], as: UTF8.self)
        if let message, let form = text.range(of: "<form") {
            text.insert(contentsOf: "<p role=\"alert\">\(message)</p>\n", at: form.lowerBound)
        }
        return ServiceResponse(
            error.status, contentType: page?.type ?? "text/plain", headers: error.headers, body: Array(text.utf8))
    }
}
