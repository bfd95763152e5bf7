import Kernels
import Tensors
import TestSupport
import Testing

@Suite("Batch-norm kernels")
struct BatchNormKernelsTests {
    static let columns = ColumnKernelsTests.columns
    private static let rows = [1, 2, 3, 7, 16, 31, 100]

    /// Moments of `x` taken in blocks of `block` rows, as (rows, mean, squared deviations).
    private func moments(_ x: [Double], columns: Int, block: Int) -> (rows: Double, mean: [Double], squares: [Double]) {
        let state = AlignedBuffer<Double>(count: BatchNormKernels.momentsCount(columns))
        let scratch = GuardedFloats(count: 2 * ColumnKernels.period(columns)), data = GuardedFloats(x)
        let rows = x.count / columns
        for start in stride(from: 0, to: rows, by: block) {
            BatchNormKernels.addMoments(
                data.pointer + start * columns, rows: min(block, rows - start), columns: columns, to: state.pointer,
                scratch: scratch.pointer)
        }
        #expect(scratch.isIntact && data.isIntact)
        let all = state.array
        return (all[0], Array(all[1...columns]), Array(all[(1 + columns)...]))
    }

    @Test("moments in one block and in several, at every tail, against two passes in Double", arguments: columns)
    func moments(_ columns: Int) {
        for rows in Self.rows {
            var data = TestData(UInt64(rows))
            let x = data.doubles(rows * columns, in: -1...2)
            let exact = Reference.moments(x, columns: columns)
            for block in [rows, 1, 5, 24] {
                let found = moments(x, columns: columns, block: block)
                #expect(found.rows == Double(rows))
                let limit = (4 + 2 * Double(rows).squareRoot()) * unitRoundoff
                #expect(relativeDistance(found.mean, exact.mean, floor: 1) <= limit, "\(rows) by \(block)")
                let squares = exact.variance.map { $0 * Double(rows) }
                #expect(relativeDistance(found.squares, squares, floor: 1e-3) <= limit, "\(rows) by \(block)")
            }
        }
    }

    @Test(
        "a spread of 10^-5 of the mean: mean to a rounding of the spread, variance to Float",
        arguments: [1, 3, 16, 17])
    func largeMean(_ columns: Int) {
        var data = TestData(8)
        let rows = 4000
        let x = data.doubles(rows * columns, in: -0.01...0.01).map { Double(Float(1000 + $0)) }
        let exact = Reference.moments(x, columns: columns)
        let limit = (4 + 2 * Double(rows).squareRoot()) * unitRoundoff
        for block in [rows, 96] {
            let found = moments(x, columns: columns, block: block)
            let means = (0..<columns).map { abs(found.mean[$0] - exact.mean[$0]) / exact.variance[$0].squareRoot() }
            let variances = (0..<columns).map { found.squares[$0] / Double(rows) / exact.variance[$0] - 1 }
            #expect(means.max() ?? 1 <= limit, "block \(block)")
            #expect(variances.magnitudes.max() ?? 1 <= limit, "block \(block)")
        }
    }

    @Test("no rows change nothing")
    func noRows() {
        let state = AlignedBuffer<Double>([3, 1, 2]), scratch = GuardedFloats(count: 32)
        BatchNormKernels.addMoments(scratch.pointer, rows: 0, columns: 1, to: state.pointer, scratch: scratch.pointer)
        #expect(state.array == [3, 1, 2])
    }

    /// Expands a row to one period.
    private func expanded(_ row: [Double]) -> GuardedFloats {
        let period = ColumnKernels.period(row.count)
        return GuardedFloats((0..<period).map { row[$0 % row.count] })
    }

    @Test("normalising and all gradients against Double, with and without ReLU", arguments: columns, [false, true])
    func passes(_ columns: Int, _ relu: Bool) {
        for rows in Self.rows.dropFirst() {
            var data = TestData(UInt64(rows + 1))
            let x = data.doubles(rows * columns, in: -1...2), dy = data.doubles(rows * columns)
            let gamma = data.doubles(columns, in: 0.5...1.5), beta = data.doubles(columns)
            let epsilon = 1e-2
            let (mean, variance) = Reference.moments(x, columns: columns)
            let inverse = variance.map { 1 / ($0 + epsilon).squareRoot() }
            let scale = zip(gamma, inverse).map { $0 * $1 }
            let shift = (0..<columns).map { beta[$0] - mean[$0] * scale[$0] }
            let linear = Reference.normalize(
                x, mean: mean, variance: variance, gamma: gamma, beta: beta, epsilon: epsilon)
            let g = relu ? zip(dy, linear).map { $1 > 0 ? $0 : 0 } : dy
            let exact = Reference.batchNormGradients(x: x, dy: g, gamma: gamma, epsilon: epsilon)

            let (px, pdy) = (GuardedFloats(x), GuardedFloats(dy))
            let (pm, ps, pb) = (expanded(mean), expanded(scale), expanded(shift))
            let y = GuardedFloats(count: x.count)
            BatchNormKernels.apply(
                px.pointer, rows: rows, columns: columns, scale: ps.pointer, shift: pb.pointer, relu: relu,
                y: y.pointer)
            let limit = 8 * (4 + 2 * Double(rows).squareRoot()) * unitRoundoff
            #expect(relativeDistance(y.values, linear.map { relu ? max($0, 0) : $0 }, floor: 1) <= limit)

            let sums = AlignedBuffer<Double>([Double](repeating: 0.5, count: 2 * columns + 1))
            let scratch = GuardedFloats(count: 2 * ColumnKernels.period(columns))
            BatchNormKernels.addGradientSums(
                dy: pdy.pointer, x: px.pointer, rows: rows, columns: columns, mean: pm.pointer, scale: ps.pointer,
                shift: pb.pointer, relu: relu, to: sums.pointer, scratch: scratch.pointer)
            let found = sums.array.map { $0 - 0.5 }
            #expect(relativeDistance(Array(found[..<columns]), exact.dbeta, floor: Double(rows) / 4) <= limit)
            let projections = (0..<columns).map { found[columns + $0] * inverse[$0] }
            #expect(relativeDistance(projections, exact.dgamma, floor: Double(rows) / 4) <= limit)
            #expect(found[2 * columns] == 0)

            let n = Double(rows)
            let slope = expanded((0..<columns).map { -scale[$0] * exact.dgamma[$0] * inverse[$0] / n })
            let offset = expanded((0..<columns).map { -scale[$0] * exact.dbeta[$0] / n })
            let dx = GuardedFloats(count: x.count)
            BatchNormKernels.inputGradient(
                dy: pdy.pointer, x: px.pointer, rows: rows, columns: columns, mean: pm.pointer, scale: ps.pointer,
                shift: pb.pointer, slope: slope.pointer, offset: offset.pointer, relu: relu, dx: dx.pointer)
            #expect(relativeDistance(dx.values, exact.dx, floor: scale.max() ?? 1) <= limit)
            #expect([px, pdy, pm, ps, pb, y, scratch, slope, offset, dx].allSatisfy { $0.isIntact })
        }
    }

    @Test("a NaN stays one behind the ReLU, in vector and tail", arguments: [0, 20])
    func keepsNaN(_ place: Int) {
        let x = GuardedFloats((0..<21).map { $0 == place ? Float.nan : -1 }), y = GuardedFloats(count: 21)
        let one = GuardedFloats([Float](repeating: 1, count: 16))
        let zero = GuardedFloats([Float](repeating: 0, count: 16))
        BatchNormKernels.apply(
            x.pointer, rows: 21, columns: 1, scale: one.pointer, shift: zero.pointer, relu: true, y: y.pointer)
        #expect(y.values.enumerated().allSatisfy { $0.offset == place ? $0.element.isNaN : $0.element == 0 })
    }
}
