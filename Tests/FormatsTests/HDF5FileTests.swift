import Foundation
import Tensors
import Testing

@testable import Formats

/// HDF5 files made by h5py (Tests/Oracles/make_hdf5.py), whole and damaged.
@Suite struct HDF5FileTests {
    private static func numbers(_ object: HDF5File.Object?, _ file: HDF5File) throws -> StoredNumbers {
        guard case .numbers(let numbers) = try file.dataSet(try #require(object)) else {
            throw InputError("data set", expected: "numbers", received: "references")
        }
        return numbers
    }

    @Test func theNumbersAreThoseThatH5pyWrote() throws {
        let file = try HDF5File(try Self.bytes(), place: "t.h5")
        let root = try file.members(of: file.root)
        #expect(Set(root.keys) == ["bytes", "words", "single", "inner", "many"])
        let bytes = try Self.numbers(root["bytes"], file)
        #expect(bytes.extents == [2, 3] && bytes.type == .uint8 && bytes.bytes == [0, 1, 2, 3, 4, 5])
        let words = try Self.numbers(root["words"], file), single = try Self.numbers(root["single"], file)
        #expect((0..<2).map(words.number) == [-3, 7] && (0..<2).map(single.number) == [0.5, -1.25])
        let inner = try file.members(of: try #require(root["inner"]))
        let number = try Self.numbers(inner["number"], file)
        #expect(number.extents.isEmpty && number.number(0) == 2.5)
        #expect(try Self.numbers(inner["empty"], file).count == 0)
    }

    /// [7, 10] in pieces of [3, 4]: shuffled, deflated, with checksums.
    @Test func piecesAreUnpackedAndPutTogether() throws {
        let file = try HDF5File(try Self.bytes(), place: "t.h5")
        let root = try file.members(of: file.root), inner = try file.members(of: try #require(root["inner"]))
        let pieces = try Self.numbers(inner["pieces"], file)
        #expect(pieces.extents == [7, 10] && pieces.type == .int32)
        #expect((0..<70).map(pieces.number) == (0..<70).map { Double(1000 * $0 - 5000) })
    }

    @Test func aGroupMayHaveMoreNamesThanANodeHolds() throws {
        let file = try HDF5File(try Self.bytes(), place: "t.h5")
        let many = try file.members(of: try #require(try file.members(of: file.root)["many"]))
        #expect(many.count == 40)
        for number in 0..<40 {
            let name = number < 10 ? "n0\(number)" : "n\(number)"
            #expect(try Self.numbers(many[name], file).number(0) == Double(number))
        }
    }

    @Test func whatIsNotNumbersIsRefused() throws {
        let file = try HDF5File(try Self.bytes(), place: "t.h5")
        let root = try file.members(of: file.root), inner = try #require(root["inner"])
        let text = try #require(try file.members(of: inner)["text"])
        #expect(throws: InputError.self) { try file.dataSet(text) }
        #expect(throws: InputError.self) { try file.dataSet(inner) }
        #expect(throws: InputError.self) { try file.members(of: text) }
        #expect(throws: InputError.self) { try file.dataSet(.init(address: -8)) }
        for bytes in [[], [UInt8](repeating: 0, count: 2000)] {
            #expect(throws: InputError.self) { try HDF5File(bytes, place: "t.h5") }
        }
    }

    /// Reads all that there is; false if something is refused.
    private static func walk(_ bytes: [UInt8]) -> Bool {
        do throws(InputError) {
            let file = try HDF5File(bytes, place: "t.h5")
            for (_, object) in try file.members(of: file.root) {
                if let members = try? file.members(of: object) {
                    for (_, inner) in members { _ = try? file.dataSet(inner) }
                } else {
                    _ = try file.dataSet(object)
                }
            }
            return true
        } catch { return false }
    }

    /// Any byte changed, or the file cut anywhere: an error or numbers, never a crash, never without an end.
    @Test func damageIsRefusedOrHarmless() throws {
        let bytes = try Self.bytes()
        #expect(Self.walk(bytes))
        var refused = 0
        // Most of the file is zeros that nothing refers to.
        for place in bytes.indices where bytes[place] != 0 {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = bytes
                damaged[place] ^= change
                if !Self.walk(damaged) { refused += 1 }
            }
        }
        for end in stride(from: 0, to: bytes.count, by: 97) where !Self.walk(Array(bytes[..<end])) { refused += 1 }
        #expect(refused > 500)
    }

    /// Numbers as large as there are, wherever one may stand.
    @Test(arguments: [Int.max, .max - 7, .max - 23, 1 << 32, -8]) func largestNumbersAreRefusedOrHarmless(number: Int)
        throws
    {
        let bytes = try Self.bytes()
        var refused = 0
        for place in stride(from: 0, to: bytes.count - 7, by: 4)
        where bytes[place..<place + 8].contains(where: { $0 != 0 }) {
            var damaged = bytes
            damaged.replaceSubrange(place..<place + 8, with: LittleEndian.bytes(of: number))
            if !Self.walk(damaged) { refused += 1 }
        }
        #expect(refused > 50)
    }

    /// Returns the numbers of the data set "pieces" after every `old` in the file was replaced.
    private static func pieces(_ old: [UInt8], _ new: [UInt8]) throws -> StoredNumbers {
        var bytes = try Self.bytes()
        let places = bytes.indices.dropLast(old.count).filter { bytes[$0..<$0 + old.count].elementsEqual(old) }
        #expect(!places.isEmpty)
        for place in places { bytes.replaceSubrange(place..<place + old.count, with: new) }
        let file = try HDF5File(bytes, place: "t.h5")
        let root = try file.members(of: file.root), inner = try file.members(of: try #require(root["inner"]))
        return try numbers(inner["pieces"], file)
    }

    /// A data set may be larger than what is stored of it, but not without a bound.
    @Test func dataOutOfProportionAreRefused() throws {
        func extents(_ columns: Int) -> [UInt8] { LittleEndian.bytes(of: 7) + LittleEndian.bytes(of: columns) }
        #expect(try Self.pieces(extents(10), extents(20)).count == 140)
        let many = 8 * (try Self.bytes()).count
        #expect(throws: InputError.self) { try Self.pieces(extents(10), extents(many)) }
    }

    /// Deflated twice, a thousand bytes could be a thousand million.
    @Test func filtersAreAppliedOnceAndToTheirElements() throws {
        let list: [UInt8] = [1, 3, 0, 0, 0, 0, 0, 0], shuffle = Array("shuffle".utf8) + [0]
        #expect(try Self.pieces(list + [2, 0], list + [2, 0]).count == 70)
        #expect(throws: InputError.self) { try Self.pieces(list + [2, 0], list + [1, 0]) }
        #expect(throws: InputError.self) {
            try Self.pieces(shuffle + [4, 0, 0, 0], shuffle + [0xFF, 0xFF, 0xFF, 0xFF])
        }
    }

    /// A tree that is its own child, and one that is deep, end in an error.
    @Test func treesWithoutAnEndAreRefused() throws {
        var bytes = try Self.bytes()
        let tree = try #require(bytes.indices.dropLast(4).first { bytes[$0..<$0 + 4].elementsEqual("TREE".utf8) })
        bytes[tree + 5] = 1
        for offset in 0..<8 { bytes[tree + 32 + offset] = UInt8(truncatingIfNeeded: tree >> (8 * offset)) }
        let file = try HDF5File(bytes, place: "t.h5")
        #expect(throws: InputError.self) { try file.members(of: file.root) }
    }

    private static func bytes() throws -> [UInt8] {
        try Gzip.decompress([UInt8](try #require(Data(base64Encoded: packed))), limit: 1 << 20, place: "t.h5")
    }

    private static let packed = """
        H4sIAAAAAAACA+1ce1BUVRg/d18syxLgi4W1JHxRau7dBYIUeQsK8vAJYuvy2OWRriBIq0y20EzRjBFZTTRTk5Y1TtakjjbOaAM+YYoms8zXaD\
        4ao6nMUafJJmfb3fsd4F7du2rX5Izn+4Mf59zf+c69v/ud75x7OZeXszNmBmsiNchjajVSoFA02FxgTTZ+GR+3ADKArYCbZbie8R7TQX0Y+Bfy\
        5s/NzPSwXQLD/cQrOOSfHbUHxbIzUws8WARlA2CPjM8rW91grXfjsytWVniwvtpeucyKULXdbl3pLi8vta8eHK8xfvplkJLjMrjMtWBkXAXuXg\
        4oLMvdEctA3HIt1N6fSjd6yjIZ50gNI0TOGCDSVYIzcQ6NG8HI5ArlvLz8DMZ7DZxFycUbRQF+HMDPFkegfCWQfzeaJvF5H0B5/xQOcTZZrxLv\
        F2eLtcqhGdU3Rxd3ZQzDjy6ZMJrUuC7UTzS1gUIKQc/tQ1KPG66Au9BE56WGRY2Bq4xC4WoU/jwc963N+xB9asFZtA41WZIR2tDpayYVjiF/M2\
        lLEH9MUnuwZ1Kcc4dp+Dz7quVlnimzttpa7plSrctrGzxTZ4PV0TA4NxvuOtepeTl+YBwnw5EUFBuEYl1yf+N4TdCtx3EHAXdDkcLNpYr+cZ0T\
        Id4CX2WN5vbmvi+1tzc3l0SSHdeMe8UktlKDNImwbMLy4LlVMUiZ/riTc46CUIG3zMjxPKT2Zub6qlU2m3upqUAD8e2pr7DalpU2DNTL4c64uQ\
        3lVdaVJiO+rxDPMvnJ4IFFpGJg8o65Iz088wCDAm+aByb5aTcMAvFxYaQKyknAG+8jPrFV6vhn72upuA54EwU8Yb87gDdBwBP2ewp4enTr9XR/\
        3MB4ixTwhP2OBt5IAU/Yb7xg/GKe1odfatSoUaNGjRq1+20O85bsy4a+mNbajm/bwy5f3P/WmH3nj1xZ2JhndzU7GU37CXTlRtjRxugdvQ7z6x\
        ZHXWr62W55kLIt5Hldx4k3j+68tuefljSXKQoZ9WiRTTMqs+a1qw7zqW3O5nMHVKoX9QE63a7rEbp1vTpddHlErQydv6TcOGV3e6HDXMJujC7t\
        bmlrGa63xY77yHax8Vpux/a1V/88rU1A6LfK4Ldf6dp+wWG+ami3tNYeDu1Rby2ImfzpJ++ylXvX33jp1fdsXQzKCAg8cZLJ/d1hbqprbj7XLV\
        ep2kK02uApWu1Xi0yGdzoPOIcjlFajdk7tYQMc5t11loMKVcyuxl/PjNXpwxG6fk2VurbpUDGnhMXZUvnZmedattUxaM/3SqaqY8sXngtPca7o\
        bE9wn9asRlngC/KCH/29KkY+FsDy//wALHzF038r7/MD2e098EcwjPeRyPcrciS43mf0/EdcMh74Pe+gm/SoX4Os9PxcZtBlMIN4HsN/wsB2PI\
        QmJ2rUqFGjRo0aNWrUqFGjRo0087WhR7jZjdvQE+hzQ0/uVA6joNybyGEKlIuSObRA+acMDp1QPpzD4QYoLynksAvKfQs5PAvlhiX9F8BZGfTH\
        0Ht6Pwxv6LGA/tmAS2fd6/j1937vTre+5kzlBxa2DWTcCLyTB+8ImPaEOB+/vnzDzxYqnCA+ZMV5OAF8biQ9MUodWJtYkgOLkV6QnUaSBZFJL8\
        ghE8mCyKUX5FgsyYIopBekL45kQZTSC3I9nmRBVNILokkgWZAA6QXRJ5IsiJq0dRNef+Kdtt0mcT5edh6PFedBWKNf4sR5+IHz73i6/uQPhHHT\
        SR4IgdILEpdEsiAa6QWZOYNkQYKkF2RRMsmCaHEuzsYKJYg3KAAcMU2ch7/aGj9dnGcBjE+iuZgfWFtTSQ6sYOkF2ZtGsiAPSS/IkXSSBQmRXp\
        ALGSQLEopzcRVUZM0Qb1CLLy9FnIe3125LFec5Afel0VzMD6zpWSQHVpj0gszJJlmQYdILYp5FsiDD8S92gwGQBTQCmgBjAeMA4wGfBEwA5F6p\
        2Fnwx4I/Fvyx4I8Ffyz4Y8EfC/5Y8MeCPyP4M4I/I/gzgj8j+DOCPyP4M4I/I/gzgj8T+DOBP/jK2W4CfybwZwJ/JvBnAn8m8GdK5N1+3T1PSd\
        /kkBxwI/Bch/+HyXfp4g3w/4GZPFOchz+tSMoS52GZ8rLpXMcPrJg8kgNrpPSCJOaTLMgo6QWZXUCyIOHSC1JSSLIgOpyLN0NF52zxBltxwzni\
        vF2Aj+WJ87oAn8qnuZgfWDvmkRxYEdILcnA+yYJESi/IDwtIFkQvvSA/LyRZkNE4F/dARU6BeIPDgJvmivOOA+6cJ847C3hoPs3F/MBKKSY5sB\
        6WXpDCxSQL8oj0gpSVkCzIGOkFqV9CsiBROBf3QcWxBeINLgMaisR5fwGmFvtNYl6bu5jmYn5g9ZpJDqxHpRfk9FKSBYmWXpBLFpIFGSu9IK5S\
        kgUZx+ViNVLD+ZeXiDcIBd6ep/28/ADe12Y/kwHwziwV58UA7w+LOM+AP4IqF+clAK+4QpyHP2qrsf7fubioguTAGi+9INVWkgWZIL0ga2wkCz\
        LxX4pNl397ZgAA
        """
}
