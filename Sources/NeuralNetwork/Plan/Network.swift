import Kernels
import Tensors
import Workers

/// A network in training: computes the loss of a batch and the gradient of every parameter.
///
/// The batch is split into a fixed number of shards; sums are kept per shard and added in shard order. The same batch,
/// parameters and step therefore give the same bits for every thread count, and for every number of processes that
/// share the batch. Not thread-safe: one call at a time.
package final class TrainingNetwork {
    /// The result of one step, over the batch's images.
    package struct StepResult: Sendable {
        /// The sum of the images' losses (label smoothing included).
        package let lossSum: Double
        /// The number of images whose largest logit is that of their label.
        package let correct: Int
    }

    package let graph: ResolvedGraph
    package let store: ParameterStore
    package let batchSize: Int
    let plan: Plan
    private let partials: GradientPartials
    private let lossOperation: LossOperation
    /// The loss to minimise, and the weight of each class, `[K]`; `nil` weights all classes equally.
    package var loss: (kind: Loss, classWeights: [Float]?) = (.crossEntropy, nil) {
        didSet {
            precondition(loss.classWeights.map { $0.count == graph.classCount } ?? true, "a weight for each class")
            (plan.run.loss, plan.run.classWeights) = (loss.kind.kind, loss.classWeights)
        }
    }
    private let pool: WorkerPool

    /// - Parameters:
    ///   - batchSize: The maximum number of images in a step, at least 1.
    ///   - shards: The number of shards a batch is split into, at least 1.
    ///   - seed: The seed of initialisation and dropout.
    ///   - communicator: Connects the processes that share the batch, each of which creates such a network; shards are
    ///     assigned to them in order.
    /// - Throws: An ``OperationError`` if initialisation fails.
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

    /// Creates a network that trains the parameters of another one on images of another size.
    /// - Parameter store: The parameters of a graph with the same layers.
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

    /// A function that returns the images of a batch of the given size that this process computes: all of them if it
    /// runs alone.
    package var batchPart: @Sendable (_ count: Int) -> Range<Int> { plan.batchPart }

    /// The size in bytes of activations, gradients, partial sums and scratch.
    package var workspaceBytes: Int { plan.batchBytes + plan.workerBytes + partials.bytes }
    /// The bytes of activations and their gradients per image that a step reads from and writes to memory, beyond a
    /// core's cache. Weights and scratch are not counted.
    package var memoryBytesPerImage: Int { plan.memoryBytesPerImage }
    /// The number of times that all workers synchronize in a step.
    package var phaseCount: Int { plan.phaseCount }

    /// Runs the forward and backward pass of one batch. Afterwards the gradients are in ``ParameterStore/gradients``,
    /// and batch-norm's running statistics are updated.
    ///
    /// - Parameters:
    ///   - images: The images, at least `[count, H, W, C]`; if several processes share the batch, only this one's.
    ///   - labels: The labels of the same images, at least `[count]`, each below the class count.
    ///   - count: The number of images in the whole batch.
    ///   - step: The number of the step, part of dropout's random addresses.
    ///   - lengths: For lines of text, the number of labels of each line, at least `[count]`; `labels` is then padded
    ///     to the same number of places for every line, `[count, places]`.
    ///   - mixed: For images mixed from two classes, the other classes and the shares of `labels`, at least `[count]`
    ///     each.
    ///   - labelSets: For images with several labels, their classes as bits, at least `[count]`.
    ///   - weights: The factors on the images' losses, at least `[count]`; nil if all are 1.
    ///   - teachers: For distillation, the teachers' targets, at least `[count, K]`, their temperature, and their
    ///     weight relative to the labels.
    package func step(
        images: AlignedBuffer<Float>, labels: AlignedBuffer<Int32>, count: Int, step: Int,
        lengths: AlignedBuffer<Int32>? = nil, labelSmoothing: Double = 0,
        mixed: (labels: AlignedBuffer<Int32>, shares: AlignedBuffer<Float>)? = nil,
        labelSets: AlignedBuffer<UInt64>? = nil, weights: AlignedBuffer<Float>? = nil,
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
        precondition(
            (labelSets?.count ?? own) >= own && (weights?.count ?? own) >= own, "label sets or weights are too few")
        plan.run.labelSets = labelSets.map { UnsafePointer($0.pointer) }
        plan.run.imageWeights = weights.map { UnsafePointer($0.pointer) }
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

/// A network for inference: batch-norm uses its running statistics, and there is no dropout.
package final class InferenceNetwork {
    package let graph: ResolvedGraph
    package let store: ParameterStore
    package let batchSize: Int
    let plan: Plan
    private let logits: Storage
    /// The plan for single images, each of which the workers share.
    let singlePlan: Plan
    /// Whether every batch is computed as so many single images.
    let keepsApart: Bool
    /// Whether the weights are another network's.
    private let isSharing: Bool
    private let singleLogits: Storage
    /// The output of the penultimate node, if features are kept.
    private let kept: (batch: Storage, single: Storage, bytes: GraphCompiler.ByteFormat?)?
    /// The logits of the images last predicted.
    private var lastLogits: UnsafePointer<Float>?
    /// The kept features of the last images.
    private var lastKept: Storage?
    /// The number of images per task; fixed, so that results do not depend on the thread count.
    private static let shardImages = 8

    /// - Parameters:
    ///   - batchSize: The maximum number of images in one call, at least 1.
    ///   - communicator: Connects the processes that share the images, each of which creates such a network and
    ///     receives all results.
    ///   - keepsFeatures: Whether ``features(count:)`` will be called; requires a single process.
    ///   - keepsApart: Whether each image's results have the bits that it has alone, whatever else is in its batch.
    ///     Several images together then only save reading the weights again; requires a single process.
    package init(
        graph: ResolvedGraph, batchSize: Int, pool: WorkerPool, communicator: any Communicator = SingleRank(),
        keepsFeatures: Bool = false, keepsApart: Bool = false
    ) {
        precondition(batchSize >= 1, "batch size must be at least 1")
        precondition(!keepsApart || communicator.size == 1, "images are kept apart by one process")
        (self.keepsApart, isSharing) = (keepsApart, false)
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
            program: program, capacity: keepsApart ? 1 : batchSize, sharding: .images(Self.shardImages), seed: 0,
            pool: pool, communicator: communicator)
        let striped = Self.striped(graph, store, of: program, keptNode: keptNode)
        singleLogits = striped.logits
        kept = Self.kept(program, striped)
        singlePlan = Plan(
            program: striped, capacity: keepsApart ? batchSize : 1, sharding: .images(1), seed: 0, pool: pool)
    }

    /// Creates another network with the weights of `other`, which keeps images apart, for another thread. Weights loaded
    /// before this are shared; none may be loaded after.
    /// - Precondition: `other` keeps images apart.
    package init(sharing other: InferenceNetwork, pool: WorkerPool) {
        precondition(other.keepsApart, "only images that are kept apart leave the batch's plan alone")
        (graph, store, batchSize) = (other.graph, other.store, other.batchSize)
        (keepsApart, isSharing) = (true, true)
        (plan, logits) = (other.plan, other.logits)
        let keptNode = other.kept == nil ? nil : graph.penultimateNode
        let striped = Self.striped(graph, store, of: plan.program, keptNode: keptNode)
        singleLogits = striped.logits
        kept = Self.kept(plan.program, striped)
        singlePlan = Plan(program: striped, capacity: batchSize, sharding: .images(1), seed: 0, pool: pool)
        singlePlan.refresh()
    }

    /// Returns the program for single images that shares the weights of `program`.
    private static func striped(
        _ graph: ResolvedGraph, _ store: ParameterStore, of program: Program, keptNode: Int?
    ) -> Program {
        var compiler = GraphCompiler(graph: graph, store: store, partials: nil, batched: program, keptNode: keptNode)
        return compiler.compile()
    }

    private static func kept(
        _ program: Program, _ striped: Program
    ) -> (batch: Storage, single: Storage, bytes: GraphCompiler.ByteFormat?)? {
        program.kept.flatMap { batch in striped.kept.map { (batch.storage, $0.storage, batch.bytes) } }
    }

    /// The size in bytes of activations and scratch.
    package var workspaceBytes: Int {
        plan.batchBytes + plan.workerBytes + singlePlan.batchBytes + singlePlan.workerBytes
    }

    /// Copies the parameters `[parameterCount]` and the running state `[stateCount]` into the network.
    package func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        precondition(!isSharing, "another network reads these weights")
        store.load(parameters: parameters, state: state)
        plan.refresh()
        singlePlan.refresh()
    }

    /// The maximum number of images of a batch that this process computes.
    package var mostImages: Int { Plan.largestPart(plan.sharding, batchSize, plan.communicator).images }

    /// Returns the images of a batch of `count` that this process computes: all of them if it runs alone. A single
    /// image is computed by every process.
    package func images(ofBatch count: Int) -> Range<Int> {
        count == 1 ? 0..<1 : plan.images(ofRank: plan.communicator.rank, count: count)
    }

    /// Computes the class probabilities `[count, K]` of images `[count, H, W, C]`; `images` holds only those of
    /// ``images(ofBatch:)``.
    package func predict(images: AlignedBuffer<Float>, count: Int, probabilities: AlignedBuffer<Float>) {
        let classes = graph.classCount
        precondition(
            images.count >= self.images(ofBatch: count).count * graph.inputShape.count
                && probabilities.count >= count * classes, "batch is too short")
        let isSingle = count == 1 || keepsApart
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

    /// Returns the logits `[count, K]` of the images last predicted. Those images must still be in memory, since the
    /// output of a network that computes nothing is its input.
    package func logits(count: Int) -> [Float] {
        guard let predicted = lastLogits else { preconditionFailure("logits come after predict") }
        precondition(count >= 0 && count <= batchSize, "more images than were predicted")
        return (0..<count * graph.classCount).map { predicted[$0] }
    }

    /// Returns what the last layer with a kernel read for the last images, `[count, F]`: the output of
    /// ``ResolvedGraph/penultimateNode``. `nil` if the network was not created to keep it, or if that layer reads the
    /// images themselves.
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

    /// Computes the output of the graph's last node for images `[count, H, W, C]`, without a final softmax:
    /// `[count, F]`, where F is the number of floats of its shape, written to `output` from element `offset` on. With a
    /// graph truncated at a node, these are that node's activations.
    package func activations(
        images: AlignedBuffer<Float>, count: Int, into output: AlignedBuffer<Float>, at offset: Int = 0
    ) {
        precondition(!keepsApart, "activations are those of a batch")
        let floats = count * graph.nodes[graph.nodes.count - 1].outputShape.count
        precondition(
            images.count >= count * graph.inputShape.count && offset >= 0 && output.count - offset >= floats,
            "batch is too short")
        plan.begin(count: count)
        plan.execute(images: images.pointer)
        lastKept = kept?.batch
        (output.pointer + offset).update(from: logits.batchPointer, count: floats)
    }

    /// Returns the sum of the losses of the images last predicted, and how many were classified correctly: for several
    /// labels, all of them.
    /// - Parameters:
    ///   - labelSets: For images with several labels, their classes as bits, `[count]`.
    ///   - weights: The factors on the images' losses, `[count]`.
    package func score(
        labels: AlignedBuffer<Int32>, count: Int, labelSmoothing: Double = 0, loss: Loss = .crossEntropy,
        classWeights: [Float]? = nil, labelSets: [UInt64]? = nil, weights: [Float]? = nil
    ) -> TrainingNetwork.StepResult {
        guard let predicted = lastLogits else { preconditionFailure("score comes after predict") }
        let classes = graph.classCount
        var lossSum = 0.0
        var correct = 0
        for image in 0..<count {
            let z = predicted + image * classes
            let label = Int(labels[image])
            precondition(label >= 0 && label < classes, "a label is outside the network's classes")
            var target = LossTarget(label: label, smoothing: Float(labelSmoothing))
            target.labels = labelSets?[image]
            let value = loss.kind.row(z, classes: classes, target: target, weight: 1, dz: nil)
            let weight = (classWeights.map { Run.weight(of: target, $0) } ?? 1) * (weights?[image] ?? 1)
            lossSum += Double(weight) * value
            let isCorrect =
                target.labels.map { LossOperation.labels(z, classes) == $0 }
                ?? (SoftmaxKernels.argmax(z, columns: classes) == label)
            if isCorrect { correct += 1 }
        }
        return .init(lossSum: lossSum, correct: correct)
    }
}
