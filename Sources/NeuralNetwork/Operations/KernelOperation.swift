import Kernels
import Tensors

/// The per-image computation of a layer with a kernel that computes its own products; everything else is
/// ``KernelOperation``'s.
protocol KernelProduct {
    /// The number of floats of worker scratch it needs.
    var scratchFloats: Int { get }
    /// The number of rows of an output image `[rows, F]`.
    var outputRows: Int { get }
    /// Computes the output, including bias and rectifier.
    func forward(
        _ x: UnsafeMutablePointer<Float>, _ weights: LayerWeights, relu: Bool, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>)
    /// Adds the kernel's gradient to `dw` and writes the input's to `dx`, each if given.
    func backward(
        dy: UnsafeMutablePointer<Float>, _ weights: LayerWeights,
        kernel: (x: UnsafeMutablePointer<Float>, dw: UnsafeMutablePointer<Float>)?, dx: UnsafeMutablePointer<Float>?,
        scratch: UnsafeMutablePointer<Float>)
}

/// A layer with a kernel and optionally a bias, computed image by image. Each shard keeps its own sums of the
/// gradients.
final class KernelOperation<Product: KernelProduct>: Operation {
    let name: String
    private let product: Product
    private let weights: LayerWeights
    private let relu: Bool
    private let input, recomputedInput, output: Storage
    private let outputGradient, inputGradient: Storage?
    private let store: ParameterStore
    private let partials: GradientPartials?
    private let kernelPartial: Int
    private var biasGradient: BiasGradient?

    init(_ emission: LayerEmission, _ product: Product, weights: LayerWeights) {
        name = emission.node.name
        self.product = product
        self.weights = weights
        relu = emission.rectifies
        input = emission.input
        recomputedInput = emission.recomputed.input ?? emission.input
        output = emission.output
        outputGradient = emission.outputGradient
        inputGradient = emission.inputGradient
        store = emission.store
        partials = emission.partials
        kernelPartial = partials?.register(weights.kernel) ?? 0
    }

    var scratchFloats: Int { product.scratchFloats }

    func reads(_ pass: Pass) -> [Storage] {
        pass == .forward ? [input] : [partials == nil ? nil : recomputedInput, outputGradient].compactMap { $0 }
    }

    func writes(_ pass: Pass) -> [Storage] { pass == .forward ? [output] : [inputGradient].compactMap { $0 } }

    func prepare(capacity: Int, shards: Int, workers: Int) {
        biasGradient = BiasGradient(weights, learns: partials != nil, store: store, shards: shards)
    }

    func refresh() { weights.refresh() }

    func run(_ pass: Pass, _ chunk: borrowing Chunk) {
        if pass == .forward {
            for image in chunk.images {
                product.forward(
                    input.pointer(image, chunk), weights, relu: relu, y: output.pointer(image, chunk),
                    scratch: chunk.scratch)
            }
            return
        }
        guard let outputGradient else { return }
        biasGradient?.add(
            outputGradient.pointer(chunk.images.lowerBound, chunk), rows: chunk.images.count * product.outputRows,
            shard: chunk.shard, isFirst: chunk.isFirst)
        let dw = partials?.pointer(kernelPartial, shard: chunk.shard)
        if chunk.isFirst { dw?.update(repeating: 0, count: weights.kernel.count) }
        for image in chunk.images {
            product.backward(
                dy: outputGradient.pointer(image, chunk), weights,
                kernel: dw.map { (recomputedInput.pointer(image, chunk), $0) },
                dx: inputGradient?.pointer(image, chunk), scratch: chunk.scratch)
        }
    }

    func sums(_ pass: Pass) -> [ShardSums] { pass == .backward ? biasGradient?.sums ?? [] : [] }

    func reduce(_ pass: Pass, _ run: Run) { if pass == .backward { biasGradient?.reduce(shards: run.shards) } }
}
