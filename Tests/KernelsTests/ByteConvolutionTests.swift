import Foundation
import Tensors
import TestSupport
import Testing

@testable import Kernels

/// Products of bytes against plain loops over whole numbers: equal, with whatever instructions.
@Suite struct ByteConvolutionTests {
    static let instructions = ByteInstructions.allCases.filter(\.isAvailable)

    /// Geometries of every kind: strides, dilation, cropping, borders, channels and filters that fill no register.
    static let geometries: [ConvolutionGeometry] = [
        .init(
            height: 28, width: 28, channels: 1, kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1, outHeight: 28,
            outWidth: 28, filters: 32),
        .init(
            height: 9, width: 11, channels: 5, kernelHeight: 3, kernelWidth: 3, padTop: 1, padLeft: 1, outHeight: 9,
            outWidth: 11, filters: 40),
        .init(
            height: 8, width: 17, channels: 16, kernelHeight: 5, kernelWidth: 2, strideHeight: 2, strideWidth: 3,
            padTop: 2, padLeft: 1, outHeight: 4, outWidth: 6, filters: 10),
        .init(
            height: 10, width: 10, channels: 3, kernelHeight: 3, kernelWidth: 3, dilationHeight: 2, dilationWidth: 2,
            padTop: 2, padLeft: 2, outHeight: 10, outWidth: 10, filters: 17),
        .init(
            height: 6, width: 6, channels: 64, kernelHeight: 1, kernelWidth: 1, outHeight: 6, outWidth: 6, filters: 33),
        .init(
            height: 12, width: 12, channels: 2, kernelHeight: 3, kernelWidth: 3, padTop: -1, padLeft: -2, outHeight: 8,
            outWidth: 7, filters: 1),
        .init(
            height: 4, width: 45, channels: 7, kernelHeight: 4, kernelWidth: 4, outHeight: 1, outWidth: 42, filters: 64),
    ]

    /// A layer with made-up numbers, and what its sums must be.
    private struct Case {
        let g: ConvolutionGeometry
        let input: ByteScale
        var image: [UInt8] = []
        var weights: [Float] = []
        var scales: [Float] = []
        var bias: [Float] = []

        init(_ g: ConvolutionGeometry, zeroPoint: UInt8, seed: UInt64) {
            self.g = g
            input = ByteScale(scale: 0.03125, zeroPoint: zeroPoint)
            var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
            func uniform() -> Float { stream.uniform() }
            image = (0..<g.inputCount).map { _ in UInt8(min(255, uniform() * 256)) }
            scales = (0..<g.filters).map { _ in 0.001 + uniform() / 50 }
            let scales = scales, filters = g.filters
            weights = (0..<g.weightCount).map { (uniform() * 254 - 127).rounded() * scales[$0 % filters] }
            bias = (0..<g.filters).map { _ in uniform() * 20 - 10 }
        }

        /// `Σ (x − zero)·w + bias` for each output, the bias rounded to the sum's unit.
        var sums: [Int] {
            var result: [Int] = []
            for i in 0..<g.outHeight {
                for j in 0..<g.outWidth {
                    for f in 0..<g.filters {
                        let unit = Double(input.scale * scales[f])
                        var sum = Int((Double(bias[f]) / unit).rounded(.toNearestOrEven))
                        for u in 0..<g.kernelHeight {
                            for v in 0..<g.kernelWidth {
                                let row = i * g.strideHeight + u * g.dilationHeight - g.padTop
                                let column = j * g.strideWidth + v * g.dilationWidth - g.padLeft
                                guard (0..<g.height).contains(row), (0..<g.width).contains(column) else { continue }
                                for c in 0..<g.channels {
                                    let tap = ((u * g.kernelWidth + v) * g.channels + c) * g.filters + f
                                    let w = Int((weights[tap] / scales[f]).rounded(.toNearestOrEven))
                                    let x = Int(image[(row * g.width + column) * g.channels + c])
                                    sum += (x - Int(input.zeroPoint)) * w
                                }
                            }
                        }
                        result.append(sum)
                    }
                }
            }
            return result
        }

        func number(_ sum: Int, _ filter: Int) -> Float { Float(sum) * (input.scale * scales[filter]) }

        func byte(_ sum: Int, _ filter: Int, _ output: ByteScale, rectified: Bool) -> Int {
            let value = (Float(sum) * (input.scale * scales[filter] / output.scale)).rounded(.toNearestOrEven)
            let byte = Int(max(-1e6, min(1e6, value))) + Int(output.zeroPoint)
            return max(rectified ? Int(output.zeroPoint) : 0, min(255, byte))
        }

        /// The image with its border, as a kernel reads it.
        func placed(_ layout: ByteLayout) -> AlignedBuffer<UInt8> {
            let buffer = AlignedBuffer<UInt8>(count: layout.floats * 4)
            buffer.pointer.update(repeating: 77, count: buffer.count)
            layout.fillBorder(buffer.pointer, rows: 0..<g.height, zeroPoint: input.zeroPoint)
            for row in 0..<g.height {
                for i in 0..<g.width * g.channels {
                    buffer.pointer[layout.place(row: row) + i] = image[row * g.width * g.channels + i]
                }
            }
            return buffer
        }

        func convolution(_ layout: ByteLayout, _ instructions: ByteInstructions, _ output: ByteScale?)
            -> ByteConvolution
        {
            let convolution = ByteConvolution(g, input: layout, by: instructions)
            let w = AlignedBuffer(weights), b = AlignedBuffer(bias)
            convolution.weights.prepare(w.pointer, scales: scales, bias: b.pointer, input: input, output: output)
            return convolution
        }
    }

    @Test("Floats are the exact sums times their unit, with every instruction set", arguments: instructions)
    func floats(_ instructions: ByteInstructions) {
        for (index, g) in Self.geometries.enumerated() {
            for zeroPoint in [UInt8(0), 131] {
                let trial = Case(g, zeroPoint: zeroPoint, seed: UInt64(index))
                var layout = ByteLayout(for: g)
                // A border wider than is needed, as another reader may want.
                if index % 2 == 1 {
                    (layout.top, layout.left, layout.right) = (layout.top + 1, layout.left + 2, layout.right + 1)
                }
                let x = trial.placed(layout), y = AlignedBuffer<Float>(count: g.outputCount + 16)
                for rectified in [false, true] {
                    y.pointer.update(repeating: -7, count: y.count)
                    let convolution = trial.convolution(layout, instructions, nil)
                    for rows in [0..<g.outHeight / 2, g.outHeight / 2..<g.outHeight] {
                        convolution.run(x.pointer, rows: rows, rectified: rectified, into: y.pointer)
                    }
                    for (place, sum) in trial.sums.enumerated() {
                        let number = trial.number(sum, place % g.filters)
                        #expect(y[place] == (rectified ? max(0, number) : number), "\(g) at \(place)")
                    }
                    #expect((g.outputCount..<y.count).allSatisfy { y[$0] == -7 })
                }
            }
        }
    }

    @Test(
        "Bytes are the rounded sums, pooled where windows ride along, and their border is zero", arguments: instructions
    )
    func bytes(_ instructions: ByteInstructions) {
        for (index, g) in Self.geometries.enumerated() {
            for (zeroPoint, rectified) in [(UInt8(0), true), (9, false), (200, true)] {
                let trial = Case(g, zeroPoint: 3, seed: UInt64(100 + index)), sums = trial.sums
                let output = ByteScale(scale: 0.5, zeroPoint: zeroPoint)
                for window in [1, 2, 3] where g.outHeight >= window && g.outWidth >= window {
                    let pooling = PoolingGeometry(
                        height: g.outHeight, width: g.outWidth, channels: g.filters, windowHeight: window,
                        windowWidth: window,
                        strideHeight: window, strideWidth: window, outHeight: g.outHeight / window,
                        outWidth: g.outWidth / window)
                    var target = ByteLayout(height: pooling.outHeight, width: pooling.outWidth, channels: g.filters)
                    (target.top, target.left, target.bottom, target.right) = (1, 2, 1, 1)
                    let layout = ByteLayout(for: g), x = trial.placed(layout)
                    let y = AlignedBuffer<UInt8>(count: target.bytes + 64)
                    y.pointer.update(repeating: 99, count: y.count)
                    let convolution = trial.convolution(layout, instructions, output)
                    let used = window == 1 ? nil : pooling
                    let scratch = AlignedBuffer<UInt8>(count: convolution.scratchBytes(used))
                    for rows in [0..<target.height / 2, target.height / 2..<target.height] where !rows.isEmpty {
                        convolution.run(
                            x.pointer, rows: rows, rectified: rectified, pooling: used, into: y.pointer, target, output,
                            scratch: scratch.pointer)
                    }
                    var expected = [Int](repeating: Int(zeroPoint), count: target.bytes)
                    for row in 0..<target.height {
                        for column in 0..<target.width {
                            for f in 0..<g.filters {
                                var most = 0
                                for u in 0..<window {
                                    for v in 0..<window {
                                        let place =
                                            ((row * window + u) * g.outWidth + column * window + v) * g.filters + f
                                        most = max(most, trial.byte(sums[place], f, output, rectified: rectified))
                                    }
                                }
                                expected[target.place(row: row) + column * g.filters + f] = most
                            }
                        }
                    }
                    #expect((0..<target.bytes).allSatisfy { Int(y[$0]) == expected[$0] }, "\(g), window \(window)")
                    #expect((target.bytes..<y.count).allSatisfy { y[$0] == 99 })
                }
            }
        }
    }

    @Test("Rows of bytes multiply to the exact sums, panel by panel", arguments: instructions)
    func products(_ instructions: ByteInstructions) {
        for (features, units, rows) in [(3136, 40, 15), (7, 10, 3), (64, 16, 29), (1, 1, 1)] {
            let g = ConvolutionGeometry(
                height: 1, width: 1, channels: features, kernelHeight: 1, kernelWidth: 1, outHeight: 1, outWidth: 1,
                filters: units)
            let product = ByteProduct(features: features, units: units, by: instructions)
            let stride = (features + 7) / 4 * 4
            let x = AlignedBuffer<UInt8>(count: rows * stride), y = AlignedBuffer<Float>(count: rows * units)
            x.pointer.update(repeating: 255, count: x.count)
            var expected: [Float] = []
            for row in 0..<rows {
                var trial = Case(g, zeroPoint: 128, seed: 5)
                trial.image = (0..<features).map { UInt8(($0 * 31 + row * 77) % 256) }
                for (i, byte) in trial.image.enumerated() { x[row * stride + i] = byte }
                expected += trial.sums.enumerated().map { trial.number($1, $0) }
                let w = AlignedBuffer(trial.weights), b = AlignedBuffer(trial.bias)
                product.weights.prepare(
                    w.pointer, scales: trial.scales, bias: b.pointer, input: trial.input, output: nil)
            }
            for panel in 0..<product.panelCount {
                product.run(
                    x.pointer, stride: stride, rows: rows, panels: panel..<panel + 1, rectified: false,
                    into: .floats(y.pointer), outputStride: units)
            }
            #expect(y.array == expected)
        }
    }

    @Test("Numbers become bytes by rounding to even, cut at both ends, 255 for what is none", arguments: instructions)
    func quantization(_ instructions: ByteInstructions) {
        let x: [Float] = [
            0, 0.25, 0.75, 1.25, -0.25, -0.75, 5, 100, 127.4, -1e9, 1e9, -.infinity, .infinity, .nan, 62.5, 63.5, -0.0,
            2.5, 3.5,
            1e-30, 30, 31.75,
        ]
        for zero in [UInt8(0), 17, 255] {
            let y = AlignedBuffer<UInt8>(count: x.count + 1), source = AlignedBuffer(x)
            y[x.count] = 42
            instructions.quantize(source.pointer, count: x.count, scale: 0.5, zero: zero, into: y.pointer)
            for (i, value) in x.enumerated() {
                let expected =
                    value.isNaN ? 255 : max(0, min(255, (Double(value) / 0.5).rounded(.toNearestOrEven) + Double(zero)))
                #expect(Double(y[i]) == expected, "\(value)")
            }
            #expect(y[x.count] == 42)
        }
    }

    @Test("The deepest sum of the largest products does not overflow", arguments: instructions)
    func extremes(_ instructions: ByteInstructions) {
        let product = ByteProduct(features: ByteWeights.deepest, units: 2, by: instructions)
        let w = AlignedBuffer<Float>(count: 2 * ByteWeights.deepest),
            x = AlignedBuffer<UInt8>(count: ByteWeights.deepest + 4)
        for i in 0..<w.count { w[i] = i % 2 == 0 ? 127 : -127 }
        x.pointer.update(repeating: 255, count: x.count)
        let bias = AlignedBuffer<Float>([3e9, -3e9]), y = AlignedBuffer<Float>(count: 2)
        product.weights.prepare(
            w.pointer, scales: [1, 1], bias: bias.pointer, input: ByteScale(scale: 1, zeroPoint: 0), output: nil)
        product.run(
            x.pointer, stride: x.count, rows: 1, panels: 0..<1, rectified: false, into: .floats(y.pointer),
            outputStride: 2)
        // The bias is cut to what leaves room.
        let most = 32_768 * 127 * 255 + 1_000_000_000
        #expect(y[0] == Float(most) && y[1] == Float(-most))
    }

    @Test("Only windows of neighbouring pixels that do not overlap are pooled along") func canPool() {
        func pools(dilation: Int = 1, stride: Int = 2, pad: Int = 0) -> Bool {
            ByteConvolution.canPool(
                PoolingGeometry(
                    height: 12, width: 12, channels: 4, windowHeight: 2, windowWidth: 2, strideHeight: stride,
                    strideWidth: stride, dilationHeight: dilation, dilationWidth: dilation, padTop: pad, padLeft: pad,
                    outHeight: 5, outWidth: 5))
        }
        #expect(pools() && !pools(dilation: 2) && !pools(stride: 1) && !pools(pad: 1))
    }
}
