import Kernels
import Tensors
import TestSupport
import Testing

@Suite("Pooling kernels")
struct PoolingTests {
    static let shapes: [ReferencePooling] = [1, 3, 16, 17, 33].flatMap { channels -> [ReferencePooling] in
        var same = ReferencePooling(5, 7, channels, window: (3, 2), stride: (2, 1))
        (same.top, same.bottom, same.left, same.right) = (1, 1, 0, 1)
        var wide = ReferencePooling(4, 3, channels, window: (4, 5), stride: (3, 2))
        (wide.top, wide.bottom, wide.left, wide.right) = (3, 2, 4, 1)
        return [
            same, wide, ReferencePooling(4, 6, channels, window: (2, 2), stride: (2, 2)),
            ReferencePooling(7, 5, channels, window: (2, 3), stride: (3, 3)),
            ReferencePooling(6, 6, channels, window: (3, 2), stride: (3, 2)),
            ReferencePooling(4, 9, channels, window: (2, 3), stride: (2, 3)),
            ReferencePooling(3, 4, channels, window: (3, 4), stride: (1, 1)),
            ReferencePooling(1, 1, channels, window: (1, 1), stride: (1, 1)),
        ]
    }

    private func geometry(_ g: ReferencePooling) -> PoolingGeometry {
        PoolingGeometry(
            height: g.height, width: g.width, channels: g.channels, windowHeight: g.windowHeight,
            windowWidth: g.windowWidth, strideHeight: g.strideHeight, strideWidth: g.strideWidth, padTop: g.top,
            padLeft: g.left, outHeight: g.outHeight, outWidth: g.outWidth)
    }

    @Test("max: value, first place of ties and gradient, exact", arguments: shapes)
    func maximum(_ g: ReferencePooling) {
        var data = TestData(UInt64(g.channels))
        // Few values, so that most windows hold ties.
        let x = data.integers(g.inputCount, limit: 2).map { Double($0) }, dy = data.integers(g.outputCount, limit: 9)
        let exact = g.maximum(x: x)
        let px = GuardedFloats(x), y = GuardedFloats(count: g.outputCount), alone = GuardedFloats(count: g.outputCount)
        let places = AlignedBuffer<Int32>([Int32](repeating: -9, count: g.outputCount + 8))
        PoolingKernels.maximum(geometry(g), x: px.pointer, y: y.pointer, argmax: places.pointer)
        PoolingKernels.maximum(geometry(g), x: px.pointer, y: alone.pointer, argmax: nil)
        #expect(y.values == exact.y.floats && alone.values == y.values && y.isIntact && alone.isIntact)
        let found = places.array.enumerated().prefix(g.outputCount).map { Int($1) * g.channels + $0 % g.channels }
        #expect(found == exact.places)
        #expect(places.array.suffix(8).allSatisfy { $0 == -9 })
        let pdy = GuardedFloats(dy), dx = GuardedFloats(count: g.inputCount)
        PoolingKernels.maximumGradient(geometry(g), dy: pdy.pointer, argmax: places.pointer, dx: dx.pointer)
        #expect(dx.values == g.maximumGradient(places: exact.places, dy: dy.map { Double($0) }).floats)
        #expect(dx.isIntact)
    }

    @Test("average and its gradient against Double", arguments: shapes)
    func average(_ g: ReferencePooling) {
        var data = TestData(UInt64(g.channels))
        let x = data.doubles(g.inputCount), dy = data.doubles(g.outputCount)
        let px = GuardedFloats(x), y = GuardedFloats(count: g.outputCount)
        PoolingKernels.average(geometry(g), x: px.pointer, y: y.pointer)
        let window = g.windowHeight * g.windowWidth
        #expect(sumExcess(y.values, g.average(x: x), length: window, terms: g.average(x: x.magnitudes)) <= 1)
        let pdy = GuardedFloats(dy), dx = GuardedFloats(count: g.inputCount)
        PoolingKernels.averageGradient(geometry(g), dy: pdy.pointer, dx: dx.pointer)
        let terms = g.averageGradient(dy: dy.magnitudes)
        #expect(sumExcess(dx.values, g.averageGradient(dy: dy), length: window, terms: terms) <= 1)
        #expect(y.isIntact && dx.isIntact)
    }

    @Test("a NaN in a window is kept, wherever it stands", arguments: [1, 16], 0..<4)
    func keepsNaN(_ channels: Int, _ place: Int) {
        let g = ReferencePooling(2, 2, channels, window: (2, 2), stride: (2, 2))
        let x = (0..<4 * channels).map { $0 / channels == place ? Float.nan : Float($0) }
        let px = GuardedFloats(x), y = GuardedFloats(count: channels), places = AlignedBuffer<Int32>(count: channels)
        PoolingKernels.maximum(geometry(g), x: px.pointer, y: y.pointer, argmax: places.pointer)
        #expect(y.values.allSatisfy { $0.isNaN })
        #expect(places.array.allSatisfy { $0 == place })
    }

    @Test("windows of −∞ give −∞")
    func infinity() {
        let g = ReferencePooling(2, 2, 17, window: (2, 2), stride: (2, 2))
        let px = GuardedFloats([Float](repeating: -.infinity, count: 68)), y = GuardedFloats(count: 17)
        PoolingKernels.maximum(geometry(g), x: px.pointer, y: y.pointer, argmax: nil)
        #expect(y.values.allSatisfy { $0 == -.infinity })
    }
}
