import Formats
import Tensors
import Training

/// A search over configurations: one base, keys that vary, and how they are tried.
package struct Sweep: Hashable, Sendable {
    /// What its folder is called.
    package var name: String
    /// Which values are tried.
    package var search = Search.grid
    /// Of the values that a random search draws.
    package var seed: UInt64 = 0
    /// The seeds each trial is trained with, at least one; a trial's figures are their means.
    package var seeds: [UInt64] = [0]
    /// What trials are ranked by, on the validation images.
    package var monitor = EarlyStoppingOptions.Monitor.validationAccuracy
    /// Nil trains every trial to its end.
    package var halving: SuccessiveHalving?
    /// The folder in which the sweep's is made.
    package var output = "sweeps"
    /// Keys that vary, as paths (`training.batchSize`), and what they may be.
    package var parameters: [Parameter] = []
    /// The configuration that they change: a path, by the sweep's own folder, or all of it.
    package var base = JSONValue.null

    /// How values are chosen.
    package enum Search: Hashable, Sendable {
        /// Every combination.
        case grid
        /// So many different combinations, each value drawn by itself. Bergstra and Bengio 2012, JMLR 13.
        case random(trials: Int)
    }

    /// One key that varies.
    package struct Parameter: Hashable, Sendable {
        package var path: String
        package var domain: Domain
    }

    /// What a key may be.
    package enum Domain: Hashable, Sendable {
        /// One of these.
        case choice([JSONValue])
        /// A number in [low, high], each as likely as the others; to four significant digits.
        case uniform(low: Double, high: Double)
        /// A number in [low, high], low > 0, its logarithm being uniform; to four significant digits.
        case logUniform(low: Double, high: Double)
        /// An integer in low…high.
        case integer(low: Int, high: Int)
    }

    /// One combination of values.
    package struct Trial: Hashable, Sendable {
        /// From 1.
        package var number: Int
        /// Values in the order of the parameters, as JSON.
        package var values: [String]
        /// The configuration they make.
        package var experiment: Experiment
    }

    /// More trials than this are refused.
    package static let mostTrials = 10_000
    /// How often a random search looks for a combination that is not there yet, for each trial.
    private static let attempts = 100

    /// The trials, each configuration decoded and checked.
    ///
    /// - Parameter name: the sweep's file, for errors.
    /// - Throws: an ``InputError`` at the trial whose configuration is impossible, with its values; where there would be
    ///   too many; where a trial could not be ranked.
    package func trials(name: String) throws(InputError) -> [Trial] {
        var trials: [Trial] = []
        for values in try combinations(name: name) {
            let place = "\(name): trial \(trials.count + 1)"
            let assignments = zip(parameters, values).map { "\($0.path)=\($1.text)" }
            let texts = values.map(\.text)
            var experiment: Experiment
            do throws(InputError) {
                experiment = try Experiment.decode(try Overrides.apply(assignments, to: base), name: "")
            } catch {
                var located = error
                located.place = "\(place) (\(assignments.joined(separator: ", "))): \(error.place)"
                throw located
            }
            try check(experiment, place)
            experiment.name = "\(self.name)-\(trials.count + 1)"
            trials.append(Trial(number: trials.count + 1, values: texts, experiment: experiment))
        }
        return trials
    }

    private func check(_ experiment: Experiment, _ place: String) throws(InputError) {
        guard experiment.data.validationFraction > 0 || experiment.data.source == .sample else {
            throw InputError(
                "\(place): data.validationFraction", expected: "above 0: a sweep ranks on the validation images",
                received: "0")
        }
        if let halving, halving.minimumEpochs > experiment.training.epochs {
            throw InputError(
                "\(place): halving.minimumEpochs", expected: "at most training.epochs, \(experiment.training.epochs)",
                received: "\(halving.minimumEpochs)")
        }
    }

    /// Every trial's values, in the order of the parameters.
    private func combinations(name: String) throws(InputError) -> [[JSONValue]] {
        let place = "\(name): parameters"
        switch search {
        case .grid:
            var result: [[JSONValue]] = [[]]
            for parameter in parameters {
                guard case .choice(let values) = parameter.domain else {
                    throw InputError(
                        "\(place): \(parameter.path)", expected: "an array of values, with \"search\": \"grid\"",
                        received: "a range", remedy: "or set search to {\"type\": \"random\", \"trials\": 20}")
                }
                guard result.count * values.count <= Self.mostTrials else {
                    throw InputError(
                        place, expected: "at most \(Self.mostTrials) combinations", received: "more",
                        remedy: "search at random")
                }
                result = result.flatMap { head in values.map { head + [$0] } }
            }
            return result
        case .random(let count):
            var result: [[JSONValue]] = []
            var seen = Set<[JSONValue]>()
            for attempt in 0..<(count * Self.attempts) where result.count < count {
                let values = parameters.enumerated().map { index, parameter in
                    var stream = RandomStream(
                        RandomAddress(seed: seed, purpose: .sweep, major: UInt32(attempt), stream: UInt32(index)))
                    return parameter.domain.draw(&stream)
                }
                if seen.insert(values).inserted { result.append(values) }
            }
            return result
        }
    }
}

extension Sweep.Domain {
    func draw(_ stream: inout RandomStream) -> JSONValue {
        switch self {
        case .choice(let values): values[stream.integer(below: values.count)]
        case .uniform(let low, let high):
            .number(Sweep.rounded(low + (high - low) * stream.unit(), within: low...high))
        case .logUniform(let low, let high):
            .number(Sweep.rounded(Sweep.between(low, high, stream.unit()), within: low...high))
        case .integer(let low, let high): .integer(low + stream.integer(below: high - low + 1))
        }
    }
}

/// Successive halving: all trials train for few epochs, the best part of them for more, and so on, until the best have all
/// their epochs. K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization",
/// AISTATS 2016, arXiv:1502.07943.
///
/// Rung k (from 0) is `minimumEpochs·factorᵏ` epochs, the last one all of a trial's. Of n trials, `max(1, ⌊n / factor⌋)`
/// go on to the next. They go on from where they stood: no epoch is trained twice, and the schedule is that of all epochs.
package struct SuccessiveHalving: Hashable, Sendable {
    /// At least 2.
    package var factor = 3
    /// At least 1.
    package var minimumEpochs = 1

    package init(factor: Int = 3, minimumEpochs: Int = 1) {
        self.factor = factor
        self.minimumEpochs = minimumEpochs
    }

    /// Epochs of each rung, rising, of trials with `epochs` in all.
    package func rungs(epochs: Int) -> [Int] {
        var result: [Int] = []
        var rung = minimumEpochs
        while rung < epochs {
            result.append(rung)
            let (next, overflow) = rung.multipliedReportingOverflow(by: factor)
            if overflow { break }
            rung = next
        }
        return result + [epochs]
    }

    /// How many of `count` trials go on.
    package func survivors(of count: Int) -> Int { max(1, count / factor) }
}
