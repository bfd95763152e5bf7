import Kernels
import LinearAlgebra
import Tensors
import Workers

/// Returns a buffer of deterministic numbers of typical magnitude: exact values do not matter for timing, but denormals
/// would.
private func filled(_ count: Int, seed: UInt64) -> AlignedBuffer<Float> {
    let buffer = AlignedBuffer<Float>(count: count)
    var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
    let period = min(count, 4093)
    for index in 0..<period { buffer[index] = Float(stream.normalPair().0) }
    for index in period..<max(period, count) { buffer[index] = buffer[index - period] }
    return buffer
}

private func seconds(_ body: () -> Void) -> Double {
    let start = MonotonicClock.nanoseconds()
    body()
    return Double(MonotonicClock.nanoseconds() - start) * 1e-9
}

/// One direction of a convolution on synthetic images, to be timed in any lowering.
final class ConvolutionTiming {
    private let task: LoweringTask
    private let images: Int
    private let x, dy, w, target: AlignedBuffer<Float>
    private var scratch = AlignedBuffer<Float>(count: 0)
    private var sums = AlignedBuffer<Float>(count: 0)

    enum Preparation {
        case product(LoweredProduct)
        case weights(LoweredWeightGradient)
    }

    init(_ task: LoweringTask, images: Int) {
        self.task = task
        self.images = images
        let g = task.geometry
        x = filled(g.inputCount * images, seed: 1)
        dy = filled(g.outputCount * images, seed: 2)
        w = filled(g.weightCount, seed: 3)
        let floats =
            switch task.direction {
            case .forward: g.outputCount * images
            case .inputGradient: g.inputCount * images
            case .weightGradient: g.weightCount
            }
        target = AlignedBuffer(count: floats)
    }

    func preparation(_ lowering: Lowering) -> Preparation {
        let prepared: Preparation
        let floats: Int
        if task.direction == .weightGradient {
            let gradient = LoweredWeightGradient(task.geometry, lowering)
            if sums.count < gradient.sumFloats { sums = AlignedBuffer(count: gradient.sumFloats) }
            (prepared, floats) = (.weights(gradient), gradient.scratchFloats)
        } else {
            let product = LoweredProduct(task, lowering)
            product.prepare(w.pointer)
            (prepared, floats) = (.product(product), product.scratchFloats)
        }
        if scratch.count < floats { scratch = AlignedBuffer(count: floats) }
        return prepared
    }

    /// Returns the seconds per image.
    func run(_ lowering: Lowering, _ preparation: Preparation) -> Double {
        seconds { compute(preparation, x, dy, w, images) } / Double(images)
    }

    /// Returns the seconds of the work done once after each change of the weights.
    func secondsOnce(_ preparation: Preparation) -> Double {
        guard case .product(let product) = preparation else { return 0 }
        return seconds { product.prepare(w.pointer) }
    }

    private func compute(
        _ preparation: Preparation, _ x: AlignedBuffer<Float>, _ dy: AlignedBuffer<Float>, _ w: AlignedBuffer<Float>,
        _ images: Int
    ) {
        switch preparation {
        case .product(let product):
            product.run(
                images: images, x: (task.direction == .forward ? x : dy).pointer, layerWeights: w.pointer, bias: nil,
                y: target.pointer, scratch: scratch.pointer)
        case .weights(let gradient):
            gradient.run(
                images: images, x: x.pointer, dy: dy.pointer, dw: target.pointer, sums: sums.pointer, isFirst: true,
                isLast: true,
                scratch: scratch.pointer)
        }
    }

    /// Returns the largest difference of one image's result from im2col's, relative to the bound of
    /// ``Winograd/Tile/errorFactor`` plus im2col's own.
    func errorShare(_ lowering: Lowering, _ tile: Winograd.Tile) -> Double {
        let g = task.geometry
        func result(_ lowering: Lowering, absolute: Bool) -> [Float] {
            func input(_ buffer: AlignedBuffer<Float>, _ count: Int) -> AlignedBuffer<Float> {
                let copy = AlignedBuffer<Float>(count: count)
                for index in 0..<count { copy[index] = absolute ? abs(buffer[index]) : buffer[index] }
                return copy
            }
            let weights = input(w, w.count), image = input(x, g.inputCount), gradient = input(dy, g.outputCount)
            let prepared = preparation(lowering)
            if case .product(let product) = prepared { product.prepare(weights.pointer) }
            withExtendedLifetime((weights, image, gradient)) { compute(prepared, image, gradient, weights, 1) }
            let count = task.direction == .weightGradient ? target.count : target.count / images
            return Array(target.array.prefix(count))
        }
        let im2col = task.tabled(.im2col)
        let expected = result(im2col, absolute: false), found = result(lowering, absolute: false)
        let terms = result(im2col, absolute: true).max() ?? 0
        let length = task.direction == .weightGradient ? g.outRows : task.computed.depth
        let unit = (4 + 2 * Double(length).squareRoot()) * 0x1p-24 * Double(terms)
        var difference = 0.0
        for (a, b) in zip(expected, found) {
            // No maximum: those pass over NaN.
            let error = Double(abs(a - b))
            if error.isNaN { return .infinity }
            difference = max(difference, error)
        }
        return difference == 0 ? 0 : difference / (unit * (tile.errorFactor + 1))
    }
}

/// A dense layer's three products for a whole batch on one thread, in either lowering.
final class DenseTiming {
    private let features, units, batchSize, shardImages: Int
    private let x, dy, w, y, dx, dw, partial: AlignedBuffer<Float>

    init(features: Int, units: Int, batchSize: Int, shardImages: Int) {
        (self.features, self.units, self.batchSize, self.shardImages) = (features, units, batchSize, shardImages)
        x = filled(batchSize * features, seed: 1)
        dy = filled(batchSize * units, seed: 2)
        w = filled(features * units, seed: 3)
        y = AlignedBuffer(count: batchSize * units)
        dx = AlignedBuffer(count: batchSize * features)
        dw = AlignedBuffer(count: features * units)
        partial = AlignedBuffer(count: features * units)
    }

    /// Returns the seconds per image.
    func run(_ lowering: DenseLowering) -> Double {
        seconds {
            switch lowering {
            case .images: inShards()
            case .weights(let block): inBlocks(block)
            }
        } / Double(batchSize)
    }

    private func inShards() {
        for first in stride(from: 0, to: batchSize, by: shardImages) {
            let rows = min(shardImages, batchSize - first)
            products(rows, first, 0..<features, 0..<units)
            BLAS.gemm(
                .yes, .no, m: features, n: units, k: rows, a: x.pointer + first * features, lda: features,
                b: dy.pointer + first * units, ldb: units, c: partial.pointer, ldc: units)
            // The shards' gradients are summed at the end of the step.
            ElementwiseKernels.add(dw.pointer, partial.pointer, count: dw.count, y: dw.pointer)
        }
    }

    private func inBlocks(_ block: Int) {
        typealias Blocked = BlockedDenseOperation
        for row in stride(from: 0, to: batchSize, by: Blocked.blockRows) {
            for unit in stride(from: 0, to: units, by: Blocked.blockUnits) {
                let rows = min(Blocked.blockRows, batchSize - row)
                forward(rows, row, unit..<min(unit + Blocked.blockUnits, units))
            }
        }
        for feature in stride(from: 0, to: features, by: block) {
            let range = feature..<min(feature + block, features)
            BLAS.gemm(
                .yes, .no, m: range.count, n: units, k: batchSize, a: x.pointer + feature, lda: features,
                b: dy.pointer, ldb: units, c: dw.pointer + feature * units, ldc: units)
            inputGradient(batchSize, 0, range)
        }
    }

    private func products(_ rows: Int, _ first: Int, _ features: Range<Int>, _ units: Range<Int>) {
        forward(rows, first, units)
        inputGradient(rows, first, features)
    }

    private func forward(_ rows: Int, _ first: Int, _ columns: Range<Int>) {
        BLAS.gemm(
            m: rows, n: columns.count, k: features, a: x.pointer + first * features, lda: features,
            b: w.pointer + columns.lowerBound, ldb: units, c: y.pointer + first * units + columns.lowerBound,
            ldc: units)
    }

    private func inputGradient(_ rows: Int, _ first: Int, _ range: Range<Int>) {
        BLAS.gemm(
            .no, .yes, m: rows, n: range.count, k: units, a: dy.pointer + first * units, lda: units,
            b: w.pointer + range.lowerBound * units, ldb: units,
            c: dx.pointer + first * features + range.lowerBound, ldc: features)
    }
}
