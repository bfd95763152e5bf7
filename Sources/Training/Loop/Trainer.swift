import Datasets
import NeuralNetwork
import Tensors
import Workers

/// The result of a training run.
package struct TrainedModel: Sendable {
    /// The kept weights: with early stopping those of the best epoch, averaged if weight averaging is on.
    package let parameters: AlignedBuffer<Float>
    /// Batch-norm's running statistics for these weights.
    package let state: AlignedBuffer<Float>
    package let history: TrainingHistory
    /// Whether the run was stopped from outside before its end.
    package let interrupted: Bool
}

/// The training loop: steps over batches, validation after each epoch, and early stopping.
///
/// Every random number is addressed by the seed, the epoch and the sample, and all sums are ordered: the same options,
/// data and seed give the same bits for every thread count, and so does a run that resumes from a checkpoint.
///
/// Several processes can train one network: each creates a trainer with the same arguments and its own communicator,
/// and runs it. Each computes its shards of every batch, all hold the same weights, and the bits are those of a single
/// process.
package final class Trainer {
    private let graph: ResolvedGraph
    let options: TrainingOptions
    private let data: LoadedData
    private let pool: WorkerPool
    let communicator: any Communicator
    let network: TrainingNetwork
    let optimizer: Optimizer
    private let schedule: LearningRateSchedule
    /// The stages of the run; the last one uses full-size images.
    private let stages: [TrainingStage]
    private let teacherEnsemble: TeacherEnsemble?
    private let validator: (any Validator)?
    private let classWeights: [Float]?
    /// The moving average of batch-norm's statistics, which accompanies averaged weights.
    let averagedState: AlignedBuffer<Float>?
    /// The objects that recompute the statistics of averaged weights instead, if requested, by the set of frozen nodes.
    private let averagedStatistics: [Set<Int>: AveragedStatistics]
    /// Batch-norm's statistics for ``currentParameters`` at the end of an epoch.
    private var epochState: AlignedBuffer<Float>
    /// The number of images, or lines, per epoch, and for validation.
    private let trainingCount: Int
    private let validationCount: Int
    let stepsPerEpoch: Int
    let best: (parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>)
    var progress = TrainingProgress()

    /// - Parameters:
    ///   - normalization: How pixels are standardised for the network.
    ///   - evaluationBatchSize: The number of images per batch during validation.
    ///   - initial: The weights named by ``TrainingOptions/initialModel``; they are not loaded here.
    ///   - teachers: The teachers named by ``TrainingOptions/distillation``; they are not loaded here.
    ///   - communicator: Connects the processes that train together.
    /// - Throws: An ``InputError`` if network and data do not match, an ``OperationError`` if the network cannot be
    ///   created.
    package init(
        graph: ResolvedGraph, options: TrainingOptions, data: LoadedData, augmentation: AugmentationOptions,
        normalization: Normalization, evaluationBatchSize: Int = 500, initial: InitialWeights? = nil,
        teachers: [Teacher] = [],
        seed: UInt64, pool: WorkerPool, communicator: any Communicator = SingleRank()
    ) throws {
        try LineTraining.check(graph, options, data, augmentation, normalization)
        if data.lines == nil { try Classifier.check(graph, fits: data.train, named: data.dataset) }
        try Self.check(options, data.train, augmentation)
        try Self.check(options, canBeSharedBy: communicator)
        guard options.distillation == nil || options.progressiveResizing.isEmpty else {
            throw InputError(
                "training.progressiveResizing", expected: "[] with training.distillation: teachers see whole images",
                received: "\(options.progressiveResizing.count) stages")
        }
        self.graph = graph
        self.options = options
        self.data = data
        self.pool = pool
        self.communicator = communicator
        classWeights = try ClassWeights.weights(options.classWeights, for: data.train)
        let constants = data.normalizationConstants(normalization)
        trainingCount = data.lines?.trainingCount ?? data.train.count
        let batchSize = min(options.batchSize, trainingCount)
        let treatment = try LayerTreatment(options, of: graph)
        network = try TrainingNetwork(
            graph: graph.freezing(treatment.frozen(in: options.epochs)), batchSize: batchSize, shards: options.shards,
            seed: seed, pool: pool,
            communicator: communicator)
        if let initial { network.store.load(parameters: initial.parameters, state: initial.state) }
        let whitened = try Whitening.initialize(
            options.whitening, of: graph, in: network.store.parameters, images: data.train, normalization: constants)
        stepsPerEpoch = data.lines?.batchCount(size: batchSize) ?? (trainingCount + batchSize - 1) / batchSize
        // A tensor in none of the optimizer's groups stays unchanged.
        let frozen = options.whitening?.frozen == true ? whitened : nil
        optimizer = Optimizer(
            options: options.optimizer, l2: options.l2, clipping: options.gradientClipping,
            lookahead: options.lookahead, averagingDecay: options.averagingDecay,
            groups: treatment.groups(of: graph, stepsPerEpoch: stepsPerEpoch, frozen: frozen),
            count: graph.parameterCount)
        averagedState = options.averagingDecay == nil ? nil : graph.initialState()
        let augmenter =
            augmentation.isIdentity
            ? nil
            : try Augmenter(
                augmentation, height: data.train.height, width: data.train.width, channels: data.train.channels,
                seed: seed)
        epochState = averagedState ?? network.store.state
        let lines = try data.lines.map { [network] lines in
            try LineTraining(
                lines, options: options, treatment: treatment, graph: graph, network: network, data: data, seed: seed,
                pool: pool, communicator: communicator)
        }
        stages =
            try lines?.stages
            ?? TrainingStage.stages(
                options, treatment: treatment, graph: graph, network: network, images: data.train,
                normalization: constants, augmenter: augmenter, seed: seed, pool: pool, communicator: communicator)
        var averagedStatistics: [Set<Int>: AveragedStatistics] = [:]
        if options.averagingDecay != nil, options.averagingStatisticsImages > 0 {
            for frozen in Set(stages.map(\.frozen)) {
                averagedStatistics[frozen] = AveragedStatistics(
                    graph: graph.freezing(frozen), images: data.train, count: options.averagingStatisticsImages,
                    batchSize: evaluationBatchSize, shards: options.shards, normalization: constants,
                    augmenter: options.averagingStatisticsAugmented ? augmenter : nil, pool: pool,
                    communicator: communicator)
            }
        }
        self.averagedStatistics = averagedStatistics
        for network in stages.flatMap(\.networks) { network.loss = (options.loss, classWeights) }
        teacherEnsemble = try options.distillation.map {
            try TeacherEnsemble(
                teachers, temperature: $0.temperature, data: data, batchSize: batchSize, normalization: constants,
                pool: pool)
        }
        best = (AlignedBuffer(count: graph.parameterCount), AlignedBuffer(count: graph.stateCount))
        schedule = LearningRateSchedule(
            options: options.schedule, warmupEpochs: options.warmupEpochs, stepsPerEpoch: stepsPerEpoch,
            epochs: options.epochs)
        validationCount = lines?.validationCount ?? data.validation.count
        validator =
            validationCount == 0
            ? nil
            : lines?.validator(batchSize: evaluationBatchSize, pool: pool)
                ?? ImageValidator(
                    Classifier(
                        graph: graph, batchSize: evaluationBatchSize, for: validationCount, normalization: constants,
                        pool: pool, communicator: communicator),
                    images: data.validation, options: options, classWeights: classWeights)
    }

    /// Trains to the last epoch, to an early stop, or until `shouldStop` returns true. Call it once per trainer.
    ///
    /// - Parameters:
    ///   - state: The state of another run with the same options, data and seed, from which to resume; `nil` starts
    ///     anew.
    ///   - shouldStop: Called after each step and each epoch. With several processes each calls its own, and one is
    ///     enough to stop all.
    ///   - onSnapshot: Receives the weights at the end of each cycle of a schedule with several, and the cycle's number
    ///     from 1.
    ///   - onCheckpoint: Receives the state whenever ``TrainingOptions/checkpoints`` makes a checkpoint due, and the
    ///     last state if `shouldStop` ends the run. No number in it is NaN or infinite. With several processes, rank 0
    ///     decides when one is due; either all receive it or none.
    /// - Throws: ``TrainingError``; an ``InputError`` if `state` belongs to another network or other options; an
    ///   ``OperationError`` if the processes' weights differ.
    package func run(
        from state: TrainingState? = nil, shouldStop: () -> Bool = { false },
        onSnapshot: (Int, TrainedModel) throws -> Void = { _, _ in },
        onCheckpoint: ((TrainingState) -> Void)? = nil, onEvent: (TrainingEvent) -> Void = { _ in }
    ) throws -> TrainedModel {
        if let state { try restore(state) }
        try checkReplicas()
        onEvent(
            .began(
                TrainingScale(
                    trainingImages: trainingCount, validationImages: validationCount,
                    epochs: options.epochs, stepsPerEpoch: stepsPerEpoch, parameters: graph.parameterCount,
                    workspaceBytes: stages.flatMap(\.networks).reduce(0) { $0 + $1.workspaceBytes })))
        var stopping = validator == nil ? nil : options.earlyStopping.map { EarlyStopping(options: $0) }
        if let state = progress.earlyStopping { stopping?.state = state }
        var checkpoints = CheckpointWriting(
            options: onCheckpoint == nil ? nil : options.checkpoints, write: onCheckpoint ?? { _ in })
        var interrupted = false
        while progress.epoch <= options.epochs && !progress.history.stoppedEarly && !interrupted {
            guard let record = try trainEpoch(&checkpoints, shouldStop, onEvent) else {
                interrupted = true
                break
            }
            let isBest = finishEpoch(record, &stopping)
            if options.schedule.cycles > 1, (record.epoch * options.schedule.cycles).isMultiple(of: options.epochs) {
                // Before the checkpoint, so that a run resumed from the previous one writes the same snapshot again.
                try onSnapshot(record.epoch * options.schedule.cycles / options.epochs, current)
            }
            onEvent(.epoch(record, isBest: isBest))
            try checkReplicas()
            let next = agree(
                stops: shouldStop(), isDue: checkpoints.isDue(steps: progress.optimizerSteps, endsEpoch: true))
            interrupted = next.stops
            if next.isDue { try checkpoints.take(snapshot) }
        }
        let model = TrainedModel(
            parameters: best.parameters, state: best.state, history: history, interrupted: interrupted)
        onEvent(.ended(model.history))
        return model
    }

    /// The result if training ended here, for use after ``run(from:shouldStop:onSnapshot:onCheckpoint:onEvent:)`` threw. `nil`
    /// before the first epoch has ended.
    package var bestSoFar: TrainedModel? {
        guard progress.history.bestEpoch > 0 else { return nil }
        return TrainedModel(parameters: best.parameters, state: best.state, history: history, interrupted: true)
    }

    /// The epochs so far.
    package var history: TrainingHistory {
        var history = progress.history
        history.imagesPerSecond =
            history.seconds > 0 ? Double(trainingCount * history.epochs.count) / history.seconds : 0
        return history
    }

    /// The current weights, averaged if weight averaging is on; for `onEvent` to inspect.
    package var currentParameters: AlignedBuffer<Float> { optimizer.averagedParameters ?? network.store.parameters }

    /// Copies of the weights at the end of an epoch, with their batch-norm statistics.
    private var current: TrainedModel {
        let parameters = AlignedBuffer<Float>(count: graph.parameterCount)
        let state = AlignedBuffer<Float>(count: graph.stateCount)
        parameters.copy(from: currentParameters)
        state.copy(from: epochState)
        return TrainedModel(parameters: parameters, state: state, history: history, interrupted: false)
    }

    /// Runs the rest of the current epoch and its validation; returns `nil` if `shouldStop` ended it.
    private func trainEpoch(
        _ checkpoints: inout CheckpointWriting, _ shouldStop: () -> Bool, _ onEvent: (TrainingEvent) -> Void
    ) throws -> EpochRecord? {
        let clock = ContinuousClock()
        let start = clock.now
        let before = progress.seconds
        var seconds: Double { before + (clock.now - start) / .seconds(1) }
        let stage = stages.first { progress.epoch <= $0.lastEpoch } ?? stages[stages.count - 1]
        stage.loader.start(epoch: progress.epoch, at: progress.step)
        while let batch = stage.loader.next() {
            try stage.loader.checkReading()
            try takeStep(batch, stage.networks[batch.bucket])
            progress.seconds = seconds
            onEvent(
                .step(
                    StepProgress(
                        epoch: progress.epoch, step: progress.step, stepsPerEpoch: stepsPerEpoch,
                        images: progress.images, seconds: progress.seconds,
                        loss: progress.lossSum / Double(progress.images),
                        accuracy: Double(progress.correct) / Double(progress.images),
                        learningRate: progress.learningRate)))
            // After the last step, a checkpoint is considered only once the validation is done.
            let isDue =
                progress.step < stepsPerEpoch
                && checkpoints.isDue(steps: progress.optimizerSteps, endsEpoch: false)
            let next = agree(stops: shouldStop(), isDue: isDue)
            if next.isDue { try checkpoints.take(snapshot) }
            if next.stops { return nil }
        }
        guard optimizer.isFinite(network.store.parameters, pool: pool) else {
            throw divergence(of: .weights, loss: progress.lossSum / Double(progress.images))
        }
        // If nothing uses the weights before the last epoch, the moving average of the statistics suffices until then.
        let isObserved = validator != nil || progress.epoch == options.epochs || options.schedule.cycles > 1
        if let statistics = averagedStatistics[stage.frozen], isObserved {
            epochState = statistics.state(
                for: currentParameters, running: network.store.state, epoch: progress.epoch)
            progress.seconds = seconds
        }
        guard epochState.isFinite else {
            throw divergence(of: .weights, loss: progress.lossSum / Double(progress.images))
        }
        var validation: (loss: Double, accuracy: Double)?
        if let validator {
            validator.load(parameters: currentParameters, state: epochState)
            let score = validator.score()
            try stage.loader.checkReading()
            guard score.loss.isFinite else { throw divergence(of: .validationLoss, loss: score.loss) }
            validation = score
        }
        return EpochRecord(
            epoch: progress.epoch, learningRate: progress.learningRate,
            trainingLoss: progress.lossSum / Double(progress.images),
            trainingAccuracy: Double(progress.correct) / Double(progress.images), validationLoss: validation?.loss,
            validationAccuracy: validation?.accuracy, seconds: progress.seconds,
            imagesPerSecond: progress.seconds > 0 ? Double(progress.images) / progress.seconds : 0)
    }

    private func takeStep(_ batch: Batch, _ network: TrainingNetwork) throws {
        let step = (progress.epoch - 1) * stepsPerEpoch + progress.step
        teacherEnsemble?.judge(batch.images, count: batch.count)
        let soft = teacherEnsemble.flatMap { teachers in
            options.distillation.map { (teachers.targets, $0.temperature, $0.weight) }
        }
        let result = network.step(
            images: batch.images, labels: batch.labels, count: batch.total, step: step,
            lengths: batch.lengths, labelSmoothing: options.labelSmoothing,
            mixed: batch.isMixed ? (batch.otherLabels, batch.labelShares) : nil,
            labelSets: batch.labelSets, weights: batch.weights, teachers: soft)
        progress.step += 1
        progress.learningRate = options.optimizer.learningRate * schedule.factor(step: step)
        guard result.lossSum.isFinite else {
            throw divergence(of: .loss, loss: result.lossSum / Double(batch.total))
        }
        optimizer.step(
            parameters: network.store.parameters, gradients: network.store.gradients,
            learningRate: progress.learningRate, momentum: schedule.momentum(step: step),
            synchronizes: options.lookahead.map {
                progress.step.isMultiple(of: $0.steps) || progress.step == stepsPerEpoch
            } ?? false, pool: pool)
        averageState()
        progress.optimizerSteps = optimizer.stepsTaken
        progress.lossSum += result.lossSum
        progress.correct += result.correct
        progress.images += batch.total
    }

    /// Records an epoch's metrics, keeps its weights if they are the best so far, and advances to the next epoch.
    /// - Returns: Whether the weights are the best so far.
    private func finishEpoch(_ record: EpochRecord, _ stopping: inout EarlyStopping?) -> Bool {
        progress.history.epochs.append(record)
        progress.history.seconds += record.seconds
        var verdict = EarlyStopping.Verdict.improved
        if stopping != nil {
            let value =
                options.earlyStopping?.monitor == .validationAccuracy
                ? record.validationAccuracy : record.validationLoss
            verdict = stopping?.observe(epoch: record.epoch, value: value ?? .nan) ?? .improved
            progress.earlyStopping = stopping?.state
        }
        if verdict == .improved {
            progress.history.bestEpoch = record.epoch
            best.parameters.copy(from: currentParameters)
            best.state.copy(from: epochState)
        }
        progress.history.stoppedEarly = verdict == .stop && record.epoch < options.epochs
        progress.beginNextEpoch()
        return verdict == .improved
    }

    /// Updates the averaged batch-norm statistics, at the same rate as the averaged weights.
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

    func divergence(of finding: TrainingError.Finding, loss: Double) -> TrainingError {
        let epoch = progress.step > 0 ? progress.epoch : progress.epoch - 1
        return .diverged(
            step: (progress.epoch - 1) * stepsPerEpoch + progress.step, epoch: epoch, loss: loss, finding: finding,
            remedy: TrainingError.remedy(
                isFirstStep: progress.optimizerSteps == 0, learningRate: progress.learningRate, options: options))
    }
}
