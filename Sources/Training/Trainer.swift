import Datasets
import Kernels
import NeuralNetwork
import Tensors

/// What training leaves behind.
public struct TrainedModel: Sendable {
    /// The kept weights: with early stopping those of the best epoch, averaged where averaging is on.
    public let parameters: AlignedBuffer<Float>
    /// Batch-norm's running statistics that go with them.
    public let state: AlignedBuffer<Float>
    public let history: TrainingHistory
    /// Whether it was stopped from outside before its end.
    public let interrupted: Bool
}

/// The training loop: batches in, steps, an epoch's validation, early stopping.
///
/// Everything random has an address made of the seed, the epoch and the sample, and all sums are ordered: the same
/// options, data and seed give the same bits for every thread count.
public final class Trainer {
    private let graph: ResolvedGraph
    private let options: TrainingOptions
    private let data: LoadedData
    private let pool: WorkerPool
    private let network: TrainingNetwork
    private let optimizer: Optimizer
    private let schedule: LearningRateSchedule
    private let loader: BatchLoader
    private let validator: Classifier?
    /// The moving average of batch-norm's statistics, which belongs with averaged weights.
    private let averagedState: AlignedBuffer<Float>?
    private let stepsPerEpoch: Int

    /// - Parameters:
    ///   - normalization: how pixels are brought to the network.
    ///   - evaluationBatchSize: images a batch at validation.
    /// - Throws: an ``InputError`` where network and data do not fit, an ``OperationError`` where the network cannot be
    ///   made.
    public init(
        graph: ResolvedGraph, options: TrainingOptions, data: LoadedData, augmentation: AugmentationOptions,
        normalization: Normalization, evaluationBatchSize: Int = 500, seed: UInt64, pool: WorkerPool
    ) throws {
        try Classifier.check(graph, fits: data.train, named: data.dataset)
        self.graph = graph
        self.options = options
        self.data = data
        self.pool = pool
        let constants = data.normalizationConstants(normalization)
        let batchSize = min(options.batchSize, data.train.count)
        network = try TrainingNetwork(
            graph: graph, batchSize: batchSize, shards: options.shards, seed: seed, pool: pool)
        optimizer = Optimizer(
            options: options.optimizer, l2: options.l2, clipping: options.gradientClipping,
            averagingDecay: options.averagingDecay, tensors: graph.parameters, count: graph.parameterCount)
        averagedState = options.averagingDecay == nil ? nil : graph.initialState()
        loader = BatchLoader(
            data: data.train, batchSize: batchSize, normalization: constants,
            augmenter: augmentation.isIdentity
                ? nil
                : try Augmenter(
                    augmentation, height: data.train.height, width: data.train.width, channels: data.train.channels,
                    seed: seed),
            seed: seed, shuffle: true)
        stepsPerEpoch = loader.batchCount
        schedule = LearningRateSchedule(
            options: options.schedule, warmupEpochs: options.warmupEpochs, stepsPerEpoch: stepsPerEpoch,
            epochs: options.epochs)
        validator =
            data.validation.count == 0
            ? nil
            : Classifier(
                graph: graph, batchSize: evaluationBatchSize, normalization: constants, pool: pool)
    }

    /// Trains to the end, an early stop, or until `shouldStop` says so (asked after each step).
    /// - Throws: ``TrainingError/diverged(step:epoch:loss:)``.
    public func run(
        shouldStop: () -> Bool = { false }, onEvent: (TrainingEvent) -> Void = { _ in }
    ) throws -> TrainedModel {
        defer { loader.stop() }
        onEvent(
            .began(
                TrainingScale(
                    trainingImages: data.train.count, validationImages: data.validation.count,
                    epochs: options.epochs, stepsPerEpoch: stepsPerEpoch, parameters: graph.parameterCount,
                    workspaceBytes: network.workspaceBytes)))
        var stopping = validator == nil ? nil : options.earlyStopping.map { EarlyStopping(options: $0) }
        let best = (
            parameters: AlignedBuffer<Float>(count: graph.parameterCount),
            state: AlignedBuffer<Float>(count: graph.stateCount)
        )
        var history = TrainingHistory()
        var interrupted = false
        for epoch in 1...options.epochs {
            guard let record = try train(epoch: epoch, shouldStop, onEvent) else {
                interrupted = true
                break
            }
            history.epochs.append(record)
            history.seconds += record.seconds
            var verdict = EarlyStopping.Verdict.improved
            if stopping != nil {
                let value =
                    options.earlyStopping?.monitor == .validationAccuracy
                    ? record.validationAccuracy : record.validationLoss
                verdict = stopping?.observe(epoch: epoch, value: value ?? .nan) ?? .improved
            }
            if verdict == .improved {
                history.bestEpoch = epoch
                best.parameters.copy(from: currentParameters)
                best.state.copy(from: currentState)
            }
            onEvent(.epoch(record, isBest: verdict == .improved))
            if verdict == .stop && epoch < options.epochs {
                history.stoppedEarly = true
                break
            }
        }
        guard history.bestEpoch > 0 || interrupted else {
            // Every validation figure was NaN or infinite although the weights were not.
            throw TrainingError.diverged(
                step: history.epochs.count * stepsPerEpoch, epoch: history.epochs.count,
                loss: history.epochs.last?.validationLoss ?? .nan)
        }
        history.imagesPerSecond =
            history.seconds > 0 ? Double(data.train.count * history.epochs.count) / history.seconds : 0
        onEvent(.ended(history))
        return TrainedModel(
            parameters: best.parameters, state: best.state, history: history, interrupted: interrupted)
    }

    private var currentParameters: AlignedBuffer<Float> { optimizer.averagedParameters ?? network.store.parameters }
    private var currentState: AlignedBuffer<Float> { averagedState ?? network.store.state }

    /// One epoch and its validation; nil where `shouldStop` ended it.
    private func train(
        epoch: Int, _ shouldStop: () -> Bool, _ onEvent: (TrainingEvent) -> Void
    ) throws -> EpochRecord? {
        let clock = ContinuousClock()
        let start = clock.now
        var seconds: Double { (clock.now - start) / .seconds(1) }
        var lossSum = 0.0
        var correct = 0, images = 0, step = 0
        var rate = 0.0
        loader.start(epoch: epoch)
        while let batch = loader.next() {
            let globalStep = (epoch - 1) * stepsPerEpoch + step
            let result = network.step(
                images: batch.images, labels: batch.labels, count: batch.count, step: globalStep,
                labelSmoothing: options.labelSmoothing)
            step += 1
            guard result.lossSum.isFinite else {
                throw TrainingError.diverged(
                    step: globalStep + 1, epoch: epoch, loss: result.lossSum / Double(batch.count))
            }
            rate = options.optimizer.learningRate * schedule.factor(step: globalStep)
            optimizer.step(
                parameters: network.store.parameters, gradients: network.store.gradients, learningRate: rate,
                pool: pool)
            averageState()
            lossSum += result.lossSum
            correct += result.correct
            images += batch.count
            onEvent(
                .step(
                    StepProgress(
                        epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch, images: images, seconds: seconds,
                        loss: lossSum / Double(images), accuracy: Double(correct) / Double(images),
                        learningRate: rate)))
            if shouldStop() { return nil }
        }
        let elapsed = seconds
        guard optimizer.isFinite(network.store.parameters, pool: pool) else {
            throw TrainingError.diverged(step: epoch * stepsPerEpoch, epoch: epoch, loss: lossSum / Double(images))
        }
        var validation: (loss: Double, accuracy: Double)?
        if let validator {
            validator.load(parameters: currentParameters, state: currentState)
            validation = validator.score(data.validation, labelSmoothing: options.labelSmoothing)
        }
        return EpochRecord(
            epoch: epoch, learningRate: rate, trainingLoss: lossSum / Double(images),
            trainingAccuracy: Double(correct) / Double(images), validationLoss: validation?.loss,
            validationAccuracy: validation?.accuracy, seconds: elapsed,
            imagesPerSecond: elapsed > 0 ? Double(images) / elapsed : 0)
    }

    /// Lets the averaged batch-norm statistics follow, at the weights' own rate.
    private func averageState() {
        guard let averagedState, let decay = optimizer.averagingDecay(step: optimizer.stepsTaken) else { return }
        let state = network.store.state
        if optimizer.stepsTaken == 1 {
            averagedState.copy(from: state)
            return
        }
        let rate = Float(1 - decay)
        for i in 0..<state.count { averagedState[i] += rate * (state[i] - averagedState[i]) }
    }
}
