import NIOCore
import Synchronization

/// The open connections, and the memory that their request bodies take.
final class Connections: Sendable {
    private struct Open {
        var channels: [ObjectIdentifier: (channel: any Channel, isBusy: Bool)] = [:]
        var bodyBytes = 0
    }

    private let open = Mutex(Open())
    private let mostConnections, mostBodies: Int

    init(_ options: ServerOptions) {
        (mostConnections, mostBodies) = (options.mostConnections, options.mostBodies)
    }

    var count: Int { open.withLock { $0.channels.count } }

    /// Adds a connection.
    /// - Returns: whether there was room.
    func add(_ channel: any Channel) -> Bool {
        open.withLock { open in
            guard open.channels.count < mostConnections else { return false }
            open.channels[ObjectIdentifier(channel)] = (channel, false)
            return true
        }
    }

    func remove(_ channel: any Channel) {
        open.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Marks a connection as busy when a request's head has arrived, or as idle when its response is complete.
    func mark(_ channel: any Channel, isBusy: Bool) {
        open.withLock { $0.channels[ObjectIdentifier(channel)]?.isBusy = isBusy }
    }

    /// Reserves memory for request bodies.
    /// - Returns: whether there was room for `bytes` more.
    func take(bytes: Int) -> Bool {
        open.withLock { open in
            guard open.bodyBytes + bytes <= mostBodies else { return false }
            open.bodyBytes += bytes
            return true
        }
    }

    func give(bytes: Int) { open.withLock { $0.bodyBytes -= bytes } }

    /// Closes the connections that have no request in progress.
    func closeIdle() {
        for (channel, isBusy) in open.withLock({ Array($0.channels.values) }) where !isBusy {
            channel.close(promise: nil)
        }
    }
}
