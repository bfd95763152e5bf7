import Formats
import Foundation
import Tensors

/// Configuration files.
package enum ExperimentFile {
    /// Reads a configuration, applies `overrides` (see ``Overrides``) and decodes the result strictly.
    ///
    /// - Throws: An `InputError` whose place names the file and the path or the line and column in it, such as
    ///   `config/default.json: training.epochs` or `config/default.json:12:5`; or the invalid override.
    package static func load(path: String, overrides: [String] = []) throws(InputError) -> Experiment {
        let text = try JSONValue.parse(try read(path), name: path)
        return try Experiment.decode(try Overrides.apply(overrides, to: text), name: path)
    }

    /// Reads at most ``JSONValue/sizeLimit`` + 1 bytes of the file, whatever its size or kind.
    static func read(_ path: String) throws(InputError) -> [UInt8] {
        let expected = "a configuration file that can be read"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw InputError(path, expected: expected, received: "no such file")
        }
        guard !isDirectory.boolValue else {
            throw InputError(path, expected: expected, received: "a folder")
        }
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            return Array(try file.read(upToCount: JSONValue.sizeLimit + 1) ?? Data())
        } catch {
            throw InputError(path, expected: expected, received: (error as NSError).localizedDescription)
        }
    }
}

extension Experiment {
    /// Decodes a configuration strictly.
    ///
    /// - Parameter name: The file name for errors; may be empty.
    /// - Throws: An `InputError` placed at `name: path` for the first member that is unknown, of the wrong type or out
    ///   of range, then for missing keys, then for sections that contradict each other.
    package static func decode(_ json: JSONValue, name: String) throws(InputError) -> Experiment {
        do throws(InputError) {
            return try Codec.experiment.decode(json, ConfigurationPath())
        } catch {
            var located = error
            located.place = [name, error.place].filter { !$0.isEmpty }.joined(separator: ": ")
            throw located
        }
    }

    /// Decodes the text of a configuration strictly.
    package static func decode(_ text: String, name: String) throws(InputError) -> Experiment {
        try decode(try JSONValue.parse(text, name: name), name: name)
    }
}
