@testable import Audit
import Datasets
import Formats

@testable import Tensors

extension Fuzzer {
    /// The tables that `trainer audit` reads. The first byte says which: probabilities of any program, or corrections.
    static let labels = Fuzzer(
        name: "labels",
        seeds: {
            [
                "0label,p0,p1,p2\n0,0.9,0.05,0.05\n2,0.2,0.3,0.5\n1,0.6,0.2,0.2\n",
                "0index;label;p_cat;p_dog\n0;cat;1;0\n1;dog;\"0.25\";7.5e-1\n",
                "1part,index,label,issue,suggestion,action\ntrain,0,a,1,b,relabel\ntrain,3,'=b,0,a,remove\ntest,1,b,1,a,keep\n",
            ].map { Array($0.utf8) }
        },
        run: { bytes in
            scratch.withLock { $0.write(Array(bytes.dropFirst())) }
            if bytes.first == 0x30 { judge() } else { correct() }
        })

    private static func judge() {
        guard let table = parsed({ try LabelledProbabilities.read(ScratchFile.path) }) else { return }
        for pruning in LabelPruning.allCases {
            let findings = LabelFindings(table, pruning: pruning, ranking: .normalizedMargin)
            require(findings.findings.allSatisfy { table.labels.indices.contains($0.index) }, "a finding of no sample")
            require(findings.joint.joint.joined().allSatisfy { $0.isFinite && $0 >= 0 }, "a share that is none")
        }
    }

    private static func correct() {
        guard let corrections = parsed({ try Corrections(ScratchFile.path, classNames: ["a", "=b"]) }),
            let images = parsed({
                try ImageSet(
                    images: [1, 2, 3, 4], labels: [0, 1, 0, 1], height: 1, width: 1, classCount: 2,
                    classNames: ["a", "=b"])
            }), let result = parsed({ try corrections.applied(to: images, part: "train") })
        else { return }
        require(result.images.count == 4 - result.removed, "images that nobody removed are gone")
        require(result.images.labels.allSatisfy { $0 < 2 }, "a label of no class")
        _ = parsed { try corrections.check(parts: ["train", "test"]) }
    }
}
