import Foundation
import Testing

@testable import LinearAlgebra

/// What the library says of itself against what the system says of the process.
struct BLASVendorTests {
    /// Runs one product first, as any user of BLAS does.
    private func multiply() {
        var c: [Float] = [0]
        BLAS.gemm(m: 1, n: 1, k: 1, a: [3], lda: 1, b: [5], ldb: 1, c: &c, ldc: 1)
        #expect(c == [15])
    }

    @Test func theLibraryThatWasBuiltForAnswers() throws {
        multiply()
        #expect(BLASVendor.family == BLASVendor.expectedFamily)
        #expect(BLASVendor.version != nil || BLASVendor.family == .accelerate)
        #if os(Linux)
            // The loader's own list of what is mapped is the witness.
            let path = try #require(BLASVendor.library)
            let file = try #require(FileHandle(forReadingAtPath: "/proc/self/maps"))
            let maps = String(decoding: try #require(try file.readToEnd()), as: UTF8.self)
            #expect(maps.split(separator: "\n").contains { $0.hasSuffix(" " + path) })
            let name = try #require(path.split(separator: "/").last)
            let stem =
                switch BLASVendor.backend {
                case "blis": "libblis"
                case "mkl": "libmkl_rt"
                case "netlib", "atlas": "libblas"
                case "scipy-openblas": "libscipy_openblas"
                default: "libopenblas"
                }
            #expect(name.hasPrefix(stem))
        #endif
    }

    @Test(.disabled(if: BLASVendor.family == .accelerate)) func oneThreadACall() {
        multiply()
        #expect(BLASVendor.threads == 1)
    }
}
