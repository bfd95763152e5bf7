import ArgumentParser
import Foundation
import Numeral
import Tensors
import Workers

/// The options of `trainer serve`. A separate program, `trainer-serve`, does the serving: SwiftNIO, on which it is
/// built, takes a minute to build and is not needed otherwise.
package struct ServeOptions: ParsableArguments {
    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "A run folder or a model file; repeatable. Requests that name no model use the first. Default: the bundled model.",
            valueName: "run|file"))
    package var models: [String] = []

    @Option(help: "The address to listen on; any other than loopback (127.0.0.1, ::1) requires a token.")
    package var host = "127.0.0.1"

    @Option(help: "The port; 0 for any free one.")
    package var port = 8080

    @Option(help: "The folder of runs shown on the page /runs.")
    package var runs = "runs"

    @Option(
        help: ArgumentHelp(
            "A file with the token that requests must carry, of at least 16 characters; or set the variable NUMERAL_TOKEN.",
            valueName: "file"))
    package var tokenFile: String?

    @Option(
        name: .customLong("name"),
        help: ArgumentHelp(
            "A host name under which this server is reached, besides localhost and addresses; repeatable.",
            valueName: "host"))
    package var names: [String] = []

    @Option(help: ArgumentHelp("For HTTPS: the certificate and its chain, a PEM file.", valueName: "file"))
    package var certificate: String?

    @Option(help: ArgumentHelp("For HTTPS: the certificate's private key, a PEM file.", valueName: "file"))
    package var key: String?

    @Option(help: "The number of requests that may wait; further ones are refused with status 429.")
    package var queue = 256

    @Option(
        help: ArgumentHelp("The longest a request may wait; then it is answered with status 503.", valueName: "seconds")
    )
    package var deadline = 30.0

    @Option(help: ArgumentHelp("The largest request body.", valueName: "bytes"))
    package var maxBody = 1 << 24

    @Option(help: ArgumentHelp("The pixels of a request's pictures together, after decoding.", valueName: "pixels"))
    package var maxPixels = 1 << 24

    @OptionGroup var common: CommonOptions

    package init() {}

    /// The number of threads that read pictures.
    package var threads: Int { common.threads ?? Machine.usableCores }

    /// - Throws: an `InputError` for an invalid number of threads; an `OperationError` if the BLAS multiplies
    ///   incorrectly on this machine, or there is not enough memory for so many threads.
    package func requireSoundBLAS() throws { try common.makePool().shutdown() }

    package func say(_ text: String) { common.say(text) }

    package func validate() throws {
        func check<Value: Comparable>(_ option: String, _ value: Value, _ range: ClosedRange<Value>) throws {
            guard range.contains(value) else {
                throw ValidationError("\(option): expected \(range.lowerBound)…\(range.upperBound) · received \(value)")
            }
        }
        try check("--port", port, 0...65_535)
        try check("--queue", queue, 1...1_000_000)
        try check("--deadline", deadline, 0.001...3_600)
        try check("--max-body", maxBody, 1_024...(1 << 30))
        try check("--max-pixels", maxPixels, 1_024...(1 << 26))
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--certificate and --key: expected both or neither")
        }
    }

    /// Whether only this machine reaches the host: an address of 127.0.0.0/8, `::1`, or `localhost`. Other names may
    /// lead anywhere.
    private var isLoopback: Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return ["::1", "localhost"].contains(host)
            || (numbers.count == 4 && numbers.first == 127 && !numbers.contains(nil))
    }

    /// Returns the token given by file or environment.
    /// - Throws: an `InputError` if the file cannot be read, or if the address is not this machine's own and there is
    ///   no token.
    package func token(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String? {
        var token = environment["NUMERAL_TOKEN"]
        var place = "NUMERAL_TOKEN"
        if let tokenFile {
            guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
                throw InputError("--token-file", expected: "a file that can be read", received: tokenFile)
            }
            (token, place) = (text.trimmingCharacters(in: .whitespacesAndNewlines), "--token-file \(tokenFile)")
        }
        if let token {
            let isPlain = token.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x3B && $0 != 0x2C && $0 != 0x22 }
            guard (16...1_024).contains(token.utf8.count), isPlain else {
                throw InputError(
                    place,
                    expected: "16 to 1,024 letters, digits and signs without spaces, quotes, commas or semicolons",
                    received: isPlain ? "\(token.utf8.count) characters" : "others",
                    remedy: "make one: openssl rand -hex 24")
            }
            return token
        }
        guard isLoopback else {
            throw InputError(
                "--host \(host)", expected: "a token, since others reach this address", received: "none",
                remedy: "make one: openssl rand -hex 24 > token, then --token-file token")
        }
        return nil
    }
}

/// `trainer serve`: serves a page to draw on, live runs, and an API.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a page to draw on, live curves of runs, and an API that reads pictures.",
        discussion: """
            Open http://127.0.0.1:8080 in a browser. Programs post pictures to /read, or speak the Open Inference Protocol (/v2); \
            /openapi.json describes both. On Ctrl-C or SIGTERM it answers pending requests, then exits.
            """)

    /// The name of the program that serves.
    static let program = "trainer-serve"

    @OptionGroup var options: ServeOptions

    /// Replaces this process with the program that serves, with the same arguments.
    func run() throws {
        _ = try options.token()
        // Without /proc, use the name by which the program was called.
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let own = URL(fileURLWithPath: link ?? CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let release = own.deletingLastPathComponent().appendingPathComponent("release")
        // The newer one: the other may be out of date.
        let candidates = [release, own].map { $0.appendingPathComponent(Self.program).path }
            .filter(FileManager.default.isExecutableFile(atPath:))
        func made(_ path: String) -> Date {
            let date = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
            return date as? Date ?? .distantPast
        }
        guard let path = candidates.max(by: { made($0) < made($1) }) else {
            throw OperationError(
                "serve", problem: "its program \(Self.program) is not built yet",
                remedy: "build it, which takes some minutes once: swift build -c release --product \(Self.program)")
        }
        let words = [path] + CommandLine.arguments.drop { $0 != "serve" }.dropFirst()
        let arguments = words.map { strdup($0) } + [nil]
        execv(path, arguments)
        throw OperationError("serve", problem: "starting \(path): \(String(cString: strerror(errno)))")
    }
}
