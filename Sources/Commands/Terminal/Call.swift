import ArgumentParser
import Numeral
import Formats
import Tensors

/// Checks the words of a call before they are parsed, so that a misspelt command or option is reported, rather than
/// what the parser misses because of it.
enum Call {
    /// The text that `trainer` prints without arguments.
    static let welcome = """
        Numeral trains, tests and explains convolutional networks for digits and other small pictures.

        Try:
          trainer predict docs/examples/three.png         read a picture, with the network in the box
          trainer --config config/default.json            train on MNIST, and test
          trainer --config config/default.json --data F   train on your own pictures, a folder for each class in F

        trainer --help lists the commands; trainer help COMMAND explains one.
        """

    /// Whether an option of a command may be given several times.
    private static func mayRepeat(_ option: String, of command: String?) -> Bool {
        switch (option, command) {
        case ("--set", _), ("--model", "evaluate"), ("--model", "serve"), ("--name", "serve"): true
        default: false
        }
    }

    /// - Throws: an `InputError` for an unknown command or option, or for an option given twice, of which the parser
    ///   would take the last.
    static func check(_ arguments: [String]) throws(InputError) {
        var command: any ParsableCommand.Type = TrainerCommand.self
        var words = ["trainer"]
        var rest = arguments[...]
        while let word = rest.first, !word.hasPrefix("-"), !children(command).isEmpty {
            if word == "help" { return }
            guard let next = children(command).first(where: { name($0) == word }) else {
                throw unknown(word, in: words, among: children(command).map(name))
            }
            command = next
            words.append(word)
            rest = rest.dropFirst()
        }
        while let standard = command.configuration.defaultSubcommand {
            command = standard
            words.append(name(standard))
        }
        let options = Set(
            command.helpMessage(includeHidden: true).matches(of: /--[a-z][a-z-]*/).map { String($0.output) }
                + ["--version", "--help", "--help-hidden", "--generate-completion-script", "--experimental-dump-help"])
        let place = words.dropFirst().joined(separator: " ")
        var seen = Set<String>()
        for word in rest.prefix(while: { $0 != "--" }) where word.hasPrefix("--") {
            let option = String(word.prefix { $0 != "=" })
            guard options.contains(option) else {
                throw InputError(
                    place, expected: "one of its options", received: option,
                    remedy: joined(Spelling.remedy(for: option, among: options.sorted()), help(words)))
            }
            guard seen.insert(option).inserted || mayRepeat(option, of: words.last) else {
                throw InputError(
                    place, expected: "\(option) once", received: "it twice", remedy: "leave out one of them")
            }
        }
        try checkOverrides(rest.prefix { $0 != "--" }, place)
    }

    /// Options that set a key of a configuration.
    private static let keys = ["--seed": "seed", "--output": "output.directory", "--data": "data.directory"]

    /// - Throws: an `InputError` for a key that is set twice, so that the first value would be lost.
    private static func checkOverrides(_ words: ArraySlice<String>, _ place: String) throws(InputError) {
        var set: [(key: String, by: String)] = []
        for (index, word) in zip(words.indices, words) {
            let option = String(word.prefix { $0 != "=" })
            var key = keys[option]
            if option == "--set" {
                let value = word == option ? words[(index + 1)...].first ?? "" : String(word.dropFirst("--set=".count))
                key = String(value.prefix { $0 != "=" })
            }
            guard let key else { continue }
            let by = option == "--set" ? "--set \(key)" : option
            if let other = set.first(where: { $0.key == key || Overrides.replaces(key, $0.key) }) {
                throw InputError(
                    place, expected: "\(key) once", received: "\(other.by) and \(by)",
                    remedy: "leave out one of them: one would replace the other")
            }
            set.append((key, by))
        }
    }

    private static func unknown(_ word: String, in words: [String], among names: [String]) -> InputError {
        let nearest = Spelling.remedy(for: word, among: names)
        let isFile = word.hasSuffix(".json")
        return InputError(
            (words.dropFirst() + ["command"]).joined(separator: " "),
            expected: "one of: \(names.joined(separator: ", "))", received: word,
            remedy: isFile ? "a configuration is named by --config \(word)" : joined(nearest, help(words)))
    }

    private static func children(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        command.configuration.subcommands
    }

    private static func name(_ command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? command._commandName
    }

    private static func help(_ words: [String]) -> String { "\(words.joined(separator: " ")) --help lists them" }

    private static func joined(_ parts: String...) -> String { parts.filter { !$0.isEmpty }.joined(separator: " · ") }
}
