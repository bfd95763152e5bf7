import Foundation
import Runs
import Synchronization

/// What happens in a run, as server-sent events: the lines of `events.jsonl` under their names, of steps the last of each look.
/// At the run's end an event `state` with its state, and the stream is over.
///
/// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
final class RunStream: EventSource {
    private struct Position {
        var offset: UInt64 = 0
        /// A line that is not whole yet.
        var rest: [UInt8] = []
        var quietLooks = 0
    }

    private let run: RunFolder
    private let position = Mutex(Position())
    /// Bytes that are read in one look.
    private static let mostBytes = 1 << 20
    /// Looks without news after which a comment is sent, so that one who has gone is noticed.
    private static let looksToBeat = 20

    init(_ run: RunFolder) { self.run = run }

    func next() -> (bytes: [UInt8], isLast: Bool) {
        // Before the file: what a run wrote last is read, or it is asked again.
        let state = RunIndex.state(run)
        return position.withLock { position in
            let (lines, isMore) = read(&position)
            var output = ""
            var step: Substring?
            for line in lines {
                let name = line.hasPrefix("{\"event\":\"") ? line.dropFirst(10).prefix { $0 != "\"" } : ""
                guard ["began", "step", "epoch", "ended"].contains(name) else { continue }
                if name == "step" {
                    step = line[...]
                } else {
                    output += "event: \(name)\ndata: \(line)\n\n"
                    step = nil
                }
            }
            if let step { output += "event: step\ndata: \(step)\n\n" }
            let isLast = !isMore && state != .running
            if isLast { output += "event: state\ndata: {\"state\":\"\(state.rawValue)\"}\n\n" }
            position.quietLooks = output.isEmpty ? position.quietLooks + 1 : 0
            if position.quietLooks == Self.looksToBeat {
                output = ": still here\n\n"
                position.quietLooks = 0
            }
            return (Array(output.utf8), isLast)
        }
    }

    /// Whole lines that came, and whether there are more. A file that became shorter (a run that was resumed) is read anew.
    private func read(_ position: inout Position) -> (lines: [String], isMore: Bool) {
        guard let handle = try? FileHandle(forReadingFrom: run.url(of: .events)) else { return ([], false) }
        defer { try? handle.close() }
        let end = (try? handle.seekToEnd()) ?? 0
        if end < position.offset { position = Position() }
        guard end > position.offset, (try? handle.seek(toOffset: position.offset)) != nil,
            let data = try? handle.read(upToCount: Self.mostBytes), !data.isEmpty
        else { return ([], false) }
        position.offset += UInt64(data.count)
        let bytes = position.rest + [UInt8](data)
        guard let last = bytes.lastIndex(of: 0x0A) else {
            position.rest = bytes.count > Self.mostBytes ? [] : bytes
            return ([], position.offset < end)
        }
        position.rest = Array(bytes[(last + 1)...])
        return (
            bytes[..<last].split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }, position.offset < end
        )
    }
}
