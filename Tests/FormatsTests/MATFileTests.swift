import Foundation
import Tensors
import Testing

@testable import Formats

/// MAT-files made by SciPy (Tests/Oracles/make_mat.py), whole and damaged.
@Suite struct MATFileTests {
    @Test(arguments: [plain, compressed]) func theNumbersAreSciPys(text: String) throws {
        let file = try MATFile(Self.bytes(text), place: "t.mat")
        #expect(Set(file.matrices.keys) == ["X", "y", "small", "single"])
        let x = try #require(file.matrices["X"])
        #expect(x.extents == [2, 3, 3, 4] && x.type == .uint8)
        var index = 0
        for l in 0..<4 {
            for k in 0..<3 {
                for j in 0..<3 {
                    for i in 0..<2 {
                        #expect(x.number(index) == Double(60 * l + 10 * k + 3 * j + i))
                        index += 1
                    }
                }
            }
        }
        let y = try #require(file.matrices["y"])
        #expect(y.extents == [4, 1] && (0..<4).map(y.number) == [10, 1, 2, 3])
        let small = try #require(file.matrices["small"]), single = try #require(file.matrices["single"])
        #expect((0..<2).map(small.number) == [-3, 7] && (0..<2).map(single.number) == [0.5, -1.25])
    }

    /// Cut anywhere, the file is refused, or read without the matrices that are cut off.
    @Test(arguments: [plain, compressed]) func everyCutIsRefusedOrLosesMatrices(text: String) throws {
        let bytes = try Self.bytes(text)
        for end in 0..<bytes.count {
            do throws(InputError) {
                let file = try MATFile(Array(bytes[..<end]), place: "t.mat")
                #expect(file.matrices.count < 4)
            } catch {
                #expect(error.place == "t.mat")
            }
        }
    }

    /// Any byte changed: an error or a file, never a crash.
    @Test(arguments: [plain, compressed]) func damageIsRefusedOrHarmless(text: String) throws {
        let bytes = try Self.bytes(text)
        var refused = 0
        for place in bytes.indices {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = bytes
                damaged[place] ^= change
                do throws(InputError) { _ = try MATFile(damaged, place: "t.mat") } catch { refused += 1 }
            }
        }
        #expect(refused > 100)
    }

    /// The matrices of a file are bounded together, not each: X, y, small and single have 72, 32, 4 and 8 bytes.
    @Test(arguments: [plain, compressed]) func allMatricesTogetherAreBounded(text: String) throws {
        let bytes = try Self.bytes(text)
        #expect(try MATFile(bytes, place: "t.mat", limit: 116).matrices.count == 4)
        #expect(throws: InputError.self) { try MATFile(bytes, place: "t.mat", limit: 115) }
    }

    @Test func otherKindsAreNamed() {
        func refusal(_ bytes: [UInt8]) -> String {
            do throws(InputError) {
                _ = try MATFile(bytes, place: "t.mat")
                return "none"
            } catch { return error.received }
        }
        #expect(refusal([]) == "an empty file")
        #expect(refusal(Array("MATLAB 7.3 MAT-file".utf8) + [UInt8](repeating: 32, count: 109)).contains("HDF5"))
        #expect(refusal([UInt8](repeating: 0, count: 200)) == "another kind of file")
    }

    private static func bytes(_ text: String) throws -> [UInt8] {
        [UInt8](try #require(Data(base64Encoded: text)))
    }

    private static let plain = """
        TUFUTEFCIDUuMCBNQVQtZmlsZSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\
        ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAAAAAAAAAAAAABSU0OAAAAgAAAAAYAAAAIAAAACQAAAAAAAAAFAAAA\
        EAAAAAIAAAADAAAAAwAAAAQAAAABAAEAWAAAAAIAAABIAAAAAAEDBAYHCgsNDhARFBUXGBobPD0/QEJDRkdJSkxNUFFTVFZXeHl7fH5/\
        goOFhoiJjI2PkJKTtLW3uLq7vr/BwsTFyMnLzM7PDgAAAFAAAAAGAAAACAAAAAYAAAAAAAAABQAAAAgAAAAEAAAAAQAAAAEAAQB5AAAA\
        CQAAACAAAAAAAAAAAAAkQAAAAAAAAPA/AAAAAAAAAEAAAAAAAAAIQA4AAAA4AAAABgAAAAgAAAAEAAAAAAAAAAUAAAAIAAAAAQAAAAYA\
        AAABAAQAdGV4dBAAAAAGAAAAYSB0ZXh0AAAOAAAAUAAAAAYAAAAIAAAABggAAAAAAAAFAAAACAAAAAEAAAABAAAAAQAAAAcAAABjb21w\
        bGV4AAkAAAAIAAAAAAAAAAAA8D8JAAAACAAAAAAAAAAAAABADgAAAKgAAAAGAAAACAAAAAEAAAAAAAAABQAAAAgAAAABAAAAAgAAAAEA\
        AAAFAAAAY2VsbHMAAAAOAAAAOAAAAAYAAAAIAAAADgAAAAAAAAAFAAAACAAAAAEAAAABAAAAAQAAAAAAAAAMAAAACAAAAAEAAAAAAAAA\
        DgAAADAAAAAGAAAACAAAAAQAAAAAAAAABQAAAAgAAAABAAAAAQAAAAEAAAAAAAAAEAABAGIAAAAOAAAAOAAAAAYAAAAIAAAACgAAAAAA\
        AAAFAAAACAAAAAEAAAACAAAAAQAAAAUAAABzbWFsbAAAAAMABAD9/wcADgAAAEAAAAAGAAAACAAAAAcAAAAAAAAABQAAAAgAAAACAAAA\
        AQAAAAEAAAAGAAAAc2luZ2xlAAAHAAAACAAAAAAAAD8AAKC/
        """

    private static let compressed = """
        TUFUTEFCIDUuMCBNQVQtZmlsZSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\
        ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAAAAAAAAAAAAABSU0PAAAAdQAAAHic42NgYGgAYjYg5gBiTgYIYAVi\
        ASBmAmJmKGYBYkYgjICKe4AUMjKzsLFzcfPyCQiKiIpLSEnb2No7ODm7uXt6+fgGBAaHhIVXVFbX1NU3Nbe2dXT29PZPmDR5y9btO3bt\
        3rf/4KEjR0+cPH3m3HkANKMehw8AAAAzAAAAeJzjY2BgCABiNiDmgNIgwArlswAxIxgzMlQCaU4gVmCAARUHCP3BHioA5XM4AABmJQNE\
        DwAAACwAAAB4nONjYGCwAGI2IOYAYhYGCGCF8hmhcoxAmZLUihIBKD9RAcRjYAAARYAEkw8AAAAxAAAAeJzjY2BgCABiNiDmANEgAghY\
        oXxGJMwOxMn5uQU5qRUMnFB5CPhgj8pncAAAsm0FGw8AAABCAAAAeJzjY2BgWAHEbEDMAcSMDBDAisRngtIgseTUnJxiIM0HxBZI+viw\
        6GNEMo8HzXyQegMk/SwE9AsAWUlAGgDhVARJDwAAAC8AAAB4nONjYGCwAGI2IOYAYi4GCGCF8hmBmAlKg8SKcxNzcoA0MwMLw9//7AwA\
        PQgEmA8AAAAxAAAAeJzjY2BgcABiNiDmAGJ2BghghfKZgJgRikFqijPz0nNSIeo4IErtGRgW7AcAV8MEqg==
        """
}
