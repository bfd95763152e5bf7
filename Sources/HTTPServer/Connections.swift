import NIOCore
import Synchronization

/// The connections that are open, and what their bodies take.
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

    /// A request's head has come, or its answer has gone.
    func mark(_ channel: any Channel, isBusy: Bool) {
        open.withLock { $0.channels[ObjectIdentifier(channel)]?.isBusy = isBusy }
    }

    /// - Returns: whether there was room for so many more bytes of bodies.
    func take(bytes: Int) -> Bool {
        open.withLock { open in
            guard open.bodyBytes + bytes <= mostBodies else { return false }
            open.bodyBytes += bytes
            return true
        }
    }

    func give(bytes: Int) { open.withLock { $0.bodyBytes -= bytes } }

    /// Closes those on which nothing is asked.
    func closeIdle() {
        for (channel, isBusy) in open.withLock({ Array($0.channels.values) }) where !isBusy {
            channel.close(promise: nil)
        }
    }
}
