import Foundation
import Numeral

/// Support for programs other than `trainer`.
extension CommandLineProgram {
    package static var version: String { Numeral.version }

    /// Returns at the first Ctrl-C or SIGTERM; a second one ends the program immediately.
    package static func waitForSignal() {
        Interruption.install()
        while !Interruption.isRequested { usleep(50_000) }
    }
}
