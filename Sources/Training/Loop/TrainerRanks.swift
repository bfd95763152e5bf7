import LinearAlgebra
import Tensors
import Workers

/// Agreement between the processes that train together.
extension Trainer {
    /// Agrees with all processes on what to do next: any one can stop them all, which makes a checkpoint due too, and
    /// rank 0's clock decides when one is due otherwise.
    func agree(stops: Bool, isDue: Bool) -> (stops: Bool, isDue: Bool) {
        let bits = communicator.union((stops ? 1 : 0) | (isDue && communicator.rank == 0 ? 2 : 0))
        return (bits & 1 != 0, bits != 0)
    }

    /// Checks that all processes hold the same weights, which they do unless one of them computes differently.
    func checkReplicas() throws(OperationError) {
        guard communicator.size > 1 else { return }
        let print = "\(network.store.parameters.fingerprint) \(network.store.state.fingerprint)"
        let prints = communicator.gather(Array(print.utf8))
        guard let other = prints.firstIndex(where: { $0 != prints[0] }) else { return }
        throw OperationError(
            "training, epoch \(progress.epoch)", problem: "rank \(other) does not hold the weights of rank 0",
            remedy: "train on machines of one kind, with the same build; trainer doctor checks each machine's BLAS")
    }

    /// - Throws: `InputError` if the options require something that several processes cannot do together.
    static func check(_ options: TrainingOptions, canBeSharedBy communicator: any Communicator) throws(InputError) {
        // For the same bits, a teacher's images would have to be grouped as on a single process.
        guard communicator.size == 1 || options.distillation == nil else {
            throw InputError(
                "training.distillation", expected: "one process", received: "\(communicator.size)",
                remedy: "train with teachers without mpirun")
        }
    }
}
