import Kernels
import Tensors

/// A product that a layer asks of BLAS.
public struct LayerProduct: Sendable, Hashable {
    /// What it computes.
    public enum Role: String, Sendable { case forward, weightGradient, inputGradient }

    public let layer: String
    public let role: Role
    public let shape: GEMMShape
}

extension ResolvedGraph {
    /// The products of a training step, in the order of the layers; of a tiling, a full tile. Convolutions as im2col
    /// lowers them.
    ///
    /// - Parameters:
    ///   - batchSize: images of a step.  - shards: parts it is cut into.
    public func products(batchSize: Int, shards: Int) -> [LayerProduct] {
        precondition(batchSize >= 1 && shards >= 1, "batch size and shards must be at least 1")
        var isTrained: [Bool] = []
        var result: [LayerProduct] = []
        for node in nodes {
            let inputIsTrained = node.inputs.contains { $0 >= 0 && isTrained[$0] }
            isTrained.append(inputIsTrained || !node.parameters.isEmpty)
            var products: [(LayerProduct.Role, GEMMShape)] = []
            switch (node.layer, node.geometry) {
            case (.conv2d, .convolution(let geometry)?): products = convolutionProducts(geometry)
            case (.dense, _):
                products = denseProducts(
                    features: node.inputShapes[0].count, units: node.outputShape.count, batchSize: batchSize,
                    shards: shards)
            default: break
            }
            for (role, shape) in products where role != .inputGradient || inputIsTrained {
                result.append(LayerProduct(layer: node.name, role: role, shape: shape))
            }
        }
        return result
    }

    private func convolutionProducts(_ g: ConvolutionGeometry) -> [(LayerProduct.Role, GEMMShape)] {
        let rows = TileTable.rows(n: g.filters, k: g.depth, available: g.outRows)
        let input: GEMMShape
        if g.hasUnitStride {
            let back = g.inputGradientGeometry
            let tile = TileTable.rows(n: back.filters, k: back.depth, available: back.outRows)
            input = GEMMShape(tile, back.filters, back.depth)
        } else {
            let tile = TileTable.rows(n: g.depth, k: g.filters, available: g.outRows)
            input = GEMMShape(tile, g.depth, g.filters)
        }
        return [
            (.forward, GEMMShape(rows, g.filters, g.depth)),
            (.weightGradient, GEMMShape(g.depth, g.filters, rows, transA: true)), (.inputGradient, input),
        ]
    }

    private func denseProducts(
        features: Int, units: Int, batchSize: Int, shards: Int
    ) -> [(LayerProduct.Role, GEMMShape)] {
        typealias Blocked = BlockedDenseOperation
        if features * units >= DenseCore.blockedFromWeights {
            let block = min(Blocked.blockFeatures, features)
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
