import Foundation
import Kernels
import TestSupport
import Testing

@testable import NeuralNetwork

/// Losses of lines against PyTorch's numbers and against the definition: the sum over all paths.
@Suite("CTCTests")
struct CTCTests {
    struct Case: Decodable, Sendable {
        let columns: Int
        let classes: Int
        let text: [Int32]
        let logits: [Float]
        /// Nil: the columns are too few.
        let loss: Double?
        let gradient: [Double]?
    }

    private static func loss(_ logits: [Float], _ columns: Int, _ classes: Int, _ text: [Int32], _ dz: inout [Float])
        -> Double
    {
        text.withUnsafeBufferPointer { text in
            CTCKernels.loss(logits, columns: columns, classes: classes, text: text, weight: 1, dz: &dz)
        }
    }

    @Test("loss and gradient are PyTorch's") func pytorch() throws {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/ctc", withExtension: "json"))
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
        #expect(cases.count == 26)
        for record in cases {
            var dz = [Float](repeating: .nan, count: record.logits.count)
            let loss = Self.loss(record.logits, record.columns, record.classes, record.text, &dz)
            let repeats = zip(record.text, record.text.dropFirst()).count { $0 == $1 }
            let isTooLong = record.text.count + repeats > record.columns
            #expect(isTooLong == (record.loss == nil))
            guard let expected = record.loss, let gradient = record.gradient else {
                #expect(loss == .infinity && dz.allSatisfy { $0 == 0 })
                continue
            }
            #expect(abs(loss - expected) <= 1e-5 * max(1, expected), "\(record.text)")
            for (a, b) in zip(dz, gradient) { #expect(abs(Double(a) - b) <= 1e-5, "\(record.text)") }
        }
    }

    /// What a path spells: repeats joined, then blanks dropped.
    private static func spelt(_ path: [Int], blank: Int) -> [Int] {
        path.indices.filter { $0 == 0 || path[$0] != path[$0 - 1] }.map { path[$0] }.filter { $0 != blank }
    }

    /// The probability of every text, by all paths.
    private static func texts(_ p: LineProbabilities) -> [[Int]: Double] {
        var sums: [[Int]: Double] = [:]
        let paths = Int(pow(Double(p.classes), Double(p.columns)))
        for number in 0..<paths {
            var rest = number, path: [Int] = [], log = 0.0
            for t in 0..<p.columns {
                path.append(rest % p.classes)
                log += p.logarithms[t * p.classes + rest % p.classes]
                rest /= p.classes
            }
            sums[spelt(path, blank: p.classes - 1), default: 0] += exp(log)
        }
        return sums
    }

    @Test("probabilities of texts are sums over all paths", arguments: 0..<6) func paths(_ seed: Int) {
        var data = TestData(UInt64(seed))
        let logits = LineLogits(values: data.floats(6 * 4, in: -3...3), columns: 6, classes: 4)
        for temperature in [1.0, 2.5] {
            let p = logits.probabilities(temperature: temperature), all = Self.texts(p)
            #expect(abs(all.values.reduce(0, +) - 1) < 1e-12)
            for (text, probability) in all {
                #expect(abs(exp(p.logLikelihood(of: text)) - probability) < 1e-12, "\(text)")
            }
            // The beam keeps all prefixes that there are: it finds the best texts, in order.
            let best = all.sorted { $0.value > $1.value }.prefix(5).map(\.key)
            #expect(p.readings(width: 2_000).prefix(5).map(\.text) == best)
            #expect(p.readings(width: 8).first?.text == best.first)
            for text in best where !text.isEmpty {
                for (i, alternatives) in p.alternatives(to: text).enumerated() {
                    var weights = (0..<3).map { k in
                        var other = text
                        other[i] = k
                        return all[other] ?? 0
                    }
                    var shorter = text
                    shorter.remove(at: i)
                    weights.append(all[shorter] ?? 0)
                    let total = weights.reduce(0, +)
                    for (a, w) in zip(alternatives, weights) { #expect(abs(a - w / total) < 1e-12, "\(text), \(i)") }
                }
            }
        }
    }

    @Test("the alignment is the most probable path that spells the text", arguments: 0..<6) func alignment(_ seed: Int)
    {
        var data = TestData(UInt64(100 + seed))
        let p = LineLogits(values: data.floats(6 * 4, in: -3...3), columns: 6, classes: 4).probabilities()
        for text in [[0], [1, 1], [0, 2, 1], [2, 2, 0]] {
            var best = (log: -Double.infinity, path: [Int]())
            for number in 0..<4096 {
                var rest = number, path: [Int] = [], log = 0.0
                for t in 0..<6 {
                    path.append(rest % 4)
                    log += p.logarithms[t * 4 + rest % 4]
                    rest /= 4
                }
                if log > best.log, Self.spelt(path, blank: 3) == text { best = (log, path) }
            }
            var places: [ClosedRange<Int>] = [], last = 3
            for (t, k) in best.path.enumerated() {
                if k != 3, k != last || t == 0 {
                    places.append(t...t)
                } else if k != 3 {
                    places[places.count - 1] = places[places.count - 1].lowerBound...t
                }
                last = k
            }
            #expect(p.alignment(of: text) == places, "\(text)")
        }
    }

    @Test("the best path joins repeats and drops blanks") func bestPath() {
        func logits(_ path: [Int]) -> LineLogits {
            LineLogits(
                values: path.flatMap { k in (0..<4).map { $0 == k ? 2 : 0 } }, columns: path.count, classes: 4)
        }
        let line = logits([3, 0, 0, 3, 0, 1, 1, 3])
        #expect(line.bestPath.map(\.label) == [0, 0, 1] && line.bestPath.map(\.column) == [1, 4, 5])
        #expect(logits([3, 3]).bestPath.isEmpty)
        for text: [Int32] in [[0, 0, 1], [0, 1], [0, 0, 1, 1], []] {
            let isBest = text.withUnsafeBufferPointer { text in
                line.values.withUnsafeBufferPointer { z in
                    z.baseAddress.map { CTCDecoding.isBestPath($0, columns: 8, classes: 4, text: text) } ?? false
                }
            }
            #expect(isBest == (text == [0, 0, 1]))
        }
    }
}
