@testable import Datasets
import Formats
import Tensors

extension Fuzzer {
    /// Tables with a row for each image. The first byte says which options are given, by its bits: several labels,
    /// weights, colours, a label column of that name, no labels at all.
    static let tables = Fuzzer(
        name: "tables",
        seeds: {
            [
                "0label,a,b,c,d\n0,1,2,3,4\n1,255,254,253,252\n",
                "01,0.5,0.25,1,0\n0,0,0,1,1\n",
                "0id;p0;p1;p2;p3;label\n7;1;2;3;4;cat\n8;5;6;7;8;\"dog; big\"\n",
                "1label\ta\tb\tc\td\ncat|dog\t1\t2\t3\t4\n\t5\t6\t7\t8\ndog\t9\t9\t9\t9\n",
                "2label,weight,a,b,c,d\n3,0.5,1,2,3,4\n1,0,5,6,7,8\n",
                "4# colours\n1,1,2,3\r\n0,4,5,6\r\n",
                "8p,label,q,r,s\n1,0,2,3,4\n1,1,2,3,4\n",
                "@id,a,b,c,d\n1,1,2,3,4\n2,5,6,7,8\n",
            ].map { Array($0.utf8) }
        },
        run: { bytes in
            guard let flags = bytes.first else { return }
            let options = ImageCSV.Options(
                labelColumn: flags & 8 == 0 ? nil : "label", channels: flags & 4 == 0 ? 1 : 3,
                multiLabel: flags & 1 != 0, weightColumn: flags & 2 == 0 ? nil : "weight")
            let text = Array(bytes.dropFirst())
            flags & 64 == 0 ? label(text, options) : list(text, options)
        })

    private static func label(_ text: [UInt8], _ options: ImageCSV.Options) {
        let set = parsed { () -> ImageSet? in
            do {
                return try ImageCSV.parse(text, path: "t", options)
            } catch let problems as ConversionProblems {
                require("\(problems)".utf8.count < 100_000, "more problems than a person reads")
                return nil
            }
        }
        guard let set = set ?? nil else { return }
        let size = set.height * set.width * set.channels
        require(set.images.count == set.count * size, "pixels of no image")
        require(set.labels.allSatisfy { Int($0) < set.classCount }, "a label of no class")
        let weights = set.weights ?? [], classes = UInt64(set.classCount)
        require(weights.allSatisfy { $0 >= 0 && $0.isFinite }, "a weight that is none")
        require((set.labelSets ?? []).allSatisfy { $0 >> classes == 0 }, "labels of no class")
    }

    private static func list(_ text: [UInt8], _ options: ImageCSV.Options) {
        scratch.withLock { $0.write(text) }
        let list = parsed { () -> ImageCSV.Unlabelled? in
            do {
                return try ImageCSV.readUnlabelled(ScratchFile.path, options)
            } catch is ConversionProblems {
                return nil
            }
        }
        guard let list = list ?? nil else { return }
        require(list.pixels.count % max(list.count * list.width * list.height, 1) == 0, "pixels of no image")
    }
}
