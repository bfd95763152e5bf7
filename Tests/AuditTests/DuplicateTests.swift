import Datasets
import Foundation
import LinearAlgebra
import TestSupport
import Tensors
import Testing
import Workers

@testable import Audit

/// One picture twice.
struct DuplicateTests {
    /// The first images of the bundled sample.
    static func sample(_ count: Int) throws -> ImageSet {
        var options = DataOptions()
        options.source = .sample
        return try DatasetLoader.load(options, seed: 0).train.subset(0..<count)
    }

    /// Image `index` of `set`, each pixel drawn from where `place` says, `change` done to it.
    private func copy(
        _ set: ImageSet, _ index: Int, place: (Double, Double) -> (Double, Double), change: (Double) -> Double = { $0 }
    ) -> [UInt8] {
        let image = Array(set.images[(index * 784)..<((index + 1) * 784)])
        return (0..<784).map { pixel in
            let (x, y) = place(Double(pixel % 28), Double(pixel / 28))
            let (i, j) = (Int(x.rounded(.down)), Int(y.rounded(.down))),
                (u, v) = (x - x.rounded(.down), y - y.rounded(.down))
            func at(_ i: Int, _ j: Int) -> Double {
                (0..<28).contains(i) && (0..<28).contains(j) ? Double(image[j * 28 + i]) : 0
            }
            let value =
                (1 - v) * ((1 - u) * at(i, j) + u * at(i + 1, j)) + v * ((1 - u) * at(i, j + 1) + u * at(i + 1, j + 1))
            return UInt8(min(max(change(value).rounded(), 0), 255))
        }
    }

    @Test func exactGroups() throws {
        let set = try Self.sample(5), twice = set.joined(with: set.subset([3, 1, 3]))
        #expect(DuplicateFinder.exact(twice) == [[1, 6], [3, 5, 7]])
        #expect(DuplicateFinder.exact(set).isEmpty)
    }

    @Test func plantedCopiesAreFound() throws {
        let set = try Self.sample(600)
        let turn = 4 * Double.pi / 180, (c, s) = (cos(turn), sin(turn))
        var planted: [[UInt8]] = [], sources: [Int] = []
        for n in 0..<8 {
            let i = 7 * n + 3
            sources += [i, i, i, i]
            planted.append(copy(set, i, place: { ($0 + 1, $1 - 1) }))
            planted.append(
                copy(
                    set, i,
                    place: { (13.5 + c * ($0 - 13.5) - s * ($1 - 13.5), 13.5 + s * ($0 - 13.5) + c * ($1 - 13.5)) }))
            planted.append(copy(set, i, place: { (13.5 + ($0 - 13.5) / 1.06, 13.5 + ($1 - 13.5) / 1.06) }))
            planted.append(copy(set, i, place: { ($0, $1) }, change: { $0 * 0.75 }))
        }
        // One copy of a kind a set: four copies of a picture would be one another's neighbours.
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        for kind in 0..<4 {
            let chosen = stride(from: kind, to: planted.count, by: 4).map { planted[$0] }
            let all = set.joined(
                with: try ImageSet(
                    images: chosen.flatMap { $0 },
                    labels: stride(from: kind, to: 32, by: 4).map { set.labels[sources[$0]] },
                    height: 28, width: 28, classCount: 10, classNames: set.classNames))
            let pairs = DuplicateFinder(all, pool: pool).near(features: nil)
            let wanted = (0..<8).map { [7 * $0 + 3, 600 + $0] }
            #expect(pairs.map { [$0.first, $0.second] } == wanted, "kind \(kind)")
        }
    }

    @Test func groupsJoinPairs() {
        #expect(DuplicateFinder.groups([(4, 2), (2, 7), (5, 6)], count: 9) == [[2, 4, 7], [5, 6]])
    }

    /// The noise estimate is the deviation of normal noise on a flat ground with an edge, and 0 without noise.
    @Test(arguments: [0, 3, 12, 30]) func noiseIsEstimated(_ sigma: Double) {
        var stream = RandomStream(RandomAddress(seed: 5, purpose: .test))
        let side = 60
        let image = (0..<side * side).map { i -> Float in
            // The sum of twelve uniform numbers has the variance 1.
            let normal = (0..<12).reduce(-6.0) { sum, _ in sum + Double(stream.nextWord()) / 4_294_967_296 }
            return Float((i % side < 20 ? 80 : 160) + sigma * normal)
        }
        let found = Double(GreyLoops.noise(image, height: side, width: side))
        #expect(abs(found - sigma) <= 0.06 * sigma, "\(found)")
        #expect(GreyLoops.noise([1, 2, 3, 4], height: 2, width: 2) == 0)
    }

    /// A copy in heavy noise is found, and not where noise is taken for a difference.
    @Test func noisyCopiesAreFound() throws {
        var options = DataOptions()
        options.source = .sample
        let set = try DatasetLoader.load(options, seed: 0).train.subset(Array(0..<600))
        var stream = RandomStream(RandomAddress(seed: 6, purpose: .test))
        let sources = (0..<20).map { 29 * $0 + 5 }
        let noisy = sources.flatMap { index in
            Array(set.eachBytes[index]).map { byte -> UInt8 in
                let normal = (0..<12).reduce(-6.0) { sum, _ in sum + Double(stream.nextWord()) / 4_294_967_296 }
                return UInt8(min(max(Double(byte) + 15 * normal, 0), 255).rounded())
            }
        }
        let all = set.joined(
            with: try ImageSet(
                images: noisy, labels: sources.map { set.labels[$0] }, height: 28, width: 28, classCount: 10,
                classNames: set.classNames))
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let pairs = Set(DuplicateFinder(all, pool: pool).near(features: nil).map { [$0.first, $0.second] })
        #expect(sources.indices.count { pairs.contains([sources[$0], 600 + $0]) } >= 19, "\(pairs)")
    }

    @Test func darkImagesAreNoPuzzle() throws {
        let pool = WorkerPool(threads: 1)
        let dark = try ImageSet(
            images: [UInt8](repeating: 0, count: 12 * 49), labels: [UInt8](repeating: 0, count: 12), height: 7,
            width: 7,
            classCount: 2, classNames: ["a", "b"])
        // They are copies of one another.
        #expect(DuplicateFinder(dark, pool: pool).near(features: nil).allSatisfy { $0.residual == 0 })
        #expect(DuplicateFinder(dark.subset([0]), pool: pool).near(features: nil).isEmpty)
    }

    /// Against every product of two rows, by any number of threads.
    @Test func nearestRowsAreTheNearest() {
        let n = 1500, d = 5, count = 4
        var stream = RandomStream(RandomAddress(seed: 3, purpose: .test))
        let rows = AlignedBuffer<Float>(count: n * d)
        // Whole numbers: products are exact, and many are equal.
        for i in 0..<n * d { rows[i] = Float(Int(stream.nextWord() % 9) - 4) }
        let one = WorkerPool(threads: 1), three = WorkerPool(threads: 3)
        let found = NearestRows.find(rows, d: d, count: count, pool: one)
        #expect(found == NearestRows.find(rows, d: d, count: count, pool: three))
        for i in stride(from: 0, to: n, by: 37) {
            let order = (0..<n).filter { $0 != i }.map { j in
                (j, (0..<d).reduce(Float(0)) { $0 + rows[i * d + $1] * rows[j * d + $1] })
            }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
            #expect(order.prefix(count).map { Int32($0.0) } == Array(found[(i * count)..<((i + 1) * count)]))
        }
        #expect(NearestRows.find(AlignedBuffer(count: d), d: d, count: 2, pool: one) == [-1, -1])
    }
}
