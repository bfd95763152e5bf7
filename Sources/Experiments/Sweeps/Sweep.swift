import Formats
import Tensors
import Training

/// A hyperparameter search: a base configuration, the keys that vary, and the search strategy.
package struct Sweep: Hashable, Sendable {
    /// The name of the sweep's folder.
    package var name: String
    /// The search strategy.
    package var search = Search.grid
    /// The seed of the values drawn by a random search.
    package var seed: UInt64 = 0
    /// The seeds each trial is trained with, at least one; a trial's figures are the means over them. A file that names
    /// none takes the base's.
    package var seeds: [UInt64] = [0]
    /// The figure on the validation images by which trials are ranked.
    package var monitor = EarlyStoppingOptions.Monitor.validationAccuracy
    /// Successive halving; nil trains every trial to the end.
    package var halving: SuccessiveHalving?
    /// The folder in which the sweep's folder is created.
    package var output = "sweeps"
    /// The keys that vary, as paths (`training.batchSize`), with their domains.
    package var parameters: [Parameter] = []
    /// The configuration that is varied: its path, relative to the folder of the sweep's file, or the configuration
    /// itself.
    package var base = JSONValue.null

    /// A search strategy.
    package enum Search: Hashable, Sendable {
        /// Every combination.
        case grid
        /// A number of distinct combinations, each value drawn independently. Bergstra and Bengio 2012, JMLR 13.
        case random(trials: Int)
    }

    /// One key that varies.
    package struct Parameter: Hashable, Sendable {
        package var path: String
        package var domain: Domain
    }

    /// The domain of a key.
    package enum Domain: Hashable, Sendable {
        /// One of these.
        case choice([JSONValue])
        /// A uniformly distributed number in [low, high], rounded to four significant digits.
        case uniform(low: Double, high: Double)
        /// A log-uniformly distributed number in [low, high], low > 0, rounded to four significant digits.
        case logUniform(low: Double, high: Double)
        /// An integer in low…high.
        case integer(low: Int, high: Int)
    }

    /// One combination of values.
    package struct Trial: Hashable, Sendable {
        /// The trial number, from 1.
        package var number: Int
        /// The values as JSON, in the order of the parameters.
        package var values: [String]
        /// The resulting configuration.
        package var experiment: Experiment
    }

    /// The maximum number of trials.
    package static let mostTrials = 10_000
    /// The number of draws per trial that a random search may use to find new combinations.
    private static let attempts = 100

    /// Returns the trials, with every configuration decoded and validated.
    ///
    /// - Parameter name: The name of the sweep's file, for errors.
    /// - Throws: An ``InputError`` that names the trial and its values if its configuration is invalid; also if
    ///   there are too many combinations, or if a trial could not be ranked.
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
        guard
            experiment.data.validationFraction > 0
                || experiment.data.files?.validationImages != nil && experiment.data.fold == nil
        else {
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

    /// Returns the values of every trial, in the order of the parameters.
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

/// Successive halving: all trials train for a few epochs, the best of them for more, and so on, until the best have
/// trained for all epochs. K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
/// optimization", AISTATS 2016, arXiv:1502.07943.
///
/// Rung k (from 0) ends at `minimumEpochs·factorᵏ` epochs, the last one at the trial's full number. Of n trials,
/// `max(1, ⌊n / factor⌋)` are promoted to the next rung. They resume from their checkpoints: no epoch is trained twice,
/// and the schedule is that of the full number of epochs.
package struct SuccessiveHalving: Hashable, Sendable {
    /// The reduction factor from rung to rung, at least 2.
    package var factor = 3
    /// The number of epochs of the first rung, at least 1.
    package var minimumEpochs = 1

    package init(factor: Int = 3, minimumEpochs: Int = 1) {
        self.factor = factor
        self.minimumEpochs = minimumEpochs
    }

    /// Returns the cumulative epochs of each rung, ascending, for trials of `epochs` epochs in total.
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

    /// Returns how many of `count` trials are promoted to the next rung.
    package func survivors(of count: Int) -> Int { max(1, count / factor) }
}
