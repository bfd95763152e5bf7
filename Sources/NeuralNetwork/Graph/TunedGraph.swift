import Kernels

/// What was timed before, by what it was timed for. Whoever keeps it between runs keeps it apart by machine, BLAS and core.
package struct LoweringRecords: Codable, Hashable, Sendable {
    package var records: [String: LoweringRecord]

    package init(records: [String: LoweringRecord] = [:]) { self.records = records }
}

/// How a layer's lowering came about.
package struct LoweringDecision: Sendable {
    package let layer: String
    /// Nil for a dense layer.
    package let direction: LoweringTask.Direction?
    /// The key of the record in ``LoweringRecords``.
    package let key: String
    package let record: LoweringRecord
    /// Whether the record was there already.
    package let wasKnown: Bool
}

extension ResolvedGraph {
    /// The same graph with every lowering settled that is left open: each convolution's directions and each dense layer by
    /// timing the candidates here, or by `records`, to which new ones are added. Well under a second for networks of
    /// MNIST's size; nothing where all is settled already.
    ///
    /// - Parameters:
    ///   - batchSize: images a training step.  - shards: parts it is cut into.
    package func tuned(
        batchSize: Int, shards: Int, records: inout LoweringRecords
    ) -> (graph: ResolvedGraph, decisions: [LoweringDecision]) {
        let shardImages = max(1, (batchSize + shards - 1) / shards)
        let tuner = LoweringTuner(shardImages: shardImages, batchSize: batchSize)
        var decisions: [LoweringDecision] = []
        var settled: [Layer] = graph.nodes.map(\.layer)
        for (index, node) in nodes.enumerated() {
            /// The record for `key`, if `isValid`; else a new one.
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
    /// What a timing is filed under.
    func key(_ kinds: [Lowering.Kind], shardImages: Int) -> String {
        let g = geometry
        return "\(direction.rawValue) \(g.height)x\(g.width)x\(g.channels) kernel \(g.kernelHeight)x\(g.kernelWidth)"
            + " strides \(g.strideHeight)x\(g.strideWidth) dilation \(g.dilationHeight)x\(g.dilationWidth)"
            + " padding \(g.padTop),\(g.padLeft) to \(g.outHeight)x\(g.outWidth)x\(g.filters) shard \(shardImages)"
            + " of \(kinds.map(\.rawValue).joined(separator: ","))"
    }
}
