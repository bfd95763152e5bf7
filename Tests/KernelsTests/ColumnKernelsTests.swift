import Kernels
import Tensors
import TestSupport
import Testing

@Suite("Column kernels")
struct ColumnKernelsTests {
    static let columns = [1, 2, 3, 5, 8, 12, 16, 17, 24, 33, 48]

    @Test("the period is the least common multiple with 16; a row repeats along it", arguments: columns)
    func period(_ columns: Int) throws {
        let period = ColumnKernels.period(columns)
        #expect((1...).first { $0 % columns == 0 && $0 % 16 == 0 } == period)
        let row = (0..<columns).map { Float($0 + 1) }
        let source = GuardedFloats(row), expanded = GuardedFloats(count: period)
        ColumnKernels.expand(source.pointer, columns: columns, into: expanded.pointer)
        #expect(expanded.values == (0..<period).map { row[$0 % columns] })
        #expect(expanded.isIntact)
    }

    @Test("adding a row, column sums, transposition: exact on integers", arguments: columns)
    func integers(_ columns: Int) {
        for rows in [1, 2, 15, 16, 17, 40] {
            var data = TestData(UInt64(columns))
            let x = data.integers(rows * columns, limit: 50), row = data.integers(columns, limit: 50)
            let matrix = GuardedFloats(x), vector = GuardedFloats(row)
            let clamped = GuardedFloats(x)
            ColumnKernels.finish(
                matrix.pointer, rows: rows, columns: columns, bias: UnsafePointer(vector.pointer), relu: false)
            ColumnKernels.finish(
                clamped.pointer, rows: rows, columns: columns, bias: UnsafePointer(vector.pointer), relu: true)
            let moved = x.indices.map { x[$0] + row[$0 % columns] }
            #expect(clamped.values == moved.map { Float(max($0, 0)) } && clamped.isIntact)
            #expect(matrix.values == moved.map { Float($0) } && matrix.isIntact)

            let sums = AlignedBuffer<Double>([Double](repeating: 7, count: columns + 1))
            ColumnKernels.addColumnSums(matrix.pointer, rows: rows, columns: columns, to: sums.pointer)
            let expected = Reference.columnSums(moved.map { Double($0) }, columns: columns).map { $0 + 7 }
            #expect(sums.array == expected + [7])

            let turned = GuardedFloats(count: x.count)
            ColumnKernels.transpose(matrix.pointer, rows: rows, columns: columns, into: turned.pointer)
            let transposed = Reference.transpose(moved.map { Double($0) }, rows: rows, columns: columns)
            #expect(turned.values == transposed.floats && turned.isIntact)
        }
    }

    @Test("column sums of many floats stay within 16 roundings and Double", arguments: [1, 16, 17])
    func longSums(_ columns: Int) {
        var data = TestData(3)
        let x = data.doubles(20_000 * columns, in: 0...1)
        let matrix = GuardedFloats(x), sums = AlignedBuffer<Double>(count: columns)
        ColumnKernels.addColumnSums(matrix.pointer, rows: 20_000, columns: columns, to: sums.pointer)
        #expect(relativeDistance(sums.array, Reference.columnSums(x, columns: columns)) < 8 * unitRoundoff)
    }

    @Test("copying columns between matrices of other widths touches nothing else", arguments: columns)
    func copy(_ columns: Int) {
        let rows = 5, from = columns + 3, to = columns + 20
        let x = (0..<rows * from).map { Float($0 + 1) }
        let source = GuardedFloats(x), target = GuardedFloats([Float](repeating: -1, count: rows * to))
        ColumnKernels.copyColumns(
            source.pointer + 2, xStride: from, to: target.pointer + 7, yStride: to, rows: rows, columns: columns)
        let expected = (0..<rows * to).map { i in
            let c = i % to - 7
            return c >= 0 && c < columns ? x[i / to * from + c + 2] : -1
        }
        #expect(target.values == expected && target.isIntact)
    }

    @Test("element-wise sums at every length of tail, in place too", arguments: 0..<40)
    func add(_ count: Int) {
        var data = TestData(4)
        let a = data.integers(count, limit: 99), b = data.integers(count, limit: 99)
        let pa = GuardedFloats(a), pb = GuardedFloats(b), y = GuardedFloats(count: count)
        let expected = zip(a, b).map { Float($0 + $1) }
        ElementwiseKernels.add(pa.pointer, pb.pointer, count: count, y: y.pointer)
        #expect(y.values == expected && y.isIntact)
        ElementwiseKernels.add(pa.pointer, pb.pointer, count: count, y: pa.pointer)
        #expect(pa.values == expected && pa.isIntact)
    }
}
