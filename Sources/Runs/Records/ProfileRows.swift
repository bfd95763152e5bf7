import NeuralNetwork
import Training

/// Combines measured entries with the graph's layers.
struct ProfileRowBuilder {
    private let measured: ProfileMeasurement.Breakdown
    private let graph: ResolvedGraph
    private let peak: Double
    private var rowsByKey: [String: ProfileRecord.Row] = [:]
    private var order: [String] = []

    init(_ measured: ProfileMeasurement.Breakdown, graph: ResolvedGraph, peak: Double) {
        self.measured = measured
        self.graph = graph
        self.peak = peak
    }

    private func key(_ name: String, _ direction: PlanProfile.Direction) -> String { "\(direction.rawValue)/\(name)" }

    /// Returns the rows in the order of the graph, forward before backward, with the loss last. A layer without passes
    /// of its own has a row of zero time that names the layer whose passes do its work.
    mutating func rows() -> [ProfileRecord.Row] {
        let entries = Dictionary(
            uniqueKeysWithValues: measured.entries.map { (key($0.layer, $0.direction), $0) })
        let nodes = Dictionary(uniqueKeysWithValues: graph.nodes.map { ($0.name, $0) })
        for node in graph.nodes {
            for direction in [PlanProfile.Direction.forward, .backward] {
                if let entry = entries[key(node.name, direction)] {
                    add(row(entry, node))
                } else if let host = host(of: node, direction, nodes) {
                    rowsByKey[key(host, direction)]?.includes.append(node.name)
                    add(empty(node, direction, "in \(host)"))
                } else if direction == .forward {
                    add(empty(node, direction, "no work"))
                }
            }
        }
        for entry in measured.entries where nodes[entry.layer] == nil { add(row(entry, nil)) }
        return order.compactMap { rowsByKey[$0] }
    }

    private mutating func add(_ row: ProfileRecord.Row) {
        let key = key(row.name, row.direction)
        order.append(key)
        rowsByKey[key] = row
    }

    /// Returns the layer whose passes do the work of `node`: the nearest one before it that has a row with time.
    private func host(
        of node: ResolvedGraph.Node, _ direction: PlanProfile.Direction, _ nodes: [String: ResolvedGraph.Node]
    ) -> String? {
        let traits = node.layer.traits, trains = measured.entries.contains { $0.direction == .backward }
        // Views are names for the same memory; a final softmax belongs to the loss, and at inference to its own
        // section.
        if traits.isView || traits.isSoftmax || traits.isViewAtInference && !trains { return nil }
        var index = node.inputs[0]
        while index >= 0 {
            let name = graph.nodes[index].name
            if let row = rowsByKey[key(name, direction)], row.bytes > 0 { return name }
            index = graph.nodes[index].inputs[0]
        }
        return nil
    }

    private func empty(
        _ node: ResolvedGraph.Node, _ direction: PlanProfile.Direction, _ lowering: String
    ) -> ProfileRecord.Row {
        .init(
            name: node.name, type: node.layer.type, direction: direction, milliseconds: 0, share: 0, gflops: nil,
            percentOfPeak: nil, bytes: 0, lowering: lowering, includes: [], momentsOf: [])
    }

    private func row(_ entry: PlanProfile.Entry, _ node: ResolvedGraph.Node?) -> ProfileRecord.Row {
        var gflops: Double?
        if let node, node.multiplyAdds > 0, entry.seconds > 0 {
            let factor = entry.direction == .backward && entry.writesGradient ? 4.0 : 2.0
            gflops = factor * Double(node.multiplyAdds) * Double(measured.batchSize) / entry.seconds * 1e-9
        }
        return .init(
            name: entry.layer, type: node?.layer.type ?? entry.layer, direction: entry.direction,
            milliseconds: entry.seconds * 1e3, share: entry.seconds / measured.seconds, gflops: gflops,
            percentOfPeak: gflops.map { 100 * $0 / peak }, bytes: entry.bytesPerImage * measured.batchSize,
            lowering: node?.lowering ?? "", includes: [], momentsOf: entry.momentsOf)
    }
}
