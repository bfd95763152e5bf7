import NeuralNetwork
import Tensors
import Workers

/// The seconds per image that each layer takes at inference: the minimum over several rounds, in which several networks
/// take turns, so that all see the same machine.
package struct LayerTimes {
    /// The seconds by layer, for each network.
    package private(set) var seconds: [[String: Double]]
    /// The seconds of each network as a whole.
    package private(set) var total: [Double]

    private static let rounds = 7, roundSeconds = 0.03

    /// - Parameters:
    ///   - graphs: The graphs, with the same parameters and state.
    ///   - images: The images, at least `[batchSize, H, W, C]`.
    package init(
        of graphs: [ResolvedGraph], parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>,
        images: AlignedBuffer<Float>, batchSize: Int, pool: WorkerPool
    ) {
        let networks = graphs.map { graph in
            let network = InferenceNetwork(graph: graph, batchSize: batchSize, pool: pool)
            network.load(parameters: parameters, state: state)
            return network
        }
        let probabilities = AlignedBuffer<Float>(count: batchSize * (graphs.first?.classCount ?? 0))
        func run(_ network: InferenceNetwork, _ count: Int) -> Double {
            let start = MonotonicClock.nanoseconds()
            for _ in 0..<count { network.predict(images: images, count: batchSize, probabilities: probabilities) }
            return Double(MonotonicClock.nanoseconds() - start) * 1e-9 / Double(count)
        }
        seconds = graphs.map { _ in [:] }
        total = graphs.map { _ in .infinity }
        let counts = networks.map { network in
            _ = run(network, 2)
            return max(1, Int(Self.roundSeconds / max(run(network, 2), 1e-9)))
        }
        for _ in 0..<Self.rounds {
            for (index, network) in networks.enumerated() {
                total[index] = min(total[index], run(network, counts[index]) / Double(batchSize))
                let profile = network.makeProfile()
                network.profile = profile
                _ = run(network, counts[index])
                network.profile = nil
                for entry in profile.entries {
                    let time = entry.seconds / Double(counts[index] * batchSize)
                    seconds[index][entry.layer] = min(seconds[index][entry.layer] ?? .infinity, time)
                }
            }
        }
    }
}
