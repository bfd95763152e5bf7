import Kernels
import Tensors
import TestSupport
import Testing

/// Against batch-norm and pooling one after the other, to the bit.
@Suite("Batch-norm with max pooling")
struct PooledBatchNormTests {
    struct Case: Sendable {
        var geometry: PoolingGeometry
        var relu: Bool
    }

    static let cases: [Case] = [16, 17, 24, 48].flatMap { channels in
        [(2, 2), (3, 2), (2, 3), (1, 1)].flatMap { height, width in
            [false, true].map {
                Case(
                    geometry: PoolingGeometry(
                        height: 3 * height, width: 4 * width, channels: channels, windowHeight: height,
                        windowWidth: width, strideHeight: height, strideWidth: width, outHeight: 3, outWidth: 4),
                    relu: $0)
            }
        }
    }

    @Test("forward and input gradient", arguments: cases)
    func bits(_ test: Case) {
        let g = test.geometry, c = g.channels, pixels = g.height * g.width
        #expect(PooledBatchNormKernels.serve(g))
        var data = TestData(UInt64(c))
        // Few values, so that many windows hold ties; a NaN; some scales negative.
        var numbers = data.integers(g.inputCount, limit: 3).map { Float($0) / 2 }
        numbers[g.inputCount / 2] = .nan
        let x = GuardedFloats(numbers), dy = GuardedFloats(data.doubles(g.outputCount))
        func row() -> GuardedFloats {
            let values = data.doubles(c)
            return GuardedFloats((0..<ColumnKernels.period(c)).map { values[$0 % c] })
        }
        let mean = row(), scale = row(), shift = row(), slope = row(), offset = row()

        let normalized = GuardedFloats(count: g.inputCount), y = GuardedFloats(count: g.outputCount)
        let places = AlignedBuffer<Int32>(count: g.outputCount)
        BatchNormKernels.apply(
            x.pointer, rows: pixels, columns: c, scale: scale.pointer, shift: shift.pointer, relu: test.relu,
            y: normalized.pointer)
        PoolingKernels.maximum(g, x: normalized.pointer, y: y.pointer, argmax: places.pointer)
        let found = GuardedFloats(count: g.outputCount), chosen = GuardedFloats(count: g.outputCount)
        let argmax = AlignedBuffer<Int32>([Int32](repeating: -9, count: g.outputCount + 8))
        PooledBatchNormKernels.forward(
            g, x: x.pointer, scale: scale.pointer, shift: shift.pointer, relu: test.relu, y: found.pointer,
            argmax: argmax.pointer, chosen: chosen.pointer)
        #expect(found.values.map(\.bitPattern) == y.values.map(\.bitPattern))
        #expect(Array(argmax.array.prefix(g.outputCount)) == places.array)
        let sources = places.array.enumerated().map { numbers[Int($1) * c + $0 % c] }
        #expect(chosen.values.map(\.bitPattern) == sources.map(\.bitPattern))
        #expect(found.isIntact && chosen.isIntact && argmax.array.suffix(8).allSatisfy { $0 == -9 })

        let spread = GuardedFloats(count: g.inputCount), dx = GuardedFloats(count: g.inputCount)
        PoolingKernels.maximumGradient(g, dy: dy.pointer, argmax: places.pointer, dx: spread.pointer)
        BatchNormKernels.inputGradient(
            dy: spread.pointer, x: x.pointer, rows: pixels, columns: c, mean: mean.pointer, scale: scale.pointer,
            shift: shift.pointer, slope: slope.pointer, offset: offset.pointer, relu: test.relu, dx: spread.pointer)
        PooledBatchNormKernels.inputGradient(
            g, dy: dy.pointer, argmax: argmax.pointer, x: x.pointer, mean: mean.pointer, scale: scale.pointer,
            shift: shift.pointer, slope: slope.pointer, offset: offset.pointer, relu: test.relu, dx: dx.pointer)
        #expect(dx.values.map(\.bitPattern) == spread.values.map(\.bitPattern) && dx.isIntact)
    }

    @Test("windows that overlap, leave pixels out or are padded, and few channels, are served otherwise")
    func others() {
        let tiled = PoolingGeometry(
            height: 4, width: 4, channels: 16, windowHeight: 2, windowWidth: 2, strideHeight: 2, strideWidth: 2,
            outHeight: 2, outWidth: 2)
        #expect(PooledBatchNormKernels.serve(tiled))
        let changes: [(inout PoolingGeometry) -> Void] = [
            { $0.channels = 15 }, { $0.strideWidth = 1 }, { $0.height = 5 }, { $0.padTop = 1 }, { $0.width = 5 },
        ]
        for change in changes {
            var other = tiled
            change(&other)
            #expect(!PooledBatchNormKernels.serve(other))
        }
    }
}
