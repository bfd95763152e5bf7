import Kernels
import Tensors
import Workers

/// A network that is being trained: it computes the loss of a batch and the gradient of every parameter.
///
/// The batch is cut into a fixed number of shards; sums are kept per shard and added in shard order. So the same batch,
/// parameters and step give the same bits for every thread count, and for every number of processes that share the
/// batch. One call at a time.
package final class TrainingNetwork {
    /// What one step found, over the batch's images.
    package struct StepResult: Sendable {
        /// Σ of the images' losses (smoothing included).
        package let lossSum: Double
        /// Images whose largest logit is that of their label.
        package let correct: Int
    }

    package let graph: ResolvedGraph
    package let store: ParameterStore
    package let batchSize: Int
    let plan: Plan
    private let partials: GradientPartials
    private let lossOperation: LossOperation
    /// What is made small, and how much the images of each class count, `[K]`; nil: all alike.
    package var loss: (kind: Loss, classWeights: [Float]?) = (.crossEntropy, nil) {
        didSet {
            precondition(loss.classWeights.map { $0.count == graph.classCount } ?? true, "a weight for each class")
            (plan.run.loss, plan.run.classWeights) = (loss.kind.kind, loss.classWeights)
        }
    }
    private let pool: WorkerPool

    /// - Parameters:
    ///   - batchSize: the most images a step is given, at least 1.
    ///   - shards: parts a batch is cut into, at least 1.
    ///   - seed: of initialisation and dropout.
    ///   - communicator: of the processes that share the batch, each of which makes such a network: shards are dealt to
    ///     them in order.
    /// - Throws: an ``OperationError`` where initialisation fails.
    package convenience init(
        graph: ResolvedGraph, batchSize: Int, shards: Int, seed: UInt64, pool: WorkerPool,
        communicator: any Communicator = SingleRank()
    ) throws(OperationError) {
        try self.init(
            graph: graph, batchSize: batchSize, shards: shards, seed: seed, pool: pool,
            store: ParameterStore(
                parameters: try graph.initialParameters(seed: seed), state: graph.initialState(), withGradients: true),
            communicator: communicator)
    }

    /// A network that trains the parameters of another one, on images of another size.
    /// - Parameter store: of a graph with the same layers.
    package init(
        graph: ResolvedGraph, batchSize: Int, shards: Int, seed: UInt64, pool: WorkerPool, store: ParameterStore,
        communicator: any Communicator = SingleRank()
    ) throws(OperationError) {
        precondition(store.parameters.count == graph.parameterCount, "the parameters are another network's")
        precondition(batchSize >= 1 && shards >= 1, "batch size and shards must be at least 1")
        self.graph = graph
        self.batchSize = batchSize
        self.pool = pool
        self.store = store
        partials = GradientPartials(store: store, communicator: communicator)
        var compiler = GraphCompiler(graph: graph, store: store, partials: partials)
        let program = compiler.compile()
        guard let loss = program.loss else {
            throw OperationError("network", problem: "it has no trainable parameter", remedy: "add a dense layer")
        }
        lossOperation = loss
        let sharding = Plan.Sharding.count(shards)
        partials.allocate(shards: Plan.largestPart(sharding, batchSize, communicator).shards)
        plan = Plan(
            program: program, capacity: batchSize, sharding: sharding, seed: seed, pool: pool,
            communicator: communicator)
    }

    /// The images that this process computes of a batch of so many: all, where it is on its own.
    package var batchPart: @Sendable (_ count: Int) -> Range<Int> { plan.batchPart }

    /// Bytes of activations, gradients, partial sums and scratch.
    package var workspaceBytes: Int { plan.batchBytes + plan.workerBytes + partials.bytes }
    /// Bytes of activations and their gradients that one image's share of a step reads from and writes to memory, beyond a
    /// core's cache. Weights and scratch are not counted.
    package var memoryBytesPerImage: Int { plan.memoryBytesPerImage }
    /// Times all workers meet in a step.
    package var phaseCount: Int { plan.phaseCount }

    /// Forward and backward of one batch; the gradients are in ``ParameterStore/gradients`` afterwards, and batch-norm's
    /// running statistics have moved.
    ///
    /// - Parameters:
    ///   - images: `[count, H, W, C]` and more, where several processes share the batch this one's.
    ///   - labels: `[count]` and more, of the same images, each below the class count.
    ///   - count: images of the whole batch.
    ///   - step: the number of the step, part of dropout's random addresses.
    ///   - teachers: of distillation: what they say, `[count, K]` and more, at which temperature, and the weight of it
    ///     against the labels'.
    ///   - lengths: for lines of text: how many labels each has, `[count]` and more; `labels` then has places for as many of
    ///     every line, `[count, places]`.
    ///   - mixed: for images with two classes: the other classes and the shares of `labels`, `[count]` and more each.
    package func step(
        images: AlignedBuffer<Float>, labels: AlignedBuffer<Int32>, count: Int, step: Int,
        lengths: AlignedBuffer<Int32>? = nil, labelSmoothing: Double = 0,
        mixed: (labels: AlignedBuffer<Int32>, shares: AlignedBuffer<Float>)? = nil,
        teachers: (targets: AlignedBuffer<Float>, temperature: Double, weight: Double)? = nil
    ) -> StepResult {
        plan.begin(count: count)
        let own = plan.run.images.count
        precondition(images.count >= own * graph.inputShape.count && labels.count >= own, "batch is too short")
        precondition(
            teachers.map { $0.targets.count >= own * graph.classCount } ?? true, "the teachers' targets are too few")
        plan.run.teacherTargets = teachers.map { UnsafePointer($0.targets.pointer) }
        plan.run.temperature = Float(teachers?.temperature ?? 1)
        plan.run.teacherWeight = Float(teachers?.weight ?? 0)
        precondition(mixed.map { $0.labels.count >= own && $0.shares.count >= own } ?? true, "other labels are too few")
        plan.run.otherLabels = mixed.map { UnsafePointer($0.labels.pointer) }
        plan.run.labelShares = mixed.map { UnsafePointer($0.shares.pointer) }
        precondition(labelSmoothing >= 0 && labelSmoothing < 1, "label smoothing must be in [0, 1)")
        precondition((lengths != nil) == graph.readsLines, "lines of text have lengths, images have none")
        plan.run.texts = lengths.map { (UnsafePointer($0.pointer), labels.count / $0.count) }
        plan.run.labels = UnsafePointer(labels.pointer)
        plan.run.labelSmoothing = Float(labelSmoothing)
        plan.run.step = UInt32(truncatingIfNeeded: step)
        plan.profile?.beginRun()
        plan.refresh()
        plan.profile?.mark(.weightPreparation)
        partials.begin(shards: plan.run.rankShards)
        plan.execute(images: images.pointer)
        partials.reduce(plan.run, pool: pool)
        plan.profile?.mark(.gradientReduction)
        return StepResult(lossSum: lossOperation.lossSum, correct: lossOperation.correct)
    }
}

/// A network that classifies: batch-norm by its running statistics, no dropout.
package final class InferenceNetwork {
    package let graph: ResolvedGraph
    package let store: ParameterStore
    package let batchSize: Int
    let plan: Plan
    private let logits: Storage
    /// For a single image, which the workers share.
    let singlePlan: Plan
    private let singleLogits: Storage
    /// What the layer that decides has read, where that is wanted.
    private let kept: (batch: Storage, single: Storage, bytes: GraphCompiler.ByteFormat?)?
    /// Of the images last predicted.
    private var lastLogits: UnsafePointer<Float>?
    /// Where what was kept of the last images is.
    private var lastKept: Storage?
    /// Images a task takes; fixed, so that results do not depend on the thread count.
    private static let shardImages = 8

    /// - Parameter batchSize: the most images one call is given, at least 1.
    /// - Parameter communicator: of the processes that share the images, each of which makes such a network and is given all
    ///   results.
    /// - Parameter keepsFeatures: whether ``features(count:)`` will be asked for; of one process.
    package init(
        graph: ResolvedGraph, batchSize: Int, pool: WorkerPool, communicator: any Communicator = SingleRank(),
        keepsFeatures: Bool = false
    ) {
        precondition(batchSize >= 1, "batch size must be at least 1")
        self.graph = graph
        self.batchSize = batchSize
        store = ParameterStore(
            parameters: AlignedBuffer(count: graph.parameterCount), state: graph.initialState(), withGradients: false)
        let keptNode = keepsFeatures ? graph.penultimateNode : nil
        precondition(!keepsFeatures || communicator.size == 1, "features are one process's")
        var compiler = GraphCompiler(graph: graph, store: store, partials: nil, keptNode: keptNode)
        let program = compiler.compile()
        logits = program.logits
        plan = Plan(
            program: program, capacity: batchSize, sharding: .images(Self.shardImages), seed: 0, pool: pool,
            communicator: communicator)
        var single = GraphCompiler(graph: graph, store: store, partials: nil, batched: program, keptNode: keptNode)
        let striped = single.compile()
        singleLogits = striped.logits
        kept = program.kept.flatMap { batch in striped.kept.map { (batch.storage, $0.storage, batch.bytes) } }
        singlePlan = Plan(program: striped, capacity: 1, sharding: .images(1), seed: 0, pool: pool)
    }

    /// Bytes of activations and scratch.
    package var workspaceBytes: Int {
        plan.batchBytes + plan.workerBytes + singlePlan.batchBytes + singlePlan.workerBytes
    }

    /// Takes copies of the parameters `[parameterCount]` and the running state `[stateCount]`.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        store.load(parameters: parameters, state: state)
        plan.refresh()
        singlePlan.refresh()
    }

    /// The most images that this process computes of a batch.
    package var mostImages: Int { Plan.largestPart(plan.sharding, batchSize, plan.communicator).images }

    /// The images of a batch of `count` that this process computes: all, where it is on its own. A single image is
    /// computed by every process.
    package func images(ofBatch count: Int) -> Range<Int> {
        count == 1 ? 0..<1 : plan.images(ofRank: plan.communicator.rank, count: count)
    }

    /// Class probabilities `[count, K]` of images `[count, H, W, C]`, of which ``images(ofBatch:)`` are there.
    package func predict(images: AlignedBuffer<Float>, count: Int, probabilities: AlignedBuffer<Float>) {
        let classes = graph.classCount
        precondition(
            images.count >= self.images(ofBatch: count).count * graph.inputShape.count
                && probabilities.count >= count * classes, "batch is too short")
        let isSingle = count == 1
        let plan = isSingle ? singlePlan : self.plan
        plan.profile?.beginRun()
        plan.begin(count: count)
        plan.execute(images: images.pointer)
        if !isSingle { plan.gather(self.logits) }
        let logits = UnsafePointer((isSingle ? singleLogits : self.logits).batchPointer)
        lastLogits = logits
        lastKept = isSingle ? kept?.single : kept?.batch
        SoftmaxKernels.forward(logits, rows: count, columns: classes, p: probabilities.pointer)
        plan.profile?.mark(.probabilities)
    }

    /// The logits `[count, K]` that the probabilities of the last images were made of; these images must still be
    /// there, since a network that computes nothing leaves its input as its output.
    package func logits(count: Int) -> [Float] {
        guard let predicted = lastLogits else { preconditionFailure("logits come after predict") }
        precondition(count >= 0 && count <= batchSize, "more images than were predicted")
        return (0..<count * graph.classCount).map { predicted[$0] }
    }

    /// What the layer that decides has read of the last images, `[count, F]`: ``ResolvedGraph/penultimateNode``'s output. Nil where the
    /// network was not made to keep it, or that layer reads the images themselves.
    package func features(count: Int) -> [Float]? {
        guard let kept else { return nil }
        guard let storage = lastKept else { preconditionFailure("features come after predict") }
        precondition(count >= 0 && count <= batchSize, "more images than were predicted")
        let values = storage.batchPointer
        if let bytes = kept.bytes {
            return (0..<count).flatMap { image in
                bytes.layout.values(of: values + image * storage.floatsPerImage, bytes.scale)
            }
        }
        return (0..<count * storage.floatsPerImage).map { values[$0] }
    }

    /// What the graph's last node gives for images `[count, H, W, C]`, a last softmax left out: `[count, F]` with F the
    /// floats of its shape, written from element `offset` of `output` on. With a graph truncated at a node, that node's
    /// activations.
    package func activations(
        images: AlignedBuffer<Float>, count: Int, into output: AlignedBuffer<Float>, at offset: Int = 0
    ) {
        let floats = count * graph.nodes[graph.nodes.count - 1].outputShape.count
        precondition(
            images.count >= count * graph.inputShape.count && offset >= 0 && output.count - offset >= floats,
            "batch is too short")
        plan.begin(count: count)
        plan.execute(images: images.pointer)
        lastKept = kept?.batch
        (output.pointer + offset).update(from: logits.batchPointer, count: floats)
    }

    /// Σ of the losses of the images last predicted, and how many were right.
    package func score(
        labels: AlignedBuffer<Int32>, count: Int, labelSmoothing: Double = 0, loss: Loss = .crossEntropy,
        classWeights: [Float]? = nil
    ) -> TrainingNetwork.StepResult {
        guard let predicted = lastLogits else { preconditionFailure("score comes after predict") }
        let classes = graph.classCount
        var lossSum = 0.0
        var correct = 0
        for image in 0..<count {
            let z = predicted + image * classes
            let label = Int(labels[image])
            precondition(label >= 0 && label < classes, "a label is outside the network's classes")
            let value = loss.kind.row(
                z, classes: classes, target: LossTarget(label: label, smoothing: Float(labelSmoothing)), weight: 1,
                dz: nil)
            lossSum += Double(classWeights?[label] ?? 1) * value
            if SoftmaxKernels.argmax(z, columns: classes) == label { correct += 1 }
        }
        return .init(lossSum: lossSum, correct: correct)
    }
}
