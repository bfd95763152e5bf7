import Kernels
import LinearAlgebra
import Tensors

/// A matrix product that a layer computes by BLAS.
package struct LayerProduct: Sendable, Hashable {
    /// What a product computes.
    package enum Role: String, Sendable { case forward, weightGradient, inputGradient }

    package let layer: String
    package let role: Role
    package let shape: GEMMShape
}

extension ResolvedGraph {
    /// Returns the products of a training step as it is lowered, in the order of the layers: of a tiling, a full tile;
    /// of repeated products (Winograd's points, shifted views), one. Direct convolutions have none.
    ///
    /// - Parameters:
    ///   - batchSize: The number of images in a step.
    ///   - shards: The number of shards it is split into.
    package func products(batchSize: Int, shards: Int) -> [LayerProduct] {
        precondition(batchSize >= 1 && shards >= 1, "batch size and shards must be at least 1")
        var isTrained: [Bool] = []
        var result: [LayerProduct] = []
        for node in nodes {
            let inputIsTrained = node.inputs.contains { $0 >= 0 && isTrained[$0] }
            isTrained.append(inputIsTrained || !node.parameters.isEmpty)
            var products: [(LayerProduct.Role, GEMMShape)] = []
            switch (node.loweringPlan, node.geometry) {
            case (.convolution(let lowering)?, .convolution(let geometry)?):
                products = LoweringTask.Direction.allCases.compactMap { direction in
                    LoweringTask(direction, geometry).product(lowering[direction]).map { (direction.role, $0) }
                }
            case (.dense(let lowering)?, _):
                products = denseProducts(
                    lowering, features: node.inputShapes[0].count, units: node.outputShape.count,
                    batchSize: batchSize, shards: shards)
            default: break
            }
            for (role, shape) in products where role != .inputGradient || inputIsTrained {
                result.append(LayerProduct(layer: node.name, role: role, shape: shape))
            }
        }
        return result
    }

    private func denseProducts(
        _ lowering: DenseLowering, features: Int, units: Int, batchSize: Int, shards: Int
    ) -> [(LayerProduct.Role, GEMMShape)] {
        typealias Blocked = BlockedDenseOperation
        if case .weights(let block) = lowering {
            let block = min(block, features)
            return [
                (.forward, GEMMShape(min(Blocked.blockRows, batchSize), min(Blocked.blockUnits, units), features)),
                (.weightGradient, GEMMShape(block, units, batchSize, transA: true)),
                (.inputGradient, GEMMShape(batchSize, block, units, transB: true)),
            ]
        }
        let rows = (batchSize + shards - 1) / shards
        return [
            (.forward, GEMMShape(rows, units, features)),
            (.weightGradient, GEMMShape(features, units, rows, transA: true)),
            (.inputGradient, GEMMShape(rows, features, units, transB: true)),
        ]
    }
}

extension LoweringTask.Direction {
    fileprivate var role: LayerProduct.Role {
        switch self {
        case .forward: .forward
        case .inputGradient: .inputGradient
        case .weightGradient: .weightGradient
        }
    }
}

extension LoweringTask {
    /// Returns the product of a full tile, or `nil` if there is none.
    func product(_ lowering: Lowering) -> GEMMShape? {
        let g = computed
        if let tiles = lowering.pieces(g)?.tiles {
            return direction == .weightGradient
                ? GEMMShape(g.channels, g.filters, tiles, transA: true) : GEMMShape(tiles, g.filters, g.channels)
        }
        switch lowering.kind {
        case .shifted:
            let rows = min(lowering.rows, ShiftedConvolution(g).windows)
            return direction == .weightGradient
                ? GEMMShape(g.channels, g.filters, rows, transA: true) : GEMMShape(rows, g.filters, g.channels)
        case .im2col:
            let rows = min(lowering.rows, g.outRows)
            if direction == .weightGradient { return GEMMShape(g.depth, g.filters, rows, transA: true) }
            // The gradient of the im2col matrix, which col2im scatters.
            if isScattered { return GEMMShape(rows, g.depth, g.filters) }
            return GEMMShape(rows, g.filters, g.depth)
        case .direct, .winograd2, .winograd4, .winogradLine: return nil
        }
    }
}
