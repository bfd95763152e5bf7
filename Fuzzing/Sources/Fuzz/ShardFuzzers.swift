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

    /// HDF5 files, as h5py writes them (Tests/Oracles/make_hdf5.py): arrays, and what describes SVHN's whole numbers.
    static let hdf5 = Fuzzer(
        name: "hdf5",
        seeds: {
            let arrays = """
                H4sIAAAAAAACA+1ce1BUVRg/d18syxLgi4W1JHxRau7dBYIUeQsK8vAJYuvy2OWRriBIq0y20EzRjBFZTTRTk5Y1TtakjjbOaAM+\
                YYoms8zXaD4ao6nMUafJJmfb3fsd4F7du2rX5Izn+4Mf59zf+c69v/ud75x7OZeXszNmBmsiNchjajVSoFA02FxgTTZ+GR+3ADKA\
                rYCbZbie8R7TQX0Y+Bfy5s/NzPSwXQLD/cQrOOSfHbUHxbIzUws8WARlA2CPjM8rW91grXfjsytWVniwvtpeucyKULXdbl3pLi8v\
                ta8eHK8xfvplkJLjMrjMtWBkXAXuXg4oLMvdEctA3HIt1N6fSjd6yjIZ50gNI0TOGCDSVYIzcQ6NG8HI5ArlvLz8DMZ7DZxFycUb\
                RQF+HMDPFkegfCWQfzeaJvF5H0B5/xQOcTZZrxLvF2eLtcqhGdU3Rxd3ZQzDjy6ZMJrUuC7UTzS1gUIKQc/tQ1KPG66Au9BE56WG\
                RY2Bq4xC4WoU/jwc963N+xB9asFZtA41WZIR2tDpayYVjiF/M2lLEH9MUnuwZ1Kcc4dp+Dz7quVlnimzttpa7plSrctrGzxTZ4PV\
                0TA4NxvuOtepeTl+YBwnw5EUFBuEYl1yf+N4TdCtx3EHAXdDkcLNpYr+cZ0TId4CX2WN5vbmvi+1tzc3l0SSHdeMe8UktlKDNImw\
                bMLy4LlVMUiZ/riTc46CUIG3zMjxPKT2Zub6qlU2m3upqUAD8e2pr7DalpU2DNTL4c64uQ3lVdaVJiO+rxDPMvnJ4IFFpGJg8o65\
                Iz088wCDAm+aByb5aTcMAvFxYaQKyknAG+8jPrFV6vhn72upuA54EwU8Yb87gDdBwBP2ewp4enTr9XR/3MB4ixTwhP2OBt5IAU/Y\
                b7xg/GKe1odfatSoUaNGjRq1+20O85bsy4a+mNbajm/bwy5f3P/WmH3nj1xZ2JhndzU7GU37CXTlRtjRxugdvQ7z6xZHXWr62W55\
                kLIt5Hldx4k3j+68tuefljSXKQoZ9WiRTTMqs+a1qw7zqW3O5nMHVKoX9QE63a7rEbp1vTpddHlErQydv6TcOGV3e6HDXMJujC7t\
                bmlrGa63xY77yHax8Vpux/a1V/88rU1A6LfK4Ldf6dp+wWG+ami3tNYeDu1Rby2ImfzpJ++ylXvX33jp1fdsXQzKCAg8cZLJ/d1h\
                bqprbj7XLVep2kK02uApWu1Xi0yGdzoPOIcjlFajdk7tYQMc5t11loMKVcyuxl/PjNXpwxG6fk2VurbpUDGnhMXZUvnZmedattUx\
                aM/3SqaqY8sXngtPca7obE9wn9asRlngC/KCH/29KkY+FsDy//wALHzF038r7/MD2e098EcwjPeRyPcrciS43mf0/EdcMh74Pe+g\
                m/SoX4Os9PxcZtBlMIN4HsN/wsB2PIQmJ2rUqFGjRo0aNWrUqFGjRo0087WhR7jZjdvQE+hzQ0/uVA6joNybyGEKlIuSObRA+acM\
                Dp1QPpzD4QYoLynksAvKfQs5PAvlhiX9F8BZGfTH0Ht6Pwxv6LGA/tmAS2fd6/j1937vTre+5kzlBxa2DWTcCLyTB+8ImPaEOB+/\
                vnzDzxYqnCA+ZMV5OAF8biQ9MUodWJtYkgOLkV6QnUaSBZFJL8ghE8mCyKUX5FgsyYIopBekL45kQZTSC3I9nmRBVNILokkgWZAA\
                6QXRJ5IsiJq0dRNef+Kdtt0mcT5edh6PFedBWKNf4sR5+IHz73i6/uQPhHHTSR4IgdILEpdEsiAa6QWZOYNkQYKkF2RRMsmCaHEu\
                zsYKJYg3KAAcMU2ch7/aGj9dnGcBjE+iuZgfWFtTSQ6sYOkF2ZtGsiAPSS/IkXSSBQmRXpALGSQLEopzcRVUZM0Qb1CLLy9FnIe3\
                125LFec5Afel0VzMD6zpWSQHVpj0gszJJlmQYdILYp5FsiDD8S92gwGQBTQCmgBjAeMA4wGfBEwA5F6p2Fnwx4I/Fvyx4I8Ffyz4\
                Y8EfC/5Y8MeCPyP4M4I/I/gzgj8j+DOCPyP4M4I/I/gzgj8T+DOBP/jK2W4CfybwZwJ/JvBnAn8m8GdK5N1+3T1PSd/kkBxwI/Bc\
                h/+HyXfp4g3w/4GZPFOchz+tSMoS52GZ8rLpXMcPrJg8kgNrpPSCJOaTLMgo6QWZXUCyIOHSC1JSSLIgOpyLN0NF52zxBltxwzni\
                vF2Aj+WJ87oAn8qnuZgfWDvmkRxYEdILcnA+yYJESi/IDwtIFkQvvSA/LyRZkNE4F/dARU6BeIPDgJvmivOOA+6cJ847C3hoPs3F\
                /MBKKSY5sB6WXpDCxSQL8oj0gpSVkCzIGOkFqV9CsiBROBf3QcWxBeINLgMaisR5fwGmFvtNYl6bu5jmYn5g9ZpJDqxHpRfk9FKS\
                BYmWXpBLFpIFGSu9IK5SkgUZx+ViNVLD+ZeXiDcIBd6ep/28/ADe12Y/kwHwziwV58UA7w+LOM+AP4IqF+clAK+4QpyHP2qrsf7f\
                ubioguTAGi+9INVWkgWZIL0ga2wkCzLxX4pNl397ZgAA
                """
            let digitStruct = """
                H4sIAAAAAAACA+1cXUwcVRS+M8vaLcgWLAWklGy7FYEihdktf1J2QaBIoUVLGoNKAGd3WYOU4KrEh4aoIZX4YPpAGmOIIT5UH0hj\
                TGOqD31qmqYaU39iatI0xBgTk6bhgZg+iLs756zMwPz4w9477D0vhzucPbtz5jvfOffevdvXNtDb1u5pqPF5+toGnghHx0OES+bI\
                u90dXbnZJdnJgctFskie8g9RUWsgS1H1GF8/DFoAfQ70RRGvC8n/FcP1fPCvtRt4trMzYb2mEXyfu05F5/FHlpHS3dnWn9DPwdgD\
                +rqotvNOhcKvegmRo5Fo7FRs6rWXYip8Nv7D99XDb7dDGY851+N3hy5+G13qfLnpVfQMjJfq1Pguf1LRX8C47ClF/wTje0+r49D+\
                KMSJQ4Vp/A4LasKcbzDGmX8/4MtrbHevWhm7D6vf99SJkx1CnMxdmDcONV9rcYz4O1+stjvbp+grxZn5/ATiVGIh4LhC0aJywamp\
                g9qxIx5ZAeIrrou0M/5kEtdFUXHkgifrEGZ2Kq/M1nySGSbioeAqK4Wrih3G9v2IqxJjO+T3G6XGdsijy/vsjas6UkMmyQSJ6Gb2\
                Z4CDWznWOqW5XerKwCWzO6Va0Cs5arvxkdHQeEKHwskWKXZmMnn9jagcG0tUhFA0Mhb7m8Eq/iNDagrfBu2IIz/xd74nAKwSJP4c\
                4l9zEBOmHMxVLFyaTzTNwNO4H6AXlyk3u3E5EDSLi6iJg7ghLsp9F8Ed6sfhVt7mc8dzTOWtUlGdqTx7UGZsj0/1TbexHd71I7uN\
                7bDujBYa22Fd+XQvm/zX8zDcRy5tXlrJZzf/DgbpxSV7N7txaUojLx0osAMvLcPHe5BPO5/a97CLGw/FfBos5HU+2e8U2SGfJMj6\
                nj2082muhEXc6M2DtStQ2nkO2t/WrFBNjLyS3NIaHT0zvT5uwS3q25ZNtihwPoZ8qieNGrzoCd4H4kl3Xgj6rSKWZ68VFHl0cS+7\
                PFqVRh69UmoHHkUc44oiPdzc3scublop5tNKGbtxCaQxn7I9dsgnXHHHFfX073hUwV4XmzseUmql3mwFvrpcvVLCJbNEbwU+5lXb\
                /d8r8LgnNwbjEhMATiIPOdWZq91zRr7+/pCxP8zTSxp/envTrAq9inmwnN2KWRDUznS+qjJ+Bd5FwWPGdlgXY48b2+HE7j2TREDY\
                f1zJ8aXG1zsV7OKL5szvw0p241JMMS6fV7Ebl2qKcbl5iN24tATT37n/Us1y5+6z3LmXH+GdO+/cN3buNYe3tnOnx2TztewyGaHI\
                8KsSi3HBGR6uHM2azKjeB71Qa2x3AfSfkrVOfW6nOs7a7yjaQ2h+B8LtZzfvSk3j4tgQB+3Y6troRL16bofC9nezTvdam/kW+q3l\
                0+st1ma+vwatzXwXutjMOOQr5CPkG4o838hw/SMynAqSIU6yDzTgSoZ+VYYskuE0iQx3JTehn1rQdaAl0D7QftBHQNeDbgDdCLoJ\
                Pg/4k8CfBP4k8CeBPwn8SeBPAn8S+JPAnw/8+epUz3V4i1e0KPJ/M7u4kyjGZaKF5b7rI+SxemP7i9hPmRw3vIR1otnYDk8BLhzd\
                DrOsQBr7i9mjdugvEE+IF8QDvTxcamWXn2jy9rUAj8tmcbkTZDcuxWnkm9U2O/AN1pHLkOXfBGjzTbiD5bp/lajjpSfXiTqeevIt\
                aHe7sR2e9p/o2A51n+Z6y9lOdvmJZlzmu9iNS3kaeXvpmB14G/kC+WC2kzZv/9jNLn6aKOZV/XF269lD5C5R40dPfgN97Zi19Uk8\
                e6kn90HfMfmZmj9Atx63tt6JZz0zB18netnNu+Y08na4zw68jfmDuEdcm30fYal/86fMJTMkwdVbkkcOxUFOnEETfwgp/67k6Ts5\
                FB4fiYVS/lL5JjpWn1EuifA2mt81S0f9ElP7Zj0vGNtj3iyc5FhaLwneScRRyztmv65YA/HGMi/q2LVqnov27AznMy5cuHDhwoUL\
                F3vI9NB3wxHiqHS6cknWJ+Tl6aEvF7+eEcmuHwQW5yqDL1Kcq/zbHvt8xFqPvRjhPTYXLly4cOHChcv26LF/X5bJ2+7T8R479wNh\
                //TQz1dvxHvsnOfJ5b8A+H5U6K5pAAA=
                """
            return try [arrays, digitStruct].map { text in
                guard let bytes = Data(base64Encoded: text) else {
                    throw InputError("seed", expected: "base64", received: "something else")
                }
                return try Gzip.decompress([UInt8](bytes), limit: 1 << 20, place: "seed")
            }
        },
        run: { bytes in
            guard let file = parsed({ try HDF5File(bytes, place: "fuzz") }) else { return }
            var objects = [file.root], size = 0, seen = 0
            while let object = objects.popLast(), seen < 1000 {
                seen += 1
                if let members = parsed({ try file.members(of: object) }) {
                    objects += members.values
                } else if let data = parsed({ try file.dataSet(object) }) {
                    switch data {
                    case .references(let more): objects += more
                    case .numbers(let numbers):
                        require(numbers.extents.reduce(1, *) == numbers.count, "numbers that do not fill their extents")
                        size = max(size, numbers.bytes.count)
                    }
                }
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
