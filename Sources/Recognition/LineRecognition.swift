import Datasets
import Evaluation
import Foundation
import NeuralNetwork
import Training

extension LineNetworks {
    /// Returns the most probable text of each line, with its probability at the given temperature.
    package func predictions(of lines: LineSet, temperature: Double = 1) -> [LinePrediction] {
        logits(of: lines).map { line in
            let probabilities = line.logits.probabilities(temperature: temperature)
            let truth = line.text.map(Int.init)
            let best = probabilities.readings().first
            return LinePrediction(
                truth: truth, read: best?.text ?? [], probability: min(1, exp(best?.logProbability ?? 0)),
                loss: -probabilities.logLikelihood(of: truth))
        }
    }

    /// The range of temperatures searched.
    private static let temperatures = 0.25...4.0

    /// Returns the temperature that calibrates the probabilities of whole lines: the one that minimises the mean of
    /// `−log P(text)`, found by golden-section search over log T.
    package static func temperature(of lines: [(logits: LineLogits, text: [UInt8])]) -> Double {
        let logits = lines.map { ($0.logits, $0.text.map(Int.init)) }
        func loss(_ logT: Double) -> Double {
            logits.reduce(0) { $0 - $1.0.probabilities(temperature: exp(logT)).logLikelihood(of: $1.1) }
        }
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (log(Self.temperatures.lowerBound), log(Self.temperatures.upperBound))
        var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
        var (atA, atB) = (loss(a), loss(b))
        for _ in 0..<16 {
            if atA <= atB {
                (high, b, atB) = (b, a, atA)
                a = high - ratio * (high - low)
                atA = loss(a)
            } else {
                (low, a, atA) = (a, b, atB)
                b = low + ratio * (high - low)
                atB = loss(b)
            }
        }
        return exp((low + high) / 2)
    }
}
