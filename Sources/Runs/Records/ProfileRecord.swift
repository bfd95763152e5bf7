import Foundation
import NeuralNetwork
import Training

/// `profile.json`: how fast a network trains and classifies on this machine, and where the time of a step goes.
///
/// GFLOP/s count the multiply-adds of the layer as defined (direct convolution): 2 flops each forward; backward 4, or 2
/// if the layer's input needs no gradient. A lowering that saves multiplications can exceed 100 % of the peak.
package struct ProfileRecord: Sendable, Encodable {
    /// One layer in one direction. Milliseconds are shares of the wall time: the workers' total time ÷ their number.
    package struct Row: Sendable, Encodable {
        package var name: String
        /// The layer's type in the configuration; `loss` for the loss.
        package var type: String
        package var direction: PlanProfile.Direction
        package var milliseconds: Double
        /// The share of the run's wall time, 0 to 1.
        package var share: Double
        /// Nil if the layer has no multiply-adds.
        package var gflops: Double?
        package var percentOfPeak: Double?
        /// The bytes of storage read and written in a run, not counting weights.
        package var bytes: Int
        package var lowering: String
        /// The layers whose work is part of this one's passes.
        package var includes: [String]
        /// Batch norms whose moments are computed in this layer's pass, from data still in cache.
        package var momentsOf: [String]

        private enum Keys: String, CodingKey {
            case name, type, direction, milliseconds, share, gflops, percentOfPeak, bytes, lowering, includes
            case momentsOf
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(name, forKey: .name)
            try container.encode(type, forKey: .type)
            try container.encode(direction, forKey: .direction)
            try container.encode(milliseconds, forKey: .milliseconds)
            try container.encode(share, forKey: .share)
            try container.encodeFigure(gflops, forKey: .gflops)
            try container.encodeFigure(percentOfPeak, forKey: .percentOfPeak)
            try container.encode(bytes, forKey: .bytes)
            try container.encode(lowering, forKey: .lowering)
            try container.encode(includes, forKey: .includes)
            try container.encode(momentsOf, forKey: .momentsOf)
        }
    }

    /// Work outside the layers, and waiting.
    package struct Other: Sendable, Encodable {
        package var name: String
        package var milliseconds: Double
        package var share: Double
    }

    /// Milliseconds per run.
    package struct Totals: Sendable, Encodable {
        package var forward: Double
        package var backward: Double
        /// Optimizer, reductions, preparation.
        package var other: Double
        package var idle: Double
        /// The sum of all of the above.
        package var accounted: Double
        /// The wall time, including the overhead of measuring.
        package var wall: Double
    }

    /// The breakdown of a training step or an inference call.
    package struct Breakdown: Sendable, Encodable {
        package var layers: [Row]
        package var other: [Other]
        package var totals: Totals
        /// The share of the wall time that the parts add up to.
        package var accountedFraction: Double
        /// The number of runs that were timed in parts.
        package var runs: Int
    }

    /// The highest measured throughput of GEMM and of main memory with all threads.
    package struct Peak: Sendable {
        package var gflops: Double
        /// `1024×1024×1024`.
        package var shape: String
        /// GB/s read and written; nil if not measured.
        package var memory: Double?

        package init(gflops: Double, shape: String, memory: Double? = nil) {
            self.gflops = gflops
            self.shape = shape
            self.memory = memory
        }
    }

    /// The name of the configuration.
    package var name: String
    package var environment: EnvironmentRecord
    package var peak: Peak
    package var training: Breakdown
    package var inference: Breakdown
    package var trainingRate: ProfileMeasurement.Rate
    package var inferenceRate: ProfileMeasurement.Rate
    package var singleImageRate: ProfileMeasurement.Rate

    package init(
        _ measurement: ProfileMeasurement, graph: ResolvedGraph, name: String, peak: Peak,
        environment: EnvironmentRecord
    ) {
        self.name = name
        self.environment = environment
        self.peak = peak
        training = Breakdown(measurement.training, graph: graph.quantizing([:]), peak: peak.gflops)
        inference = Breakdown(measurement.inference, graph: graph, peak: peak.gflops)
        trainingRate = measurement.trainingRate
        inferenceRate = measurement.inferenceRate
        singleImageRate = measurement.singleImageRate
    }

    private enum Keys: String, CodingKey {
        case name, environment, blas, threads, peakGflops, peakShape, memoryGigabytesPerSecond, batchSize,
            inferenceBatchSize
        case trainingImagesPerSecond, inferenceImagesPerSecond, inferenceBatch1ImagesPerSecond
        case stepMilliseconds, timedBlocks, stepsPerBlock, inference
    }

    /// Encodes the training step's breakdown at the top level and that of inference under `inference`.
    package func encode(to encoder: any Encoder) throws {
        try training.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(name, forKey: .name)
        try container.encode(environment, forKey: .environment)
        try container.encode(environment.blas, forKey: .blas)
        try container.encode(environment.threads, forKey: .threads)
        try container.encode(peak.gflops, forKey: .peakGflops)
        try container.encode(peak.shape, forKey: .peakShape)
        try container.encodeIfPresent(peak.memory, forKey: .memoryGigabytesPerSecond)
        try container.encode(trainingRate.batchSize, forKey: .batchSize)
        try container.encode(inferenceRate.batchSize, forKey: .inferenceBatchSize)
        try container.encode(trainingRate.imagesPerSecond, forKey: .trainingImagesPerSecond)
        try container.encode(inferenceRate.imagesPerSecond, forKey: .inferenceImagesPerSecond)
        try container.encode(singleImageRate.imagesPerSecond, forKey: .inferenceBatch1ImagesPerSecond)
        try container.encode(trainingRate.seconds * 1e3, forKey: .stepMilliseconds)
        try container.encode(trainingRate.blocks, forKey: .timedBlocks)
        try container.encode(trainingRate.runs, forKey: .stepsPerBlock)
        try container.encode(inference, forKey: .inference)
    }
}

extension ProfileRecord.Breakdown {
    init(_ measured: ProfileMeasurement.Breakdown, graph: ResolvedGraph, peak: Double) {
        var builder = ProfileRowBuilder(measured, graph: graph, peak: peak)
        let rows = builder.rows()
        let wall = measured.seconds * 1e3
        let idle = measured.idleSeconds * 1e3
        let sections = measured.sections.map { section, seconds in
            ProfileRecord.Other(name: section.title, milliseconds: seconds * 1e3, share: seconds * 1e3 / wall)
        }
        func total(_ direction: PlanProfile.Direction) -> Double {
            rows.reduce(0) { $0 + ($1.direction == direction ? $1.milliseconds : 0) }
        }
        let forward = total(.forward), backward = total(.backward)
        let beside = sections.reduce(0) { $0 + $1.milliseconds }
        layers = rows
        other = sections + [.init(name: "barriers and idle", milliseconds: idle, share: idle / wall)]
        totals = .init(
            forward: forward, backward: backward, other: beside, idle: idle,
            accounted: forward + backward + beside + idle, wall: wall)
        accountedFraction = measured.accountedFraction
        runs = measured.runs
    }
}

extension PlanProfile.Section {
    var title: String {
        switch self {
        case .weightPreparation: "weight preparation"
        case .gradientReduction: "gradient reduction"
        case .optimizer: "optimizer"
        case .probabilities: "softmax of the logits"
        }
    }
}
