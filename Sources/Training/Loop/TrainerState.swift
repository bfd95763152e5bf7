import Formats
import Tensors

/// Saving and restoring a trainer's state.
extension Trainer {
    /// The buffers of a ``TrainingState``, by name.
    private var buffers: [(name: String, buffer: AlignedBuffer<Float>)] {
        var buffers = [("parameters", network.store.parameters), ("state", network.store.state)]
        buffers += optimizer.state.map { ($0.name, $0.buffer) }
        if let averagedState { buffers.append(("average/state", averagedState)) }
        if progress.history.bestEpoch > 0 {
            buffers += [("best/parameters", best.parameters), ("best/state", best.state)]
        }
        return buffers
    }

    /// Returns the current state, for a checkpoint.
    /// - Throws: ``TrainingError`` if a number in it is NaN or infinite.
    func snapshot() throws(TrainingError) -> TrainingState {
        let state = TrainingState(
            progress: progress,
            tensors: buffers.map { TensorRecord(name: $0.name, shape: [$0.buffer.count], values: $0.buffer.array) })
        guard state.isFinite else {
            let images = Double(progress.images)
            throw divergence(of: .weights, loss: progress.images > 0 ? progress.lossSum / images : .nan)
        }
        return state
    }

    /// Restores the state at which another run stopped.
    func restore(_ state: TrainingState) throws(InputError) {
        let place = "checkpoint"
        let position = state.progress
        guard (1...options.epochs + 1).contains(position.epoch), (0...stepsPerEpoch).contains(position.step),
            position.optimizerSteps == (position.epoch - 1) * stepsPerEpoch + position.step,
            position.history.epochs.count == position.epoch - 1
        else {
            throw InputError(
                place, expected: "a place in \(options.epochs) epochs of \(stepsPerEpoch) steps",
                received: "epoch \(position.epoch), step \(position.step), \(position.optimizerSteps) steps in all, "
                    + "\(position.history.epochs.count) epochs in the history")
        }
        progress = position
        optimizer.stepsTaken = position.optimizerSteps
        let targets = buffers
        guard targets.map(\.name) == state.tensors.map(\.name) else {
            throw InputError(
                place, expected: targets.map(\.name).joined(separator: ", "),
                received: state.tensors.map(\.name).joined(separator: ", "))
        }
        for (target, tensor) in zip(targets, state.tensors) {
            guard tensor.values.count == target.buffer.count else {
                throw InputError(
                    "\(place): \(tensor.name)", expected: "\(target.buffer.count) numbers",
                    received: "\(tensor.values.count)")
            }
            target.buffer.copy(from: AlignedBuffer(tensor.values))
        }
    }
}
