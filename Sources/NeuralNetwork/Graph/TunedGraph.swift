import Kernels

/// Earlier timings, by key. Callers that persist them keep them separate by machine, BLAS and core.
package struct LoweringRecords: Codable, Hashable, Sendable {
    package var records: [String: LoweringRecord]

    package init(records: [String: LoweringRecord] = [:]) { self.records = records }
}

/// How a layer's lowering was chosen.
package struct LoweringDecision: Sendable {
    package let layer: String
    /// The direction of a convolution; `nil` for a dense layer.
    package let direction: LoweringTask.Direction?
    /// The key of the record in ``LoweringRecords``.
    package let key: String
    package let record: LoweringRecord
    /// Whether the record existed already.
    package let wasKnown: Bool
}

extension ResolvedGraph {
    /// Returns the graph with every open lowering settled: each convolution's directions and each dense layer, either
    /// from `records` or by timing the candidates here, which adds new records. Takes well under a second for networks
    /// of MNIST's size, and nothing if all are settled already.
    ///
    /// - Parameters:
    ///   - batchSize: The number of images in a training step.
    ///   - shards: The number of shards it is split into.
    package func tuned(
        batchSize: Int, shards: Int, records: inout LoweringRecords
    ) -> (graph: ResolvedGraph, decisions: [LoweringDecision]) {
        let shardImages = max(1, (batchSize + shards - 1) / shards)
        let tuner = LoweringTuner(shardImages: shardImages, batchSize: batchSize)
        var decisions: [LoweringDecision] = []
        var settled: [Layer] = graph.nodes.map(\.layer)
        for (index, node) in nodes.enumerated() {
            /// Returns the choice in the record for `key` if `isValid`, or that of a new record.
            func decide(
                _ key: String, _ direction: LoweringTask.Direction?, _ isValid: (String) -> Bool,
                _ measure: () -> LoweringRecord
            ) -> String {
                let known = records.records[key].flatMap { isValid($0.choice) ? $0 : nil }
                let record = known ?? measure()
                records.records[key] = record
                decisions.append(
                    LoweringDecision(
                        layer: node.name, direction: direction, key: key, record: record, wasKnown: known != nil))
                return record.choice
            }
            guard let layer = node.layer.kind as? any LoweredLayer, layer.settledLowering == nil else { continue }
            switch (node.loweringPlan, node.geometry) {
            case (.convolution(var lowering)?, .convolution(let g)?):
                let model = LoweringTask(.forward, g).allowed(graph.lowering)
                let kinds = layer.loweringKinds ?? model.map { [$0] } ?? Lowering.Kind.allCases
                for direction in LoweringTask.Direction.allCases
                where direction != .inputGradient || node.inputs != [-1] {
                    let task = LoweringTask(direction, g)
                    let allowed = kinds.filter { task.allows($0) }
                    let tried = allowed.isEmpty ? Lowering.Kind.allCases.filter { task.allows($0) } : allowed
                    let key = task.key(tried, shardImages: shardImages)
                    let text = decide(
                        key, direction,
                        { text in
                            Lowering(text: text).map { tried.contains($0.kind) } ?? false
                        }
                    ) { tuner.measure(task, tried) }
                    if let chosen = Lowering(text: text) { lowering[direction] = chosen }
                }
                settled[index] = layer.settled(.convolution(lowering))
            case (.dense?, _):
                let features = node.inputShapes[0].count, units = node.outputShape.count
                let key = "dense \(features)x\(units) batch \(batchSize) shard \(shardImages)"
                let text = decide(key, nil, { DenseLowering(text: $0) != nil }) {
                    tuner.measure(features: features, units: units)
                }
                if let chosen = DenseLowering(text: text) { settled[index] = layer.settled(.dense(chosen)) }
            default: continue
            }
        }
        return (settling(settled), decisions)
    }
}

extension LoweringTask {
    /// Returns the key under which a timing is stored.
    func key(_ kinds: [Lowering.Kind], shardImages: Int) -> String {
        let g = geometry
        return "\(direction.rawValue) \(g.height)x\(g.width)x\(g.channels) kernel \(g.kernelHeight)x\(g.kernelWidth)"
            + " strides \(g.strideHeight)x\(g.strideWidth) dilation \(g.dilationHeight)x\(g.dilationWidth)"
            + " padding \(g.padTop),\(g.padLeft) to \(g.outHeight)x\(g.outWidth)x\(g.filters) shard \(shardImages)"
            + " of \(kinds.map(\.rawValue).joined(separator: ","))"
    }
}
