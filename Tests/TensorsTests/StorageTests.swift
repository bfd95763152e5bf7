import Tensors
import TestSupport
import Testing

@Suite("Shapes, buffers and errors")
struct StorageTests {
    @Test("extents of an image and of a vector")
    func shape() {
        let image = Shape([28, 14, 3]), vector = Shape([10])
        #expect(image.isImage && image.height == 28 && image.width == 14 && image.channels == 3)
        #expect(image.count == 1176 && image.rows == 392 && image.description == "28×14×3")
        #expect(!vector.isImage && vector.height == 1 && vector.width == 1 && vector.channels == 10)
        #expect(vector.rows == 1 && vector.description == "10")
        #expect(Shape([2, 3]) != Shape([3, 2]))
    }

    static let noShapes: [[Int]] = [
        [], [0], [-1], [3, 0], [1 << 31], [1 << 16, 1 << 15], [.max, .max], [-1, -1],
    ]

    @Test("extents that are no shape", arguments: noShapes)
    func noShape(_ dimensions: [Int]) {
        #expect(Shape(checking: dimensions) == nil)
    }

    @Test("the largest shape")
    func largest() { #expect(Shape(checking: [Int(Int32.max)])?.count == Int(Int32.max)) }

    @Test("a buffer is zeroed, aligned to 64 bytes and copied, not shared", arguments: [0, 1, 5, 1000])
    func buffer(_ count: Int) {
        let buffer = AlignedBuffer<Float>(count: count)
        #expect(buffer.count == count && buffer.array == [Float](repeating: 0, count: count))
        #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
        let values = (0..<count).map { Float($0) }
        let copy = AlignedBuffer(values)
        #expect(copy.array == values)
        buffer.copy(from: copy)
        copy.zero()
        #expect(buffer.array == values && copy.array == [Float](repeating: 0, count: count))
    }

    @Test("subscript and spans see the same elements")
    func views() {
        let buffer = AlignedBuffer<Int32>([1, 2, 3, 4])
        buffer[2] = 9
        #expect(buffer[2] == 9)
        buffer.withMutableSpan(1..<3) { span in
            #expect(span.count == 2)
            span[0] = 7
        }
        #expect(buffer.array == [1, 7, 9, 4])
        #expect(buffer.withSpan(1..<4) { span in (0..<span.count).map { span[$0] } } == [7, 9, 4])
        #expect(buffer.withSpan(4..<4) { $0.count } == 0)
    }

    @Test("sixteen lanes are loaded and stored at any element")
    func lanes() {
        let values = (0..<40).map { Float($0) }
        let buffer = AlignedBuffer(values)
        #expect(buffer.pointer.lanes(3) == SIMD16((3..<19).map { Float($0) }))
        buffer.pointer.setLanes(5, SIMD16(repeating: -1))
        #expect(buffer.array == values.enumerated().map { (5..<21).contains($0) ? -1 : $1 })
    }

    @Test("errors say where, what was expected, what came and what to do, in one line")
    func errors() {
        let plain = InputError("model.layers[3]", expected: "a vector", received: "an image")
        #expect(plain.description == "model.layers[3]: expected a vector · received an image")
        let helped = InputError("--seed", expected: "a number", received: "\"x\"", remedy: "give one")
        #expect(helped.description == "--seed: expected a number · received \"x\" · give one")
        #expect(OperationError("writing x", problem: "disk full").description == "writing x: disk full")
        #expect(
            OperationError("writing x", problem: "disk full", remedy: "free some").description
                == "writing x: disk full · free some")
    }
}
