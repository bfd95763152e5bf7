import Commands

/// `trainer`: trains, evaluates and inspects networks from JSON configurations.
@main
enum Main {
    static func main() { CommandLineProgram.run() }
}
