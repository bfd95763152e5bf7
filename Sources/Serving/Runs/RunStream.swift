import Foundation
import Runs
import Synchronization

/// The events of a run as server-sent events: the lines of `events.jsonl` under their names, with only the last step of
/// each poll. When the run ends, an event `state` with its state ends the stream.
///
/// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
final class RunStream: EventSource {
    private struct Position {
        var offset: UInt64 = 0
        /// The beginning of a line that is not complete yet.
        var rest: [UInt8] = []
        var quietLooks = 0
    }

    private let run: RunFolder
    private let position = Mutex(Position())
    /// The maximum number of bytes read in one poll.
    private static let mostBytes = 1 << 20
    /// The number of polls without news after which a comment is sent, so that a disconnected client is noticed.
    private static let looksToBeat = 20

    init(_ run: RunFolder) { self.run = run }

    func next() -> (bytes: [UInt8], isLast: Bool) {
        // Read the state before the file: then either the run's last lines are read below, or the file is polled again.
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

    /// Returns new complete lines, and whether there are more. A file that has become shorter (a resumed run) is read
    /// from the start.
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
