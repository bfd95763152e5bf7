import Foundation
import Numeral

/// What programs beside `trainer` need of it.
extension CommandLineProgram {
    package static var version: String { Numeral.version }

    /// Returns at the first Ctrl-C or SIGTERM; the second ends the program at once.
    package static func waitForSignal() {
        Interruption.install()
        while !Interruption.isRequested { usleep(50_000) }
    }
}
