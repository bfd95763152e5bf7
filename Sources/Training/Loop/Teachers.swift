import Datasets
import Kernels
import NeuralNetwork
import Tensors
import Workers

/// A trained network that another one learns from.
package struct Teacher: Sendable {
    let graph: ResolvedGraph
    let normalization: (mean: Float, standardDeviation: Float)?
    let parameters: AlignedBuffer<Float>
    let state: AlignedBuffer<Float>
    let classNames: [String]

    /// - Parameter normalization: The standardisation of pixels in the network's own training, if any.
    package init(
        graph: ResolvedGraph, classNames: [String], normalization: (mean: Float, standardDeviation: Float)?,
        parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>
    ) {
        self.graph = graph
        self.classNames = classNames
        self.normalization = normalization
        self.parameters = parameters
        self.state = state
    }
}

/// The teachers of a distillation, evaluated together on exactly the images that the student is given, with the same
/// augmentation.
///
/// `q = Σ_m softmax(z_m / T) / M`, with the logits `z_m` of teacher m at inference. Pixels standardised for the student
/// are converted to the teacher's own standardisation. Cost: one forward pass of each teacher per image.
final class TeacherEnsemble {
    private struct Member {
        let network: InferenceNetwork
        /// `x′ = scale·x + shift` from the student's pixels to the teacher's; `nil` if they are the same.
        var affine: (scale: Float, shift: Float)?
    }

    private let members: [Member]
    private let temperature: Float
    private let classes: Int
    private let pixels: AlignedBuffer<Float>
    private let logits: AlignedBuffer<Float>
    /// The teachers' targets q, `[batchSize, K]`.
    let targets: AlignedBuffer<Float>

    /// - Parameter normalization: The student's standardisation of pixels.
    /// - Throws: `InputError` if a teacher expects other images or classes, or there is no teacher.
    init(
        _ teachers: [Teacher], temperature: Double, data: LoadedData, batchSize: Int,
        normalization: (mean: Float, standardDeviation: Float)?, pool: WorkerPool
    ) throws(InputError) {
        guard let first = teachers.first else {
            throw InputError(
                "training.distillation.teachers", expected: "at least one trained model", received: "none")
        }
        for (index, teacher) in teachers.enumerated() {
            do throws(InputError) {
                try Classifier.check(teacher.graph, fits: data.train, named: data.dataset)
                guard teacher.classNames == data.train.classNames else {
                    throw InputError(
                        "teacher", expected: "the classes \(data.train.classNames.joined(separator: ", "))",
                        received: teacher.classNames.joined(separator: ", "))
                }
            } catch {
                throw InputError(
                    "training.distillation.teachers[\(index)]", expected: error.expected, received: error.received,
                    remedy: "a teacher sees the student's images and knows the same classes")
            }
        }
        self.temperature = Float(temperature)
        classes = first.graph.classCount
        let (mean, deviation) = normalization ?? (0, 1)
        members = teachers.map { teacher in
            let network = InferenceNetwork(graph: teacher.graph, batchSize: batchSize, pool: pool)
            network.load(parameters: teacher.parameters, state: teacher.state)
            let (itsMean, itsDeviation) = teacher.normalization ?? (0, 1)
            let isSame = mean == itsMean && deviation == itsDeviation
            return Member(
                network: network, affine: isSame ? nil : (deviation / itsDeviation, (mean - itsMean) / itsDeviation))
        }
        pixels = AlignedBuffer(count: batchSize * first.graph.inputShape.count)
        logits = AlignedBuffer(count: batchSize * classes)
        targets = AlignedBuffer(count: batchSize * classes)
    }

    /// Computes ``targets`` for the first `count` images.
    func judge(_ images: AlignedBuffer<Float>, count: Int) {
        let size = count * members[0].network.graph.inputShape.count
        let share = 1 / Float(members.count)
        for (index, member) in members.enumerated() {
            var input = images
            if let (scale, shift) = member.affine {
                images.withSpan(0..<size) { from in
                    pixels.withMutableSpan(0..<size) { to in for i in 0..<size { to[i] = scale * from[i] + shift } }
                }
                input = pixels
            }
            member.network.activations(images: input, count: count, into: logits)
            SoftmaxKernels.addSoftened(
                logits, rows: count, columns: classes, temperature: temperature, share: share, keeps: index > 0,
                sum: targets)
        }
    }
}
