import Foundation
import Tensors
import TestSupport
import Testing
import Workers

@testable import Datasets

@Suite struct CorruptionTests {
    private static let seed: UInt64 = 21

    private func image(_ count: Int) -> [UInt8] {
        var random = RandomStream(RandomAddress(seed: 8, purpose: .test))
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.nextWord()) }
    }

    private func apply(
        _ kind: CorruptionKind, _ strength: Float, _ image: [UInt8], _ height: Int, _ width: Int, _ channels: Int = 1,
        sample: Int = 0
    ) throws -> [Float] {
        let corruption = try Corruption(
            kind, strength: strength, height: height, width: width, channels: channels, seed: Self.seed)
        var scratch = corruption.makeScratch()
        var output = [Float](repeating: .nan, count: image.count)
        var span = output.mutableSpan
        corruption.apply(image.span, into: &span, sampleIndex: sample, scratch: &scratch)
        return output
    }

    /// Strength 0 leaves every byte as it is.
    @Test(arguments: CorruptionKind.allCases)
    func nothingIsNothing(kind: CorruptionKind) throws {
        let pixels = image(9 * 7)
        #expect(try apply(kind, 0, pixels, 9, 7) == pixels.map { Float($0) / 255 })
    }

    /// Each corruption against plain loops in Double, for several samples, so that both ways are met. Those that lie upon the image
    /// are tested by what they are in `OverlayCorruptionTests`.
    @Test(
        arguments: CorruptionKind.allCases.filter {
            ![.fog, .spatter, .dottedLine, .zigzag, .cannyEdges].contains($0)
        })
    func agreesWithItsDefinition(kind: CorruptionKind) throws {
        let (height, width, channels) = (11, 18, 2)
        let pixels = image(height * width * channels)
        for strength in kind.strengths {
            for sample in 0..<6 {
                let found = try apply(kind, strength, pixels, height, width, channels, sample: sample)
                let reference = CorruptionReference(
                    kind: kind, strength: Double(strength), height: height, width: width, channels: channels)
                let expected = reference.apply(pixels, seed: Self.seed, sample: sample)
                let worst = largestDifference(found, expected)
                // Float coordinates below 20 err by some 2e-6 of a pixel, pixels differ by at most 1.
                #expect(worst < 2e-5, "\(kind) \(strength) sample \(sample)")
            }
        }
    }

    /// The noise before its deviation is the same at every strength: no pixel is cut off here.
    @Test func strengthsShareTheirDraws() throws {
        let grey = [UInt8](repeating: 128, count: 64)
        let weak = try apply(.noise, 0.01, grey, 8, 8, sample: 5),
            strong = try apply(.noise, 0.03, grey, 8, 8, sample: 5)
        let base = Float(128) / 255
        #expect(zip(weak, strong).allSatisfy { abs(3 * ($0 - base) - ($1 - base)) < 1e-5 })
        #expect(try weak != apply(.noise, 0.01, grey, 8, 8, sample: 6))
    }

    @Test func threadsAndBatchesChangeNothing() throws {
        let (height, width) = (6, 5)
        let data = try ImageSet(
            images: image(70 * height * width), labels: [UInt8](repeating: 0, count: 70), height: height, width: width,
            classCount: 2, classNames: ["a", "b"])
        for kind in [CorruptionKind.rotation, .noise, .blur] {
            let corruption = try Corruption(
                kind, strength: kind.strengths[1], height: height, width: width, channels: 1, seed: 3)
            var results: [[Float]] = []
            for (threads, batch) in [(1, 70), (3, 70), (2, 33)] {
                let pool = WorkerPool(threads: threads)
                defer { pool.shutdown() }
                let images = CorruptedImages(data, corruption: corruption, normalization: (0.2, 0.5), pool: pool)
                var all: [Float] = []
                for start in stride(from: 0, to: 70, by: batch) {
                    let range = start..<min(start + batch, 70)
                    let buffer = AlignedBuffer<Float>(count: batch * height * width)
                    images.fill(buffer, range: range)
                    all += buffer.array.prefix(range.count * height * width)
                }
                results.append(all)
            }
            #expect(results[0].map(\.bitPattern) == results[1].map(\.bitPattern))
            #expect(results[0].map(\.bitPattern) == results[2].map(\.bitPattern))
            let size = height * width
            let plain = try ImageSet(
                images: Array(data.images[(69 * size)...]), labels: [0], height: height, width: width, classCount: 2,
                classNames: ["a", "b"])
            var scratch = corruption.makeScratch()
            var last = [Float](repeating: 0, count: size)
            var span = last.mutableSpan
            corruption.apply(plain.images.span, into: &span, sampleIndex: 69, scratch: &scratch)
            #expect(results[0].suffix(size).elementsEqual(last.map { ($0 - 0.2) / 0.5 }))
        }
    }
}

/// The corruptions as their documentation says, in Double.
private struct CorruptionReference {
    let kind: CorruptionKind
    let strength: Double
    let height: Int
    let width: Int
    let channels: Int

    func apply(_ image: [UInt8], seed: UInt64, sample: Int) -> [Double] {
        let number = UInt32((CorruptionKind.allCases.firstIndex(of: kind) ?? 0) + 1)
        var stream = RandomStream(
            RandomAddress(seed: seed, purpose: .corruption, major: number, minor: UInt32(sample)))
        let x = image.map { Double($0) / 255 }
        _ = stream.uniform()
        if let spoilt = beyond(x, stream) { return spoilt }
        stream = RandomStream(
            RandomAddress(seed: seed, purpose: .corruption, major: number, minor: UInt32(sample)))
        let draw = Double(stream.uniform())
        let sign = draw < 0.5 ? -1.0 : 1
        switch kind {
        case .rotation:
            let angle = sign * strength * .pi / 180
            return warp(x) { u, v in (cos(angle) * u + sin(angle) * v, -sin(angle) * u + cos(angle) * v) }
        case .scale:
            let factor = sign < 0 ? 1 / (1 + strength) : 1 + strength
            return warp(x) { u, v in (u / factor, v / factor) }
        case .shift:
            let (dx, dy) = (strength * cos(2 * .pi * draw), strength * sin(2 * .pi * draw))
            return warp(x) { u, v in (u - dx, v - dy) }
        case .shear: return warp(x) { u, v in (u - sign * strength * v, v) }
        case .noise:
            var noise: [Double] = []
            while noise.count < x.count {
                let pair = stream.normalPair()
                noise += [pair.0, pair.1]
            }
            return zip(x, noise).map { min(max($0 + strength * $1, 0), 1) }
        case .blur:
            return blurred(x, strength)
        case .contrast:
            let mean = x.reduce(0, +) / Double(x.count)
            return x.map { mean + (1 - strength) * ($0 - mean) }
        default: return []
        }
    }

    /// Kinds of MNIST-C's; nil for the others.
    private func beyond(_ x: [Double], _ start: RandomStream) -> [Double]? {
        var stream = start
        switch kind {
        case .shotNoise:
            let photons = 1 / (strength * strength)
            return x.map { value in
                guard value > 0 else { return 0 }
                var left = photons * value, count = 0.0
                // Times between photons are exponential.
                while true {
                    left += log((Double(stream.nextWord()) + 1) / 4_294_967_296)
                    if left <= 0 { return min(count / photons, 1) }
                    count += 1
                }
            }
        case .impulseNoise:
            return x.map { value in
                let (draw, colour) = (Double(stream.uniform()), stream.uniform())
                return draw < strength ? (colour < 0.5 ? 1 : 0) : value
            }
        case .brightness: return x.map { min($0 + strength, 1) }
        case .stripe:
            return indices { row, column, c in
                let value = pixel(x, row, column, c)
                return abs(2 * column - (width - 1)) < Int((strength * Double(width)).rounded(.up)) ? 1 - value : value
            }
        case .glassBlur:
            var places = (0..<(height * width)).map { ($0 / width, $0 % width) }
            let reach = Int(strength)
            for _ in 0..<2 {
                for place in (0..<(height * width)).reversed() {
                    let dy = stream.integer(below: 2 * reach + 1) - reach
                    let dx = stream.integer(below: 2 * reach + 1) - reach
                    let row = min(max(place / width + dy, 0), height - 1)
                    let column = min(max(place % width + dx, 0), width - 1)
                    places.swapAt(place, row * width + column)
                }
            }
            let smooth = blurred(x, 0.7)
            return blurred(
                indices { row, column, c in
                    let from = places[row * width + column]
                    return pixel(smooth, from.0, from.1, c)
                }, 0.7)
        case .motionBlur:
            let angle = Double(stream.uniform(in: -45...45)) * .pi / 180
            let count = 2 * Int(strength) + 1
            let steps = (0..<count).map { (Double($0) / Double(count - 1) - 0.5) * strength }
            let shifted = steps.map { t in warp(x) { u, v in (u + t * cos(angle), v + t * sin(angle)) } }
            return x.indices.map { i in shifted.reduce(0) { $0 + $1[i] } / Double(count) }
        default: return nil
        }
    }

    /// Two-dimensional weights over 4σ, all pairs; zero outside.
    private func blurred(_ x: [Double], _ sigma: Double) -> [Double] {
        let reach = Int((4 * sigma).rounded())
        let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
        let sum = weights.reduce(0, +)
        return indices { row, column, c in
            var value = 0.0
            for dy in -reach...reach {
                for dx in -reach...reach {
                    value += weights[dy + reach] * weights[dx + reach] * pixel(x, row + dy, column + dx, c)
                }
            }
            return value / (sum * sum)
        }
    }

    private func indices(_ value: (Int, Int, Int) -> Double) -> [Double] {
        (0..<height).flatMap { row in
            (0..<width).flatMap { column in (0..<channels).map { value(row, column, $0) } }
        }
    }

    private func pixel(_ x: [Double], _ row: Int, _ column: Int, _ c: Int) -> Double {
        guard (0..<height).contains(row), (0..<width).contains(column) else { return 0 }
        return x[(row * width + column) * channels + c]
    }

    /// Bilinear, zero outside; `source` maps offsets from the centre back.
    private func warp(_ x: [Double], _ source: (Double, Double) -> (Double, Double)) -> [Double] {
        let (middleX, middleY) = (Double(width - 1) / 2, Double(height - 1) / 2)
        return indices { row, column, c in
            let from = source(Double(column) - middleX, Double(row) - middleY)
            let (px, py) = (middleX + from.0, middleY + from.1)
            let (left, top) = (px.rounded(.down), py.rounded(.down))
            let (fx, fy) = (px - left, py - top)
            func at(_ dy: Int, _ dx: Int) -> Double { pixel(x, Int(top) + dy, Int(left) + dx, c) }
            return (1 - fy) * ((1 - fx) * at(0, 0) + fx * at(0, 1)) + fy * ((1 - fx) * at(1, 0) + fx * at(1, 1))
        }
    }
}
