import Datasets
import NeuralNetwork
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite("Whitening initialisation")
struct WhiteningTests {
    /// Smooth images, so that neighbouring pixels are correlated.
    private func images(_ count: Int, _ size: Int = 10) throws -> ImageSet {
        var random = RandomStream(RandomAddress(seed: 4, purpose: .test))
        var pixels: [UInt8] = []
        for _ in 0..<count {
            let (a, b, c) = (random.uniform(), random.uniform(), random.uniform())
            for y in 0..<size {
                for x in 0..<size {
                    let value = 100 * (a * Float(x) + b * Float(y)) / Float(size) + 80 * c * random.uniform()
                    pixels.append(UInt8(min(max(value, 0), 255)))
                }
            }
        }
        return try ImageSet(
            images: pixels, labels: [UInt8](repeating: 0, count: count), height: size, width: size, classCount: 2,
            classNames: ["a", "b"])
    }

    private func graph(filters: Int, _ size: Int = 10) throws -> ResolvedGraph {
        try ResolvedGraph(
            Graph(
                inputShape: Shape([size, size, 1]),
                layers: [
                    .conv2d(filters: filters, kernelSize: Size2D(3, 2), useBias: false), .relu, .flatten,
                    .dense(units: 2),
                ]))
    }

    /// Responses of all windows to all filters, in Double.
    private func responses(_ set: ImageSet, _ kernel: [Double], filters: Int, deviation: Double) -> [[Double]] {
        var rows: [[Double]] = []
        for image in 0..<set.count {
            for y in 0...(set.height - 3) {
                for x in 0...(set.width - 2) {
                    var row = [Double](repeating: 0, count: filters)
                    for dy in 0..<3 {
                        for dx in 0..<2 {
                            let pixel = Double(set.images[image * set.imageSize + (y + dy) * set.width + x + dx])
                            for f in 0..<filters {
                                row[f] += pixel / 255 / deviation * kernel[(dy * 2 + dx) * filters + f]
                            }
                        }
                    }
                    rows.append(row)
                }
            }
        }
        return rows
    }

    /// Over the windows of the images it saw, the filters' responses are uncorrelated and of variance λ/(λ + ε), which is
    /// 1 for a small ε; the second half are the first ones negated.
    @Test(arguments: [6, 9, 12])
    func responsesAreWhite(filters: Int) throws {
        let set = try images(20), graph = try graph(filters: filters)
        let kernel = try Whitening.kernel(of: graph)
        let parameters = AlignedBuffer<Float>(count: graph.parameterCount)
        // The 15 images looked at; standardised pixels.
        try Whitening.initialize(
            kernel, in: parameters, images: set, count: 15, epsilon: 1e-9, normalization: (0.3, 0.25))
        let weights = (0..<6 * filters).map { Double(parameters[kernel.offset + $0]) }
        let rows = responses(set.subset(0..<15), weights, filters: filters, deviation: 0.25)
        let n = Double(rows.count)
        let means = (0..<filters).map { f in rows.reduce(0) { $0 + $1[f] } / n }
        for f in 0..<filters {
            for g in 0...f {
                let covariance = rows.reduce(0) { $0 + ($1[f] - means[f]) * ($1[g] - means[g]) } / n
                let expected: Double = f == g ? 1 : (f - g == 6 ? -1 : 0)
                #expect(abs(covariance - expected) < 1e-3, "\(f), \(g)")
            }
        }
        #expect(parameters.array[(kernel.offset + 6 * filters)...].allSatisfy { $0 == 0 })
    }

    @Test func epsilonDampsWhatHardlyVaries() throws {
        let set = try images(10), graph = try graph(filters: 6)
        let kernel = try Whitening.kernel(of: graph)
        func norms(_ epsilon: Double) throws -> [Double] {
            let parameters = AlignedBuffer<Float>(count: graph.parameterCount)
            try Whitening.initialize(
                kernel, in: parameters, images: set, count: 10, epsilon: epsilon, normalization: nil)
            return (0..<6).map { f in
                (0..<6).reduce(0) { $0 + Double(parameters[$1 * 6 + f]) * Double(parameters[$1 * 6 + f]) }
            }
        }
        // Norms² are 1/(λ + ε).
        let plain = try norms(1e-12), damped = try norms(1e-3)
        for f in 0..<6 { #expect(abs(1 / damped[f] - 1 / plain[f] - 1e-3) < 1e-5) }
        #expect(plain == plain.sorted())
    }

    @Test func refusals() throws {
        #expect(throws: InputError.self) { try Whitening.kernel(of: graph(filters: 13)) }
        let dense = try ResolvedGraph(Graph(inputShape: Shape([4, 4, 1]), layers: [.flatten, .dense(units: 2)]))
        #expect(throws: InputError.self) { try Whitening.kernel(of: dense) }
    }
}
