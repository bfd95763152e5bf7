import ArgumentParser
import Commands
import HTTPServer
import Serving

/// `trainer serve`, once it has become a program of its own.
@main
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trainer serve",
        abstract: "A page to draw on, live curves of runs, and a service that reads pictures.")

    @OptionGroup var options: ServeOptions

    static func main() { CommandLineProgram.run(Self.self) }

    func run() throws {
        let token = try options.token()
        var server = ServerOptions()
        (server.host, server.port, server.mostBody) = (options.host, options.port, options.maxBody)
        if let chain = options.certificate, let key = options.key { server.certificate = .init(chain: chain, key: key) }
        // Those that wait at the end are answered too, and then may take as long as any.
        server.drainSeconds = max(server.drainSeconds, Int(2 * options.deadline) + 1)
        var serving = Service.Options()
        serving.threads = options.threads
        (serving.queue, serving.deadline) = (options.queue, options.deadline)
        (serving.mostPixels, serving.runs) = (options.maxPixels, options.runs)
        try options.requireSoundBLAS()
        var models: [ServedModel] = []
        for path in options.models.isEmpty ? [nil] : options.models.map(Optional.some) {
            models.append(try ServedModel(path: path))
        }
        let service = try Service(
            models: models, access: AccessPolicy(token: token, names: options.names), options: serving,
            version: CommandLineProgram.version)
        let http = try HTTPServer(service, server, threads: serving.threads)
        let (host, port) = http.address
        let address = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        options.say(
            "Serving \(models.map(\.name).joined(separator: ", ")) at \(server.certificate == nil ? "http" : "https")://\(address)/"
                + (token == nil ? "" : " to who knows the token") + "; Ctrl-C ends.")
        CommandLineProgram.waitForSignal()
        http.drain()
    }
}
