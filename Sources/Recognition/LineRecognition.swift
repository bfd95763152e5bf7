import Datasets
import Evaluation
import Foundation
import NeuralNetwork
import Training

extension LineNetworks {
    /// What lines say, by their most probable text, with its probability at a temperature.
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

    /// Temperatures that are looked among.
    private static let temperatures = 0.25...4.0

    /// What logits are divided by so that the probabilities of whole lines mean what they say: the least mean of `−log P(text)`,
    /// by golden section over log T.
    package func temperature(on lines: LineSet) -> Double {
        let logits = logits(of: lines).map { ($0.logits, $0.text.map(Int.init)) }
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
