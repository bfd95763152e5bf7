import Datasets
import Formats
import Foundation
import Tensors

/// A checkpoint file: the state of training, and the conditions for resuming it.
///
/// A safetensors file whose tensors are those of ``TrainingState`` and whose metadata holds, besides the format and the
/// checksum, the configuration as text and the rest as JSON. The checksum is the SHA-256 of the file with 64 zeros in
/// place of the checksum.
package struct Checkpoint: Hashable, Sendable {
    /// The resolved configuration of the run, as its JSON text.
    package var configuration: String
    /// The SHA-256 of the training and test files, by name.
    package var dataDigests: [String: String]
    /// What the bits depend on: the version of Numeral, the BLAS and its kernels, and vector features, by name.
    package var engine: [String: String]
    /// The lengths in bytes of the run's files that grow, by name.
    package var liveFiles: [String: Int]
    /// Sums that these files carry from record to record, by name.
    package var liveSums: [String: [Double]]
    package var state: TrainingState

    private static let format = "numeral-checkpoint-1"
    private static let formatPrefix = "numeral-checkpoint-"
    private static let checksumKey = "numeral.sha256"
    private static let noChecksum = String(repeating: "0", count: 64)

    package init(
        configuration: String, dataDigests: [String: String], engine: [String: String], liveFiles: [String: Int],
        liveSums: [String: [Double]] = [:], state: TrainingState
    ) {
        self.configuration = configuration
        self.dataDigests = dataDigests
        self.engine = engine
        self.liveFiles = liveFiles
        self.liveSums = liveSums
        self.state = state
    }

    /// Returns the bytes of the file, the same for equal contents.
    /// - Throws: `OperationError` if OpenSSL has no SHA-256.
    package func encoded() throws(OperationError) -> Data {
        var file = SafetensorsFile(
            metadata: [
                "format": Self.format, "numeral.config": configuration, "numeral.data": try Self.json(dataDigests),
                "numeral.engine": try Self.json(engine), "numeral.live_files": try Self.json(liveFiles),
                "numeral.live_sums": try Self.json(liveSums),
                "numeral.progress": try Self.json(state.progress), Self.checksumKey: Self.noChecksum,
            ], tensors: state.tensors)
        file.metadata[Self.checksumKey] = try Self.digest(of: file)
        return file.encoded()
    }

    /// Decodes what ``encoded()`` wrote, and nothing else: any changed byte is detected.
    /// - Throws: ``CheckpointError``.
    package static func decode(_ data: Data, name: String) throws(CheckpointError) -> Checkpoint {
        do {
            var file = try SafetensorsFile.decode(data, name: name)
            let found = file.metadata["format"] ?? "none"
            if found != format, found.hasPrefix(formatPrefix) {
                throw CheckpointError.otherVersion(
                    InputError(
                        name, expected: "a checkpoint of format \(format)", received: found,
                        remedy: "resume with the version of Numeral that wrote it"))
            }
            let checksum = file.metadata[checksumKey] ?? "none"
            file.metadata[checksumKey] = noChecksum
            let digest = try digest(of: file)
            guard found == format, checksum == digest else {
                throw CheckpointError.damaged(
                    InputError(name, expected: "a checkpoint with SHA-256 \(digest)", received: checksum))
            }
            file.metadata[checksumKey] = checksum
            guard file.encoded() == data else {
                // The header differs but has the same meaning, for example with other whitespace.
                throw CheckpointError.damaged(
                    InputError(name, expected: "a checkpoint as it was written", received: "a changed one"))
            }
            return Checkpoint(
                configuration: file.metadata["numeral.config"] ?? "",
                dataDigests: try value(of: "numeral.data", in: file, name: name),
                engine: try value(of: "numeral.engine", in: file, name: name),
                liveFiles: try value(of: "numeral.live_files", in: file, name: name),
                liveSums: try value(of: "numeral.live_sums", in: file, name: name),
                state: TrainingState(
                    progress: try value(of: "numeral.progress", in: file, name: name), tensors: file.tensors))
        } catch let error as CheckpointError {
            throw error
        } catch let error as InputError {
            throw .damaged(error)
        } catch {
            throw .damaged(InputError(name, expected: "a checkpoint", received: "\(error)"))
        }
    }

    private static func digest(of file: SafetensorsFile) throws(OperationError) -> String {
        let digest = Digest()
        digest.update(file.encoded())
        return try digest.hex()
    }

    private static func json(_ value: some Encodable) throws(OperationError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw OperationError("encoding a checkpoint", problem: "\(error)")
        }
    }

    private static func value<Value: Decodable>(
        of key: String, in file: SafetensorsFile, name: String
    ) throws(InputError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data((file.metadata[key] ?? "").utf8))
        } catch {
            throw InputError("\(name): \(key)", expected: "what a checkpoint says there", received: "\(error)")
        }
    }
}

/// The reason why a checkpoint cannot be used.
package enum CheckpointError: Error, Sendable {
    /// The file is not what was written; an older checkpoint may be usable.
    case damaged(InputError)
    /// The file is intact, but in another version of the format.
    case otherVersion(InputError)

    package var inputError: InputError {
        switch self {
        case .damaged(let error), .otherVersion(let error): error
        }
    }
}
