/// Shapes that discriminate between BLAS libraries, each with its typical use.
package enum GEMMSweep {
    /// Returns squares of 32 to 2048, the products of 3×3 convolutions and dense layers in several tilings, skinny
    /// shapes, and every transposition.
    /// - Parameter quick: no extent above 512, and fewer shapes of each kind.
    package static func shapes(quick: Bool) -> [(shape: GEMMShape, use: String)] {
        var shapes: [(GEMMShape, String)] = []
        for size in quick ? [32, 128, 512] : [32, 64, 128, 256, 512, 1024, 2048] {
            shapes.append((GEMMShape(size, size, size), "square"))
        }
        for size in quick ? [256] : [128, 512] {
            for (a, b) in [(true, false), (false, true), (true, true)] {
                shapes.append((GEMMShape(size, size, size, transA: a, transB: b), "square"))
            }
        }
        shapes += quick ? Array(tiles.prefix(3)) : tiles
        shapes += quick ? Array(gradients.prefix(2)) : gradients
        shapes += quick ? Array(skinny.prefix(2)) : skinny
        return shapes
    }

    /// 3×3 convolutions of 28×28×32 to 32 and 14×14×64 to 64 channels.
    private static let tiles: [(GEMMShape, String)] = [
        (GEMMShape(96, 32, 288), "im2col, tile"),
        (GEMMShape(784, 32, 288), "im2col, whole image"),
        (GEMMShape(24, 64, 576), "im2col, tile"),
        (GEMMShape(108, 32, 288), "im2col, tile"),
        (GEMMShape(112, 32, 288), "im2col, tile"),
        (GEMMShape(48, 64, 576), "im2col, tile"),
        (GEMMShape(784, 32, 32), "one kernel position"),
        (GEMMShape(196, 64, 64), "one kernel position"),
        (GEMMShape(32, 784, 288), "im2col, NCHW"),
    ]

    private static let gradients: [(GEMMShape, String)] = [
        (GEMMShape(288, 32, 96, transA: true), "weight gradient, tile"),
        (GEMMShape(96, 288, 32, transB: true), "input gradient, weights as stored"),
        (GEMMShape(288, 32, 784, transA: true), "weight gradient, whole image"),
        (GEMMShape(576, 64, 24, transA: true), "weight gradient, tile"),
    ]

    private static let skinny: [(GEMMShape, String)] = [
        (GEMMShape(1, 256, 3136), "dense, one image"),
        (GEMMShape(128, 10, 256), "dense, few classes"),
        (GEMMShape(2048, 16, 16), "tall"),
        (GEMMShape(16, 2048, 16), "wide"),
        (GEMMShape(16, 16, 2048), "long sum"),
        (GEMMShape(128, 256, 3136), "dense, a batch"),
        (GEMMShape(3136, 256, 128, transA: true), "dense, weight gradient"),
        (GEMMShape(128, 3136, 256, transB: true), "dense, input gradient"),
    ]
}
