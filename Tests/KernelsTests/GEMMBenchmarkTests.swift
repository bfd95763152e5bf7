import LinearAlgebra
import Tensors
import Testing
import Workers

/// What the benchmark keeps of a product is the product, whoever and however many compute it.
@Suite struct GEMMBenchmarkTests {
    private static let effort = GEMMBenchmark.Effort(timings: 1, seconds: 1e-5)

    @Test(arguments: [
        GEMMShape(5, 7, 11), GEMMShape(5, 7, 11, transA: true), GEMMShape(5, 7, 11, transB: true),
        GEMMShape(5, 7, 11, transA: true, transB: true), GEMMShape(1, 1, 3), GEMMShape(1, 10, 40, transB: true),
        GEMMShape(96, 32, 288),
    ])
    func samplesAreElementsOfTheProduct(_ shape: GEMMShape) {
        var stream = RandomStream(
            RandomAddress(
                seed: 0, purpose: .test, major: UInt32(shape.m), minor: UInt32(shape.n), stream: UInt32(shape.k)))
        let a = (0..<shape.m * shape.k).map { _ in Double(2 * stream.uniform() - 1) }
        let b = (0..<shape.k * shape.n).map { _ in Double(2 * stream.uniform() - 1) }
        var product: [Double] = []
        for row in 0..<shape.m {
            for column in 0..<shape.n {
                var sum = 0.0
                for i in 0..<shape.k {
                    sum +=
                        a[shape.transA ? i * shape.m + row : row * shape.k + i]
                        * b[shape.transB ? column * shape.k + i : i * shape.n + column]
                }
                product.append(sum)
            }
        }
        let pool = WorkerPool(threads: 2)
        defer { pool.shutdown() }
        let measured = GEMMBenchmark.measure(shape, pool: pool, effort: Self.effort)
        let count = min(16, product.count)
        #expect(measured.samples.count == count)
        // k products below 1, each sum rounded to Float: k·(k + 1)·2⁻²⁴ at the very most.
        let bound = Double(shape.k * (shape.k + 1)) * 0x1p-24
        var largest = 0.0, scale = 0.0
        for (i, sample) in measured.samples.enumerated() {
            let exact = product[count == 1 ? 0 : i * (product.count - 1) / (count - 1)]
            largest = max(largest, (Double(sample) - exact).magnitude)
            scale = max(scale, exact.magnitude)
        }
        #expect(largest <= bound)
        #expect((measured.largestError - largest / scale).magnitude <= 1e-12)
        #expect(measured.gflopsOne > 0 && measured.gflopsAll > 0)

        let alone = WorkerPool(threads: 1)
        let single = GEMMBenchmark.measure(shape, pool: alone, effort: Self.effort)
        #expect(single.samples == measured.samples && single.gflopsAll == single.gflopsOne)
    }

    @Test(arguments: [true, false])
    func theSweepHasEachShapeOnce(_ quick: Bool) {
        let shapes = GEMMSweep.shapes(quick: quick).map(\.shape)
        #expect(Set(shapes).count == shapes.count)
        #expect(Set(shapes.map(\.form)) == ["A·B", "Aᵀ·B", "A·Bᵀ", "Aᵀ·Bᵀ"])
        #expect(shapes.contains(GEMMShape(2048, 2048, 2048)) == !quick)
    }
}
