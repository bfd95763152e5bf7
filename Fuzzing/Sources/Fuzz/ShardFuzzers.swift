@testable import Formats
import Foundation

@testable import Datasets
@testable import Tensors

extension Fuzzer {
    /// MAT-files, as SciPy writes them (Tests/Oracles/make_mat.py), compressed and not.
    static let mat = Fuzzer(
        name: "mat",
        seeds: {
            let compressed = """
                TUFUTEFCIDUuMCBNQVQtZmlsZSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\
                ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAAAAAAAAAAAAABSU0PAAAAdQAAAHic42NgYGgA\
                YjYg5gBiTgYIYAViASBmAmJmKGYBYkYgjICKe4AUMjKzsLFzcfPyCQiKiIpLSEnb2No7ODm7uXt6+fgGBAaHhIVXVFbX1NU3\
                Nbe2dXT29PZPmDR5y9btO3bt3rf/4KEjR0+cPH3m3HkANKMehw8AAAAzAAAAeJzjY2BgCABiNiDmgNIgwArlswAxIxgzMlQC\
                aU4gVmCAARUHCP3BHioA5XM4AABmJQNEDwAAACwAAAB4nONjYGCwAGI2IOYAYhYGCGCF8hmhcoxAmZLUihIBKD9RAcRjYAAA\
                RYAEkw8AAAAxAAAAeJzjY2BgCABiNiDmANEgAghYoXxGJMwOxMn5uQU5qRUMnFB5CPhgj8pncAAAsm0FGw8AAABCAAAAeJzj\
                Y2BgWAHEbEDMAcSMDBDAisRngtIgseTUnJxiIM0HxBZI+viw6GNEMo8HzXyQegMk/SwE9AsAWUlAGgDhVARJDwAAAC8AAAB4\
                nONjYGCwAGI2IOYAYi4GCGCF8hmBmAlKg8SKcxNzcoA0MwMLw9//7AwAPQgEmA8AAAAxAAAAeJzjY2BgcABiNiDmAGJ2Bghg\
                hfKZgJgRikFqijPz0nNSIeo4IErtGRgW7AcAV8MEqg==
                """
            let plain = """
                TUFUTEFCIDUuMCBNQVQtZmlsZSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\
                ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAAAAAAAAAAAAABSU0OAAAAgAAAAAYAAAAIAAAA\
                CQAAAAAAAAAFAAAAEAAAAAIAAAADAAAAAwAAAAQAAAABAAEAWAAAAAIAAABIAAAAAAEDBAYHCgsNDhARFBUXGBobPD0/QEJD\
                RkdJSkxNUFFTVFZXeHl7fH5/goOFhoiJjI2PkJKTtLW3uLq7vr/BwsTFyMnLzM7PDgAAAFAAAAAGAAAACAAAAAYAAAAAAAAA\
                BQAAAAgAAAAEAAAAAQAAAAEAAQB5AAAACQAAACAAAAAAAAAAAAAkQAAAAAAAAPA/AAAAAAAAAEAAAAAAAAAIQA4AAAA4AAAA\
                BgAAAAgAAAAEAAAAAAAAAAUAAAAIAAAAAQAAAAYAAAABAAQAdGV4dBAAAAAGAAAAYSB0ZXh0AAAOAAAAUAAAAAYAAAAIAAAA\
                BggAAAAAAAAFAAAACAAAAAEAAAABAAAAAQAAAAcAAABjb21wbGV4AAkAAAAIAAAAAAAAAAAA8D8JAAAACAAAAAAAAAAAAABA\
                DgAAAKgAAAAGAAAACAAAAAEAAAAAAAAABQAAAAgAAAABAAAAAgAAAAEAAAAFAAAAY2VsbHMAAAAOAAAAOAAAAAYAAAAIAAAA\
                DgAAAAAAAAAFAAAACAAAAAEAAAABAAAAAQAAAAAAAAAMAAAACAAAAAEAAAAAAAAADgAAADAAAAAGAAAACAAAAAQAAAAAAAAA\
                BQAAAAgAAAABAAAAAQAAAAEAAAAAAAAAEAABAGIAAAAOAAAAOAAAAAYAAAAIAAAACgAAAAAAAAAFAAAACAAAAAEAAAACAAAA\
                AQAAAAUAAABzbWFsbAAAAAMABAD9/wcADgAAAEAAAAAGAAAACAAAAAcAAAAAAAAABQAAAAgAAAACAAAAAQAAAAEAAAAGAAAA\
                c2luZ2xlAAAHAAAACAAAAAAAAD8AAKC/
                """
            return try [compressed, plain].map { text in
                guard let bytes = Data(base64Encoded: text) else {
                    throw InputError("seed", expected: "base64", received: "something else")
                }
                return [UInt8](bytes)
            }
        },
        run: { bytes in
            guard let file = parsed({ try MATFile(bytes, place: "fuzz") }) else { return }
            var size = 0
            for (name, matrix) in file.matrices {
                require(matrix.extents.reduce(1, *) == matrix.count, "a matrix that does not fill its extents: \(name)")
                for index in 0..<min(matrix.count, 100) { _ = matrix.number(index) }
                size += matrix.bytes.count
            }
            require(size <= Gzip.largestRatio * bytes.count + 1 << 16, "memory out of nothing")
        })

    /// The list of a sharded data set's files.
    static let shards = Fuzzer(
        name: "shards",
        seeds: {
            [
                Array(
                    """
                    {"version": 1, "classNames": ["a", "b"], "height": 2, "width": 3, "channels": 3, "train": [{"images": \
                    "i", "labels": "l", "count": 4, "imagesSHA256": "00", "labelsSHA256": "11"}], "val": [], "test": []}
                    """.utf8)
            ]
        },
        run: { bytes in
            guard let manifest = parsed({ try ShardManifest.parse(bytes, path: "fuzz") }) else { return }
            for shard in manifest.train + manifest.val + manifest.test {
                require(!shard.images.contains("/") && !shard.labels.contains("/"), "a file of another folder")
                require(manifest.header(shard.count).count >= 16, "a header of no image")
            }
        })
}
