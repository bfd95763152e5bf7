import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral
import Workers

/// The processes that run this command together: one, unless a build with MPI was started by `mpirun` or `srun`.
///
/// Rank 0 reads configurations and runs, writes, and prints; the others are silent, unless they fail alone.
struct Ranks {
    let communicator: any Communicator
    /// The MPI library and its version; nil in a build without MPI.
    let library: String?
    /// The members by rank.
    let members: [Member]

    /// The host and cores of a rank.
    struct Member: Codable, Hashable {
        var host: String
        /// The cores it may use, as a mask.
        var mask: String
    }

    /// A failure known to all ranks, so that they end together.
    struct SharedFailure: Error, CustomStringConvertible {
        let code: Int32
        let description: String
    }

    var isFirst: Bool { communicator.rank == 0 }
    var count: Int { communicator.size }

    /// Runs `body` on all ranks and ends them together: in an orderly way if all finish or fail alike, by aborting all
    /// if one fails alone.
    static func join(_ body: (Ranks) throws -> Void) throws {
        let ranks = try Ranks()
        do {
            try body(ranks)
            ranks.end()
        } catch {
            guard ranks.count > 1 else {
                ranks.end()
                throw error
            }
            let isShared = error is SharedFailure || error is TrainingError || error is ExitCode
            if !isShared { ranks.abort(error) }
            // Printed before the processes end, since the launcher then prints messages as well.
            if ranks.isFirst, !(error is ExitCode) { Console.message("trainer: \(error)") }
            ranks.end()
            throw ExitCode(TrainerCommand.code(of: error))
        }
    }

    private init() throws {
        #if NUMERAL_MPI
            let mpi = try MPICommunicator()
            communicator = mpi
            library = mpi.library
            if mpi.rank > 0 { Console.silence() }
        #else
            for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
                if let text = ProcessInfo.processInfo.environment[name], let size = Int(text), size > 1 {
                    throw InputError(
                        "mpirun", expected: "a trainer built with MPI, to train with \(size) processes together",
                        received: "one built without",
                        remedy: "build with: NUMERAL_MPI=1 swift build --scratch-path .build/mpi --product trainer")
                }
            }
            communicator = SingleRank()
            library = nil
        #endif
        let own = Member(host: Self.hostName, mask: Machine.affinityMask ?? "")
        let gathered = communicator.gather(Array(try JSONEncoder().encode(own)))
        members = try gathered.map { try JSONDecoder().decode(Member.self, from: Data($0)) }
    }

    private static var hostName: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: &name.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private func end() {
        #if NUMERAL_MPI
            (communicator as? MPICommunicator)?.end()
        #endif
    }

    private func abort(_ error: any Error) {
        Console.speak()
        Console.message("trainer: rank \(communicator.rank) (\(members[communicator.rank].host)): \(error)")
        #if NUMERAL_MPI
            (communicator as? MPICommunicator)?.abort(TrainerCommand.code(of: error))
        #endif
    }

    /// The number of threads for this rank's pool: its cores, shared with the ranks of its host that may use the same.
    var threads: Int {
        let own = members[communicator.rank]
        let local = members.filter { $0.host == own.host }
        let sharing = local.count { $0.mask == own.mask }
        let cores = min(Machine.cores, Machine.affinity ?? Machine.cores) / max(sharing, 1)
        return max(1, min(cores, (Machine.quota ?? Machine.cores) / max(local.count, 1)))
    }

    /// The hosts and the number of ranks on each, in the order of the ranks.
    var hosts: [(name: String, ranks: Int)] {
        var result: [(name: String, ranks: Int)] = []
        for member in members {
            if let index = result.firstIndex(where: { $0.name == member.host }) {
                result[index].ranks += 1
            } else {
                result.append((member.host, 1))
            }
        }
        return result
    }

    /// `Open MPI v4.1.4, 4 ranks on a (2), b (2)`; nil in a build without MPI.
    var description: String? {
        library.map { library in
            let places = hosts.map { count == 1 ? $0.name : "\($0.name) (\($0.ranks))" }.joined(separator: ", ")
            return "\(library), \(count) rank\(count == 1 ? "" : "s") on \(places)"
        }
    }

    // MARK: - Together

    /// Runs `work` on every rank. If it fails on any, all throw the failure of the lowest such rank.
    func together<Result>(_ work: () throws -> Result) throws -> Result {
        guard count > 1 else { return try work() }
        var result: Result?
        var failure: (any Error)?
        do { result = try work() } catch { failure = error }
        let message = failure.map { [UInt8(clamping: TrainerCommand.code(of: $0))] + Array("\($0)".utf8) } ?? []
        let messages = communicator.gather(message)
        if let rank = messages.firstIndex(where: { !$0.isEmpty }) {
            let text = String(decoding: messages[rank].dropFirst(), as: UTF8.self)
            throw SharedFailure(
                code: Int32(messages[rank][0]),
                description: rank == 0 ? text : "rank \(rank) (\(members[rank].host)): \(text)")
        }
        guard let result else { throw failure ?? SharedFailure(code: 1, description: "no result") }
        return result
    }

    /// Runs `work` on rank 0 only; if it fails, all throw. Returns nil on the others.
    func onFirst<Result>(_ work: () throws -> Result) throws -> Result? {
        try together { isFirst ? try work() : nil }
    }

    /// Returns the bytes of rank 0 on every rank.
    func share(_ bytes: Data) -> Data { count == 1 ? bytes : Data(communicator.broadcast(Array(bytes))) }

    /// Returns the configuration of rank 0, which alone has read it, on every rank.
    func share(_ pair: (Experiment, ResolvedGraph)?) throws -> (Experiment, ResolvedGraph) {
        let text = share(Data((pair?.0.jsonText ?? "").utf8))
        if let pair { return pair }
        let experiment = try Experiment.decode(String(decoding: text, as: UTF8.self), name: "rank 0's configuration")
        return (experiment, try ResolvedGraph(experiment.model))
    }

    /// Returns the training state in rank 0's checkpoint on every rank; nil if there is none.
    func share(state checkpoint: Checkpoint?) throws -> TrainingState? {
        guard count > 1 else { return checkpoint?.state }
        let bytes = share(try checkpoint?.encoded() ?? Data())
        if isFirst || bytes.isEmpty { return checkpoint?.state }
        do throws(CheckpointError) {
            return try Checkpoint.decode(bytes, name: "the checkpoint of rank 0").state
        } catch {
            throw error.inputError
        }
    }

    /// Returns whether `fact` is true on any rank.
    func isAnyTrue(_ fact: Bool) -> Bool { communicator.union(fact ? 1 : 0) != 0 }

    /// Checks that every rank has the same facts as rank 0, of those that determine the results bit by bit.
    /// - Parameter what: a description of the facts, such as `the data of rank 0`.
    func check(_ facts: [String: String], are what: String, remedy: String) throws {
        guard count > 1 else { return }
        let first = try JSONDecoder().decode([String: String].self, from: share(JSONEncoder().encode(facts)))
        _ = try together {
            let differences = Resumption.differences(facts, first) { $0.count == 64 ? $0.prefix(12) + "…" : $0 }
            guard differences.isEmpty else {
                throw InputError(
                    "this rank", expected: what, received: differences.joined(separator: ", "), remedy: remedy)
            }
        }
    }
}
