import LinearAlgebra
import Tensors
import Workers

/// What processes that train together must agree on.
extension Trainer {
    /// What they do next, the same for all: one that is to stop stops all, and rank 0's clock counts.
    func agree(stops: Bool, isDue: Bool) -> (stops: Bool, isDue: Bool) {
        let bits = communicator.union((stops ? 1 : 0) | (isDue && communicator.rank == 0 ? 2 : 0))
        return (bits & 1 != 0, bits != 0)
    }

    /// Checks that all hold the same weights. They do unless one of them computes otherwise than the others.
    func checkReplicas() throws(OperationError) {
        guard communicator.size > 1 else { return }
        let print = "\(network.store.parameters.fingerprint) \(network.store.state.fingerprint)"
        let prints = communicator.gather(Array(print.utf8))
        guard let other = prints.firstIndex(where: { $0 != prints[0] }) else { return }
        throw OperationError(
            "training, epoch \(progress.epoch)", problem: "rank \(other) does not hold the weights of rank 0",
            remedy: "train on machines of one kind, with the same build; trainer doctor checks each machine's BLAS")
    }

    /// - Throws: `InputError` where the options ask for what several processes cannot do together.
    static func check(_ options: TrainingOptions, canBeSharedBy communicator: any Communicator) throws(InputError) {
        // A teacher's images would have to be grouped as on one process, to give it the same bits.
        guard communicator.size == 1 || options.distillation == nil else {
            throw InputError(
                "training.distillation", expected: "one process", received: "\(communicator.size)",
                remedy: "train with teachers without mpirun")
        }
    }
}
