import Foundation
import Synchronization

/// Ctrl-C and SIGTERM: the first asks the running step to be the last, the second ends the program at once.
enum Interruption {
    private static let requests = Atomic<Int>(0)

    static var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }

    static func install() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                if Interruption.requests.add(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
            }
        }
    }
}
